#pragma once
/// 3 x 3 convolutions of stride 1 by Winograd's minimal filtering, F(2 x 2, 3 x 3): 16 multiplications for 4 outputs
/// instead of 36 (Winograd 1980; Lavin and Gray 2016, arXiv 1509.09308).
///
///     Y = A' [ sum_c (G w G') . (B' d B) ] A       d: 4 x 4 inputs, w: 3 x 3 weights, Y: 2 x 2 outputs
///
/// Each of the 16 numbers of a tile, its frequencies, is a product of matrices over channels. With images in the lanes
/// the transforms are additions of whole vectors. The gradient by the weights is G' [ sum (A dY A') . (B' d B) ] G. The
/// transforms cancel: errors are about twice those of a plain sum.

#include "nn/convolution_scratch.h"

namespace espalier {

/// Whether a convolution has this form, and channels enough to pay for the transforms.
bool winograd_serves(const ConvolutionShape&);
/// Whether its weight gradient's sums stay small enough, too.
bool winograd_serves_weights(const ConvolutionShape&);

/// As the functions of nn/convolution.h.
void winograd_convolve(const ConvolutionShape&, const ActivationView& in, const float* weights, const float* bias,
                       std::size_t images, float* out, double* moments, ConvolutionScratch&);
void winograd_convolve_back(const ConvolutionShape&, const float* out_gradient, const float* weights,
                            std::size_t images, float* in_gradient, bool add, ConvolutionScratch&);
void winograd_weight_gradient(const ConvolutionShape&, const ActivationView& in, const float* out_gradient,
                              std::size_t images, float* weights_gradient, ConvolutionScratch&);

}  // namespace espalier
