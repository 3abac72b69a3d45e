#pragma once
/// Convolution of activations with images in the lanes, and linear layers as convolutions of one pixel.
///
///     y[o][i][j] = b[o] + sum_{c,r,s} w[o][c][r][s] x[c][i S + r - P][j S + s - P]
///
/// Activations of a block of L images are [C][H][W][L], L the lanes of a vector; a batch is a row of blocks, the last
/// one padded. Cost: O x C x K x K x (pixels of y) multiplications with additions an image, whatever the channels.

#include "nn/convolution_scratch.h"

namespace espalier {

/// Weights are O x C x K x K. Lanes of the last block beyond the batch hold anything finite.
/// moments: nullptr, or 2 O doubles that become sum y and sum y^2 over the batch.
void convolve(const ConvolutionShape&, const ActivationView& in, const float* weights, const float* bias,
              std::size_t images, float* out, double* moments, ConvolutionScratch&);

/// dx (+)= the gradient at the input, from that at the output.
void convolve_back(const ConvolutionShape&, const float* out_gradient, const float* weights, std::size_t images,
                   float* in_gradient, bool add, ConvolutionScratch&);

/// The gradient of the weights, and of the bias unless that is nullptr. out_gradient is 0 in lanes beyond the batch.
/// Sums over images are taken in chunks that depend on the shape alone.
void weight_gradient(const ConvolutionShape&, const ActivationView& in, const float* out_gradient, std::size_t images,
                     float* weights_gradient, float* bias_gradient, ConvolutionScratch&);

}  // namespace espalier
