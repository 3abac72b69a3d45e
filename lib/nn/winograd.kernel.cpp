#include "base/simd.h"
#include "nn/winograd_kernels.h"

namespace espalier::ESPALIER_KERNEL {

namespace {

// Register tiles: AVX-512 has 32 vector registers, the others 16. A tile of outputs x pixels sums leaves room for the
// vectors that are read and one broadcast number.
constexpr int kOutputs = 6, kPixels = kLanes == 16 ? 4 : 2;

/// The points of tiles of four: 0, +-kNear, +-kFar and infinity. Their squares are 1/2 and 2.
constexpr float kNear = 0.70710678f, kFar = 1.41421356f, kNearCubed = 0.35355339f, kFarCubed = 2.82842712f;

ESPALIER_INLINE const float* site(const float* p, std::ptrdiff_t i) { return p + i * kLanes; }
ESPALIER_INLINE float* site(float* p, std::ptrdiff_t i) { return p + i * kLanes; }

template <int n>
struct Count {
  static constexpr int value = n;
};

/// B' applied to side + 2 numbers.
template <int side>
ESPALIER_INLINE void transform_input(const Float* d, Float* out) {
  if constexpr (side == 2) {
    out[0] = d[0] - d[2];
    out[1] = d[1] + d[2];
    out[2] = d[2] - d[1];
    out[3] = d[1] - d[3];
  } else {
    const Float near_even = d[4] - 2.0f * d[2], near_odd = kNear * d[3] - kFar * d[1];
    const Float far_even = d[4] - 0.5f * d[2], far_odd = kFar * d[3] - kNear * d[1];
    out[0] = (d[0] + d[4]) - 2.5f * d[2];
    out[1] = near_even + near_odd;
    out[2] = near_even - near_odd;
    out[3] = far_even + far_odd;
    out[4] = far_even - far_odd;
    out[5] = (d[1] + d[5]) - 2.5f * d[3];
  }
}

/// A' applied to side + 2 numbers gives `side`, A applied to `side` gives side + 2.
template <int side>
ESPALIER_INLINE void transform_output(const Float* m, Float* out) {
  if constexpr (side == 2) {
    out[0] = m[0] + m[1] + m[2];
    out[1] = m[1] - m[2] - m[3];
  } else {
    const Float near_even = m[1] + m[2], near_odd = m[1] - m[2], far_even = m[3] + m[4], far_odd = m[3] - m[4];
    out[0] = m[0] + near_even + far_even;
    out[1] = kNear * near_odd + kFar * far_odd;
    out[2] = 0.5f * near_even + 2.0f * far_even;
    out[3] = kNearCubed * near_odd + (kFarCubed * far_odd + m[5]);
  }
}
template <int side>
ESPALIER_INLINE void transform_gradient(const Float* y, Float* out) {
  if constexpr (side == 2) {
    out[0] = y[0];
    out[1] = y[0] + y[1];
    out[2] = y[0] - y[1];
    out[3] = -y[1];
  } else {
    const Float near_even = y[0] + 0.5f * y[2], near_odd = kNear * y[1] + kNearCubed * y[3];
    const Float far_even = y[0] + 2.0f * y[2], far_odd = kFar * y[1] + kFarCubed * y[3];
    out[0] = y[0];
    out[1] = near_even + near_odd;
    out[2] = near_even - near_odd;
    out[3] = far_even + far_odd;
    out[4] = far_even - far_odd;
    out[5] = y[3];
  }
}

/// G applied to three numbers gives side + 2, G' applied to side + 2 gives three.
template <int side>
ESPALIER_INLINE void transform_weights(const Float* g, Float* out) {
  if constexpr (side == 2) {
    const Float even = 0.5f * (g[0] + g[2]), odd = 0.5f * g[1];
    out[0] = g[0];
    out[1] = even + odd;
    out[2] = even - odd;
    out[3] = g[2];
  } else {
    const Float near_even = (g[0] + 0.5f * g[2]) * (-1 / 1.5f), near_odd = g[1] * (-kNear / 1.5f);
    const Float far_even = (g[0] + 2.0f * g[2]) * (1 / 6.0f), far_odd = g[1] * (kFar / 6.0f);
    out[0] = g[0];
    out[1] = near_even + near_odd;
    out[2] = near_even - near_odd;
    out[3] = far_even + far_odd;
    out[4] = far_even - far_odd;
    out[5] = g[2];
  }
}
template <int side>
ESPALIER_INLINE void transform_taps(const Float* m, Float* out) {
  if constexpr (side == 2) {
    const Float even = 0.5f * (m[1] + m[2]);
    out[0] = m[0] + even;
    out[1] = 0.5f * (m[1] - m[2]);
    out[2] = even + m[3];
  } else {
    const Float near_even = (m[1] + m[2]) * (-1 / 1.5f), near_odd = (m[1] - m[2]) * (-kNear / 1.5f);
    const Float far_even = (m[3] + m[4]) * (1 / 6.0f), far_odd = (m[3] - m[4]) * (kFar / 6.0f);
    out[0] = m[0] + near_even + far_even;
    out[1] = near_odd + far_odd;
    out[2] = 0.5f * near_even + (2.0f * far_even + m[5]);
  }
}

/// A row of tiles of one channel: side + 2 input rows, of which those outside of the image are left out.
struct TileRow {
  const float* in;  ///< the channel
  int first, height, width;
  std::ptrdiff_t next;  ///< from a site to the same of the next channel, which is fetched ahead
  Float scale, shift, floor;
};

/// B' down one column of a row of tiles.
template <int side, bool normalize, bool whole>
ESPALIER_INLINE void transform_column(const TileRow& row, int column, Float* out) {
  Float d[side + 2] = {};
  if (column >= 0 && column < row.width) {
    const float* const at = site(row.in, std::ptrdiff_t(row.first) * row.width + column);
#pragma GCC unroll 6
    for (int r = 0; r < side + 2; ++r) {
      if (!whole && (row.first + r < 0 || row.first + r >= row.height)) continue;
      const float* const from = site(at, std::ptrdiff_t(r) * row.width);
      __builtin_prefetch(site(from, row.next));
      d[r] = load(from);
      if constexpr (normalize) d[r] = maximum(row.floor, d[r] * row.scale + row.shift);
    }
  }
  transform_input<side>(d, out);
}

/// Tiles from left to right; neighbours share two of their columns.
template <int side, bool normalize, bool whole>
void transform_tiles(const TileRow row, int left, int tile_columns, float* out, std::ptrdiff_t out_frequency) {
  constexpr int kSpan = side + 2;
  Float columns[kSpan][kSpan];
  transform_column<side, normalize, whole>(row, -left, columns[0]);
  transform_column<side, normalize, whole>(row, 1 - left, columns[1]);
  for (int j = 0; j < tile_columns; ++j) {
#pragma GCC unroll 4
    for (int s = 2; s < kSpan; ++s) transform_column<side, normalize, whole>(row, side * j + s - left, columns[s]);
    float* to = site(out, j);
#pragma GCC unroll 6
    for (int r = 0; r < kSpan; ++r) {
      Float d[kSpan], frequencies[kSpan];
#pragma GCC unroll 6
      for (int s = 0; s < kSpan; ++s) d[s] = columns[s][r];
      transform_input<side>(d, frequencies);
#pragma GCC unroll 6
      for (int s = 0; s < kSpan; ++s, to = site(to, out_frequency)) store(to, frequencies[s]);
      columns[0][r] = columns[side][r];
      columns[1][r] = columns[side + 1][r];
    }
  }
}

template <int side, bool normalize>
void transform_channel(const WinogradInputJob& job, int c) {
  const std::ptrdiff_t pixels = std::ptrdiff_t(job.height) * job.width;
  TileRow row = {site(job.in, c * pixels),
                 job.first_row,
                 job.height,
                 job.width,
                 pixels,
                 splat(normalize && job.scale ? job.scale[c] : 1),
                 splat(normalize && job.shift ? job.shift[c] : 0),
                 job.rectify ? Float{} : splat(-__builtin_inff())};
  for (int i = 0; i < job.tile_rows; ++i, row.first += side) {
    float* const out = site(job.out, (std::ptrdiff_t(c) * job.tile_rows + i) * job.tile_columns);
    if (row.first >= 0 && row.first + side + 2 <= job.height)
      transform_tiles<side, normalize, true>(row, job.left, job.tile_columns, out, job.out_frequency);
    else
      transform_tiles<side, normalize, false>(row, job.left, job.tile_columns, out, job.out_frequency);
  }
}

template <int side>
void input_of(const WinogradInputJob& job) {
  for (int c = 0; c < job.channels; ++c)
    if (job.scale || job.rectify)
      transform_channel<side, true>(job, c);
    else
      transform_channel<side, false>(job, c);
}

/// A' m A of one tile, of which `rows` x `columns` pixels lie in the image.
template <int side, bool whole>
ESPALIER_INLINE void output_tile(const WinogradOutputJob& job, const float* in, Float bias, float* out, int rows,
                                 int columns) {
  constexpr int kSpan = side + 2;
  const std::ptrdiff_t in_frequency = job.in_frequency, out_row = job.out_row, next = job.out_channel;
  const bool add = job.add;
  Float across[kSpan][side];
#pragma GCC unroll 6
  for (int r = 0; r < kSpan; ++r) {
    Float m[kSpan];
#pragma GCC unroll 6
    for (int s = 0; s < kSpan; ++s, in = site(in, in_frequency)) m[s] = load(in);
    transform_output<side>(m, across[r]);
  }
#pragma GCC unroll 4
  for (int s = 0; s < side; ++s) {
    Float m[kSpan], y[side];
#pragma GCC unroll 6
    for (int r = 0; r < kSpan; ++r) m[r] = across[r][s];
    transform_output<side>(m, y);
    if (!whole && s >= columns) continue;
    float* to = site(out, s);
#pragma GCC unroll 4
    for (int r = 0; r < side; ++r, to = site(to, out_row)) {
      if (!whole && r >= rows) continue;
      __builtin_prefetch(site(to, next), 1);
      store(to, (add ? load(to) : bias) + y[r]);
    }
  }
}

template <int side>
void output_of(const WinogradOutputJob& job) {
  const float* in = job.in;
  for (int o = 0; o < job.outputs; ++o) {
    const Float bias = splat(job.bias ? job.bias[o] : 0);
    for (int i = 0; i < job.tile_rows; ++i)
      for (int j = 0; j < job.tile_columns; ++j, in += kLanes) {
        float* const out = site(job.out, o * job.out_channel + side * i * job.out_row + side * j);
        const int rows = job.rows - side * i, columns = job.columns - side * j;
        if (rows >= side && columns >= side)
          output_tile<side, true>(job, in, bias, out, rows, columns);
        else
          output_tile<side, false>(job, in, bias, out, rows, columns);
      }
  }
}

/// A g A' of one tile, of which `rows` x `columns` pixels lie in the image.
template <int side, bool whole>
ESPALIER_INLINE void gradient_tile(const WinogradGradientJob& job, const float* in, float* out, int rows, int columns) {
  constexpr int kSpan = side + 2;
  const std::ptrdiff_t in_row = job.in_row, out_frequency = job.out_frequency, next = job.in_channel;
  Float down[side][kSpan];
#pragma GCC unroll 4
  for (int s = 0; s < side; ++s) {
    Float y[side] = {};
#pragma GCC unroll 4
    for (int r = 0; r < side; ++r)
      if (whole || (r < rows && s < columns)) {
        const float* const from = site(in, r * in_row + s);
        __builtin_prefetch(site(from, next));
        y[r] = load(from);
      }
    transform_gradient<side>(y, down[s]);
  }
#pragma GCC unroll 6
  for (int r = 0; r < kSpan; ++r) {
    Float y[side], frequencies[kSpan];
#pragma GCC unroll 4
    for (int s = 0; s < side; ++s) y[s] = down[s][r];
    transform_gradient<side>(y, frequencies);
#pragma GCC unroll 6
    for (int s = 0; s < kSpan; ++s, out = site(out, out_frequency)) store(out, frequencies[s]);
  }
}

template <int side>
void gradient_of(const WinogradGradientJob& job) {
  float* out = job.out;
  for (int c = 0; c < job.channels; ++c)
    for (int i = 0; i < job.tile_rows; ++i)
      for (int j = 0; j < job.tile_columns; ++j, out += kLanes) {
        const float* const in = site(job.in, c * job.in_channel + side * i * job.in_row + side * j);
        const int rows = job.rows - side * i, columns = job.columns - side * j;
        if (rows >= side && columns >= side)
          gradient_tile<side, true>(job, in, out, rows, columns);
        else
          gradient_tile<side, false>(job, in, out, rows, columns);
      }
}

void input(const WinogradInputJob& job) { job.side == 2 ? input_of<2>(job) : input_of<4>(job); }
void output(const WinogradOutputJob& job) { job.side == 2 ? output_of<2>(job) : output_of<4>(job); }
void gradient(const WinogradGradientJob& job) { job.side == 2 ? gradient_of<2>(job) : gradient_of<4>(job); }

/// One register tile of a product, from one frequency's scalars, vectors and sums.
template <int outputs, int pixels>
ESPALIER_INLINE void multiply_tile(const WinogradProductJob& job, const float* scalars, const float* vectors,
                                   float* out) {
  Float sums[outputs][pixels] = {};
  for (int a = 0; a < job.outer; ++a) {
    const float* number = scalars + a * job.scalars_outer;
    const float* vector = site(vectors, a * job.vectors_outer);
    for (int b = 0; b < job.inner; ++b) {
      Float x[pixels];
#pragma GCC unroll 4
      for (int p = 0; p < pixels; ++p) x[p] = load(site(vector, p * job.vectors_pixel));
#pragma GCC unroll 6
      for (int o = 0; o < outputs; ++o) {
        const Float factor = splat(number[o * job.scalars_output]);
#pragma GCC unroll 4
        for (int p = 0; p < pixels; ++p) sums[o][p] += factor * x[p];
      }
      number += job.scalars_inner;
      vector = site(vector, job.vectors_inner);
    }
  }
#pragma GCC unroll 6
  for (int o = 0; o < outputs; ++o)
#pragma GCC unroll 4
    for (int p = 0; p < pixels; ++p) {
      float* const to = site(out, o * job.out_output + p * job.out_pixel);
      store(to, job.add ? load(to) + sums[o][p] : sums[o][p]);
    }
}

template <int outputs>
void multiply(const WinogradProductJob& job) {
  for (int f = 0; f < job.count; ++f) {
    const auto tile = [&](auto pixels, int p) __attribute__((always_inline)) {
      multiply_tile<outputs, decltype(pixels)::value>(
          job, job.scalars + f * job.scalars_frequency,
          site(job.vectors, f * job.vectors_frequency + p * job.vectors_pixel),
          site(job.out, f * job.out_frequency + p * job.out_pixel));
    };
    int p = 0;
    for (; p + kPixels <= job.pixels; p += kPixels) tile(Count<kPixels>{}, p);
    if constexpr (kPixels > 2)
      for (; p + 2 <= job.pixels; p += 2) tile(Count<2>{}, p);
    for (; p < job.pixels; ++p) tile(Count<1>{}, p);
  }
}

void product(const WinogradProductJob& job) {
  switch (job.outputs) {
    case 1:
      return multiply<1>(job);
    case 2:
      return multiply<2>(job);
    case 3:
      return multiply<3>(job);
    case 4:
      return multiply<4>(job);
    case 5:
      return multiply<5>(job);
    default:
      return multiply<6>(job);
  }
}

/// The lanes of two vectors taken in turn: those of their first halves, and of their second.
ESPALIER_INLINE Float interleave_first(Float a, Float b) {
#if defined(__AVX512F__)
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
#elif defined(__AVX2__)
  return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
#else
  return __builtin_shufflevector(a, b, 0, 4, 1, 5);
#endif
}
ESPALIER_INLINE Float interleave_second(Float a, Float b) {
#if defined(__AVX512F__)
  return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
#elif defined(__AVX2__)
  return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#else
  return __builtin_shufflevector(a, b, 2, 6, 3, 7);
#endif
}

/// Interleaving the first half of the rows with the second moves the highest bit of a row's number into its column's,
/// and the other way round: after as many rounds as the numbers have bits they have changed places.
void turn(const WinogradTurnJob& job) {
  for (int i = 0; i < job.count; ++i) {
    float* const square = site(job.sites, i);
    Float rows[kLanes];
#pragma GCC unroll 16
    for (int r = 0; r < kLanes; ++r) rows[r] = load(site(square, r * job.apart));
#pragma GCC unroll 4
    for (int bit = 1; bit < kLanes; bit *= 2) {
      Float next[kLanes];
#pragma GCC unroll 8
      for (int r = 0; r < kLanes / 2; ++r) {
        next[2 * r] = interleave_first(rows[r], rows[r + kLanes / 2]);
        next[2 * r + 1] = interleave_second(rows[r], rows[r + kLanes / 2]);
      }
#pragma GCC unroll 16
      for (int r = 0; r < kLanes; ++r) rows[r] = next[r];
    }
#pragma GCC unroll 16
    for (int r = 0; r < kLanes; ++r) store(site(square, r * job.apart), rows[r]);
  }
}

/// Kernels in the lanes, some of the last ones empty.
template <int side>
void weights_of(const WinogradWeightsJob& job) {
  constexpr int kSpan = side + 2;
  for (int begin = 0; begin < job.count; begin += kLanes) {
    const int lanes = job.count - begin < kLanes ? job.count - begin : kLanes;
    Float rows[kSpan][3];
    for (int s = 0; s < 3; ++s) {
      Float g[3] = {}, column[kSpan];
      for (int r = 0; r < 3; ++r)
        for (int lane = 0; lane < lanes; ++lane)
          g[r][lane] = job.in[(begin + lane) * job.in_kernel + (3 * r + s) * job.in_tap];
      transform_weights<side>(g, column);
      for (int r = 0; r < kSpan; ++r) rows[r][s] = column[r];
    }
    for (int r = 0; r < kSpan; ++r) {
      Float frequencies[kSpan];
      transform_weights<side>(rows[r], frequencies);
      for (int s = 0; s < kSpan; ++s)
        for (int lane = 0; lane < lanes; ++lane)
          job.out[(kSpan * r + s) * job.out_frequency + (begin + lane) * job.out_kernel] = frequencies[s][lane];
    }
  }
}

template <int side>
void taps_of(const WinogradTapsJob& job) {
  constexpr int kSpan = side + 2;
  for (int begin = 0; begin < job.count; begin += kLanes) {
    const int lanes = job.count - begin < kLanes ? job.count - begin : kLanes;
    Float rows[kSpan][3];
    for (int r = 0; r < kSpan; ++r) {
      Float m[kSpan] = {};
      for (std::size_t chunk = 0; chunk < job.chunks; ++chunk)
#pragma GCC unroll 6
        for (int s = 0; s < kSpan; ++s)
          m[s] += load(job.in + std::ptrdiff_t(chunk) * job.in_chunk + (kSpan * r + s) * job.in_frequency + begin);
      transform_taps<side>(m, rows[r]);
    }
    for (int s = 0; s < 3; ++s) {
      Float m[kSpan], column[3];
      for (int r = 0; r < kSpan; ++r) m[r] = rows[r][s];
      transform_taps<side>(m, column);
      for (int r = 0; r < 3; ++r)
        for (int lane = 0; lane < lanes; ++lane) job.out[(begin + lane) * 9 + 3 * r + s] = column[r][lane];
    }
  }
}

void weights(const WinogradWeightsJob& job) { job.side == 2 ? weights_of<2>(job) : weights_of<4>(job); }
void taps(const WinogradTapsJob& job) { job.side == 2 ? taps_of<2>(job) : taps_of<4>(job); }

}  // namespace

extern const WinogradKernels winograd_table;
const WinogradKernels winograd_table = {kOutputs, input, output, gradient, product, turn, weights, taps};

}  // namespace espalier::ESPALIER_KERNEL
