#include "base/simd.h"
#include "nn/winograd_kernels.h"

namespace espalier::ESPALIER_KERNEL {

namespace {

ESPALIER_INLINE const float* site(const float* p, std::ptrdiff_t i) { return p + i * kLanes; }
ESPALIER_INLINE float* site(float* p, std::ptrdiff_t i) { return p + i * kLanes; }

/// B' applied to four numbers.
ESPALIER_INLINE void transform_input(const Float* d, Float* out) {
  out[0] = d[0] - d[2];
  out[1] = d[1] + d[2];
  out[2] = d[2] - d[1];
  out[3] = d[1] - d[3];
}

/// A' applied to four numbers gives two, A applied to two gives four.
ESPALIER_INLINE void transform_output(const Float* m, Float* out) {
  out[0] = m[0] + m[1] + m[2];
  out[1] = m[1] - m[2] - m[3];
}
ESPALIER_INLINE void transform_gradient(Float first, Float second, Float* out) {
  out[0] = first;
  out[1] = first + second;
  out[2] = first - second;
  out[3] = -second;
}

/// Down the columns of four rows; nullptr is a row of zeros.
template <bool normalize>
ESPALIER_INLINE void transform_columns(const WinogradInputJob& job, int channel, const float* const (&rows)[4]) {
  const int width = 2 * job.tile_columns + 2;
  const Float scale = splat(normalize && job.scale ? job.scale[channel] : 1);
  const Float shift = splat(normalize && job.shift ? job.shift[channel] : 0);
  const Float floor = job.rectify ? Float{} : splat(-__builtin_inff());
  for (int x = 0; x < width; ++x) {
    const int column = x - job.left;
    Float d[4] = {}, line[4];
    if (column >= 0 && column < job.width)
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) {
        if (!rows[r]) continue;
        d[r] = load(site(rows[r], column));
        if constexpr (normalize) d[r] = maximum(floor, d[r] * scale + shift);
      }
    transform_input(d, line);
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) store(site(job.lines, r * width + x), line[r]);
  }
}

void input(const WinogradInputJob& job) {
  const std::ptrdiff_t tiles = std::ptrdiff_t(job.tile_rows) * job.tile_columns;
  const int width = 2 * job.tile_columns + 2;
  for (int c = 0; c < job.channels; ++c)
    for (int i = 0; i < job.tile_rows; ++i) {
      const float* rows[4];
      for (int r = 0; r < 4; ++r) {
        const int row = job.first_row + 2 * i + r;
        rows[r] =
            row < 0 || row >= job.height ? nullptr : site(job.in, (std::ptrdiff_t(c) * job.height + row) * job.width);
      }
      if (job.scale || job.rectify)
        transform_columns<true>(job, c, rows);
      else
        transform_columns<false>(job, c, rows);
      for (int j = 0; j < job.tile_columns; ++j) {
        float* const out = site(job.out, c * tiles + i * job.tile_columns + j);
#pragma GCC unroll 4
        for (int r = 0; r < 4; ++r) {
          Float d[4], frequencies[4];
#pragma GCC unroll 4
          for (int s = 0; s < 4; ++s) d[s] = load(site(job.lines, r * width + 2 * j + s));
          transform_input(d, frequencies);
#pragma GCC unroll 4
          for (int s = 0; s < 4; ++s) store(site(out, (4 * r + s) * job.out_frequency), frequencies[s]);
        }
      }
    }
}

void output(const WinogradOutputJob& job) {
  const std::ptrdiff_t tiles = std::ptrdiff_t(job.tile_rows) * job.tile_columns;
  for (int o = 0; o < job.outputs; ++o) {
    const Float bias = splat(job.bias ? job.bias[o] : 0);
    for (int i = 0; i < job.tile_rows; ++i)
      for (int j = 0; j < job.tile_columns; ++j) {
        const float* const in = site(job.in, o * tiles + i * job.tile_columns + j);
        Float rows[4][2];
#pragma GCC unroll 4
        for (int r = 0; r < 4; ++r) {
          Float m[4];
#pragma GCC unroll 4
          for (int s = 0; s < 4; ++s) m[s] = load(site(in, (4 * r + s) * job.in_frequency));
          transform_output(m, rows[r]);
        }
#pragma GCC unroll 2
        for (int s = 0; s < 2; ++s) {
          const Float m[4] = {rows[0][s], rows[1][s], rows[2][s], rows[3][s]};
          Float y[2];
          transform_output(m, y);
          if (2 * j + s >= job.columns) continue;
#pragma GCC unroll 2
          for (int r = 0; r < 2; ++r) {
            if (2 * i + r >= job.rows) continue;
            float* const to = site(job.out, o * job.out_channel + (2 * i + r) * job.out_row + 2 * j + s);
            store(to, job.add ? load(to) + y[r] : y[r] + bias);
          }
        }
      }
  }
}

void gradient(const WinogradGradientJob& job) {
  const std::ptrdiff_t tiles = std::ptrdiff_t(job.tile_rows) * job.tile_columns;
  for (int c = 0; c < job.channels; ++c)
    for (int i = 0; i < job.tile_rows; ++i)
      for (int j = 0; j < job.tile_columns; ++j) {
        const float* const in = site(job.in, c * job.in_channel + 2 * i * job.in_row + 2 * j);
        const bool below = 2 * i + 1 < job.rows, beside = 2 * j + 1 < job.columns;
        Float rows[2][4];
        transform_gradient(load(in), beside ? load(site(in, 1)) : Float{}, rows[0]);
        transform_gradient(below ? load(site(in, job.in_row)) : Float{},
                           below && beside ? load(site(in, job.in_row + 1)) : Float{}, rows[1]);
        float* const out = site(job.out, c * tiles + i * job.tile_columns + j);
#pragma GCC unroll 4
        for (int s = 0; s < 4; ++s) {
          Float column[4];
          transform_gradient(rows[0][s], rows[1][s], column);
#pragma GCC unroll 4
          for (int r = 0; r < 4; ++r) store(site(out, (4 * r + s) * job.out_frequency), column[r]);
        }
      }
}

}  // namespace

extern const WinogradKernels winograd_table;
const WinogradKernels winograd_table = {input, output, gradient};

}  // namespace espalier::ESPALIER_KERNEL
