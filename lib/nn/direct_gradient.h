#pragma once
/// Weight gradients of any convolution by plain sums over pixels and images, and of linear layers.

#include "nn/convolution_scratch.h"

namespace espalier {

/// Images of one pixel, read as they are: blocks can take the place of the pixels of a row, so that a register tile has
/// several.
bool is_one_pixel(const ConvolutionShape&, const ActivationView& in);

/// As weight_gradient of nn/convolution.h. Sums over images are taken in chunks that depend on the shape alone.
void direct_weight_gradient(const ConvolutionShape&, const ActivationView& in, const float* out_gradient,
                            std::size_t images, float* weights_gradient, ConvolutionScratch&);

}  // namespace espalier
