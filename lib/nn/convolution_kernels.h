#pragma once
/// Hot loops of convolution on activations with images in the lanes: one function per job, a table per instruction set.
///
/// A site is the value of one channel at one pixel for as many images as a vector has lanes. Every loop is vertical:
/// images never mix, so any number of channels costs its exact share. Strides count sites.

#include <cstddef>

#include "base/isa.h"

namespace espalier {

/// Input rows of all channels copied into a frame of zeros, normalised and rectified on the way.
struct PackJob {
  const float* in;  ///< [channel][height][width]
  int channels, height, width;
  int first_row, rows;         ///< rows of the frame; first_row may be negative, rows may pass the end
  int left, right;             ///< zero columns on either side
  const float *scale, *shift;  ///< of each channel: x * scale + shift; none: nullptr
  bool rectify;                ///< max(0, .) after that
  float* out;                  ///< [channel][rows][left + width + right]
};

/// out[o][i][j] (+)= bias[o] + sum_{c,r,s} weights[c][r][s][o] in[c][i * step + r][j * step + s] for one tile of output
/// channels over a band of rows.
struct CorrelateJob {
  const float* in;
  std::ptrdiff_t in_channel, in_row;  ///< strides
  int channels, taps_down, taps_across, step;
  const float* weights;  ///< [channel][tap][output]
  const float* bias;     ///< nullptr: none
  float* out;
  std::ptrdiff_t out_channel, out_row, out_pixel;
  int outputs;  ///< 1 ... kernels.outputs
  int rows, columns;
  bool add;
};

/// sums[o][g] += sum_{i,j,lanes} gradient[o][i][j] in[g][i * step][j * step], lanes folded to `folded` partial sums,
/// for a tile of output channels and up to three streams of input `in_stream` apart.
struct CorrelateWeightsJob {
  const float* in;
  std::ptrdiff_t in_row, in_stream;
  int streams, step;
  const float* gradient;
  std::ptrdiff_t gradient_channel, gradient_row, gradient_pixel;
  int outputs;  ///< 1 ... kernels.weight_outputs
  int rows, columns;
  float* sums;  ///< kernels.sums_size floats
};

struct NetConvolutionKernels {
  int lanes;
  int outputs;         ///< output channels of a tile, at most
  int weight_outputs;  ///< the same of a tile of weight gradients
  int sums_size;       ///< floats that a tile of weight gradients takes
  void (*pack)(const PackJob&);
  void (*correlate)(const CorrelateJob&);
  void (*correlate_weights)(const CorrelateWeightsJob&);
  /// gradients[o * streams + g] += what a tile's sums add up to.
  void (*fold)(const float* sums, int outputs, int streams, float* gradients);
  /// `rounds` rounds of multiplications with additions in registers; returns how many floating-point operations. What a
  /// core reaches at most.
  double (*multiply_add)(std::size_t rounds, float* out);
};

ESPALIER_KERNELS(NetConvolutionKernels, net_convolution_table, net_convolution_kernels)

}  // namespace espalier
