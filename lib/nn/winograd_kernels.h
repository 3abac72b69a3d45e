#pragma once
/// Hot loops of Winograd's minimal filtering on activations with images in the lanes; see nn/winograd.h. A tile is 2 x
/// 2 output pixels, for which 4 x 4 input pixels are read: 16 numbers, called its frequencies. Strides count sites, as
/// in nn/convolution_kernels.h.

#include <cstddef>

#include "base/isa.h"

namespace espalier {

/// out[f][channel][tile] = frequency f of B' d B, d the 4 x 4 input pixels of the tile, normalised and rectified on the
/// way, 0 outside of the image. The first tile's corner is at row `first_row`, column -left.
struct WinogradInputJob {
  const float* in;  ///< [channel][height][width]
  int channels, height, width;
  const float *scale, *shift;  ///< of each channel: x * scale + shift; none: nullptr
  bool rectify;                ///< max(0, .) after that
  int first_row, left, tile_rows, tile_columns;
  float* out;
  std::ptrdiff_t out_frequency;
};

/// out[o][i][j] (+)= bias[o] + A' m A of the tile's 16 frequencies m; pixels beyond rows and columns are left out.
struct WinogradOutputJob {
  const float* in;  ///< [f][output][tile]
  std::ptrdiff_t in_frequency;
  int outputs, tile_rows, tile_columns;
  const float* bias;  ///< nullptr: none
  float* out;
  std::ptrdiff_t out_channel, out_row;
  int rows, columns;
  bool add;
};

/// out[f][channel][tile] = frequency f of A g A', g the gradient at the tile's 2 x 2 output pixels, 0 beyond rows and
/// columns.
struct WinogradGradientJob {
  const float* in;
  std::ptrdiff_t in_channel, in_row;
  int channels, rows, columns, tile_rows, tile_columns;
  float* out;
  std::ptrdiff_t out_frequency;
};

struct WinogradKernels {
  void (*input)(const WinogradInputJob&);
  void (*output)(const WinogradOutputJob&);
  void (*gradient)(const WinogradGradientJob&);
};

ESPALIER_KERNELS(WinogradKernels, winograd_table, winograd_kernels)

}  // namespace espalier
