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

/// A row of tiles: four input rows, of which those outside of the image are left out, and where the frequencies go.
struct TileRow {
  const float* rows[4];
  bool inside[4];
  int width;  ///< of the input
  Float scale, shift, floor;
};

/// B' down one column of a row of tiles.
template <bool normalize, bool whole>
ESPALIER_INLINE void transform_column(const TileRow& row, int column, Float* out) {
  Float d[4] = {};
  if (column >= 0 && column < row.width)
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
      if (!whole && !row.inside[r]) continue;
      d[r] = load(site(row.rows[r], column));
      if constexpr (normalize) d[r] = maximum(row.floor, d[r] * row.scale + row.shift);
    }
  transform_input(d, out);
}

/// Tiles from left to right; neighbours share two of their four columns, which stay in registers.
template <bool normalize, bool whole>
void transform_tiles(const TileRow& row, int left, int tile_columns, float* out, std::ptrdiff_t out_frequency) {
  Float columns[4][4];
  transform_column<normalize, whole>(row, -left, columns[0]);
  transform_column<normalize, whole>(row, 1 - left, columns[1]);
  for (int j = 0; j < tile_columns; ++j) {
    transform_column<normalize, whole>(row, 2 * j + 2 - left, columns[2]);
    transform_column<normalize, whole>(row, 2 * j + 3 - left, columns[3]);
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
      const Float d[4] = {columns[0][r], columns[1][r], columns[2][r], columns[3][r]};
      Float frequencies[4];
      transform_input(d, frequencies);
#pragma GCC unroll 4
      for (int s = 0; s < 4; ++s) store(site(out, (4 * r + s) * out_frequency + j), frequencies[s]);
      columns[0][r] = columns[2][r];
      columns[1][r] = columns[3][r];
    }
  }
}

template <bool normalize>
void transform_channel(const WinogradInputJob& job, int c) {
  TileRow row;
  row.width = job.width;
  row.scale = splat(normalize && job.scale ? job.scale[c] : 1);
  row.shift = splat(normalize && job.shift ? job.shift[c] : 0);
  row.floor = job.rectify ? Float{} : splat(-__builtin_inff());
  for (int i = 0; i < job.tile_rows; ++i) {
    bool whole = true;
    for (int r = 0; r < 4; ++r) {
      const int at = job.first_row + 2 * i + r;
      row.inside[r] = at >= 0 && at < job.height;
      row.rows[r] = site(job.in, (std::ptrdiff_t(c) * job.height + (row.inside[r] ? at : 0)) * job.width);
      whole = whole && row.inside[r];
    }
    float* const out = site(job.out, (std::ptrdiff_t(c) * job.tile_rows + i) * job.tile_columns);
    if (whole)
      transform_tiles<normalize, true>(row, job.left, job.tile_columns, out, job.out_frequency);
    else
      transform_tiles<normalize, false>(row, job.left, job.tile_columns, out, job.out_frequency);
  }
}

void input(const WinogradInputJob& job) {
  for (int c = 0; c < job.channels; ++c)
    if (job.scale || job.rectify)
      transform_channel<true>(job, c);
    else
      transform_channel<false>(job, c);
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
