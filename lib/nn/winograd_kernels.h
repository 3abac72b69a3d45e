#pragma once
/// Hot loops of Winograd's minimal filtering on activations with images in the lanes; see nn/winograd.h for the
/// matrices. A tile is `side` x `side` output pixels, 2 or 4, for which (side + 2) x (side + 2) input pixels are read:
/// 16 or 36 numbers, called its frequencies. Strides count sites, as in nn/convolution_kernels.h, unless said.

#include <cstddef>

#include "base/isa.h"

namespace espalier {

/// out[f][channel][tile] = frequency f of B' d B, d the input pixels of the tile, normalised and rectified on the way,
/// 0 outside of the image. The first tile's corner is at row `first_row`, column -left.
struct WinogradInputJob {
  int side;
  const float* in;  ///< [channel][height][width]
  int channels, height, width;
  const float *scale, *shift;  ///< of each channel: x * scale + shift; none: nullptr
  bool rectify;                ///< max(0, .) after that
  int first_row, left, tile_rows, tile_columns;
  float* out;
  std::ptrdiff_t out_frequency;
};

/// out[o][i][j] (+)= bias[o] + A' m A of the tile's frequencies m; pixels beyond rows and columns are left out.
struct WinogradOutputJob {
  int side;
  const float* in;  ///< [f][output][tile]
  std::ptrdiff_t in_frequency;
  int outputs, tile_rows, tile_columns;
  const float* bias;  ///< nullptr: none
  float* out;
  std::ptrdiff_t out_channel, out_row;
  int rows, columns;
  bool add;
};

/// out[f][channel][tile] = frequency f of A g A', g the gradient at the tile's output pixels, 0 beyond rows and
/// columns.
struct WinogradGradientJob {
  int side;
  const float* in;
  std::ptrdiff_t in_channel, in_row;
  int channels, rows, columns, tile_rows, tile_columns;
  float* out;
  std::ptrdiff_t out_frequency;
};

/// For each of `count` frequencies f, out[f][o][p] (+)= sum_{a,b} scalars[f][a][b][o] vectors[f][a][b][p]: products of
/// matrices, of which one is read a number at a time and the other a site at a time. Strides of scalars count floats.
struct WinogradProductJob {
  int count;
  const float* scalars;
  std::ptrdiff_t scalars_frequency, scalars_outer, scalars_inner, scalars_output;
  const float* vectors;
  std::ptrdiff_t vectors_frequency, vectors_outer, vectors_inner, vectors_pixel;
  int outer, inner;  ///< how many a and b there are
  float* out;
  std::ptrdiff_t out_frequency, out_output, out_pixel;
  int outputs;  ///< 1 ... kernels.outputs
  int pixels;
  bool add;
};

/// Images and channels change places: squares of lanes x lanes numbers are turned in place, sites[i * apart][lane j]
/// for sites[j * apart][lane i], `count` squares side by side.
struct WinogradTurnJob {
  float* sites;
  std::ptrdiff_t apart;
  int count;
};

/// out[f * out_frequency + i * out_kernel] = frequency f of G g G', g the 3 x 3 weights in[i * in_kernel + tap *
/// in_tap] of `count` kernels. Strides count floats.
struct WinogradWeightsJob {
  int side;
  const float* in;
  std::ptrdiff_t in_kernel, in_tap;
  int count;
  float* out;
  std::ptrdiff_t out_frequency, out_kernel;
};

/// out[i * 9 + tap] = G' (sum of the chunks' m) G for `count` kernels, frequency f of m at in[chunk][f][i]. Strides
/// count floats; whole vectors are read.
struct WinogradTapsJob {
  int side;
  const float* in;
  std::size_t chunks;
  std::ptrdiff_t in_chunk, in_frequency;
  int count;
  float* out;
};

struct WinogradKernels {
  int outputs;  ///< of a product, at most
  void (*input)(const WinogradInputJob&);
  void (*output)(const WinogradOutputJob&);
  void (*gradient)(const WinogradGradientJob&);
  void (*product)(const WinogradProductJob&);
  void (*turn)(const WinogradTurnJob&);
  void (*weights)(const WinogradWeightsJob&);
  void (*taps)(const WinogradTapsJob&);
};

ESPALIER_KERNELS(WinogradKernels, winograd_table, winograd_kernels)

}  // namespace espalier
