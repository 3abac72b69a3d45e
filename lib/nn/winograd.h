#pragma once
/// 3 x 3 convolutions of stride 1 by Winograd's minimal filtering, F(2 x 2, 3 x 3) and F(4 x 4, 3 x 3): 16
/// multiplications for 4 outputs instead of 36, or 36 for 16 instead of 144 (Winograd 1980; Lavin and Gray 2016, arXiv
/// 1509.09308).
///
///     Y = A' [ sum_c (G w G') . (B' d B) ] A       d: n x n inputs, w: 3 x 3 weights, Y: (n - 2) x (n - 2) outputs
///
/// Each of the n x n numbers of a tile, its frequencies, is a product of matrices over channels. With images in the
/// lanes the transforms are additions of whole vectors. The gradient by the weights is
///
///     dw = G' [ sum (A dY A') . (B' d B) ] G
///
/// A tile of four is interpolation at t = 0, +-1/sqrt 2, +-sqrt 2 and infinity. With M = t (t^2 - 1/2) (t^2 - 2)
/// a row of A is (1, t, t^2, t^3), a row of G is (1, t, t^2) / M'(t), a row of B' has the coefficients of M / (x - t);
/// those of infinity are the highest coefficient alone, and those of M. The transforms cancel: root mean square errors
/// are those of a plain sum with tiles of two and about twice as large with tiles of four, where the usual points 0,
/// +-1 and +-2 would make them nearly five times as large.

#include "nn/convolution_scratch.h"

namespace espalier {

/// Whether a convolution has this form, and channels enough to pay for the transforms.
bool winograd_serves(const ConvolutionShape&);
/// Whether its inputs fill half of the lanes, too, and its weight gradient's sums stay small enough.
bool winograd_serves_weights(const ConvolutionShape&);

/// As the functions of nn/convolution.h.
void winograd_convolve(const ConvolutionShape&, const ActivationView& in, const float* weights, const float* bias,
                       std::size_t images, float* out, double* moments, ConvolutionScratch&);
void winograd_convolve_back(const ConvolutionShape&, const float* out_gradient, const float* weights,
                            std::size_t images, float* in_gradient, bool add, ConvolutionScratch&);
void winograd_weight_gradient(const ConvolutionShape&, const ActivationView& in, const float* out_gradient,
                              std::size_t images, float* weights_gradient, ConvolutionScratch&);

}  // namespace espalier
