#pragma once
/// What layers lose with the channels that they no longer read is made good in what they keep.
///
/// On some images let Y be what a convolution or linear layer gives in the network as it was, and Z what it gives now
/// that channels are silent. Layers are mended one after another, each seeing what those before it have become.
///
///     mean:           Z + b, with b the mean of Y - Z of each output channel over images and pixels. Where nothing
///                     before the layer has changed, b is what the lost channels gave on average.
///     least squares:  Z + D x + b, with x the patches that the layer reads at some pixels and
///                     D = argmin sum |(Y - Z) - D x - b|^2 + ridge * s |D|^2, s the mean of the sums of squares of
///                     the entries of x about their means
///
/// (channel pruning, He, Zhang, Sun 2017, arXiv 1707.06168; ThiNet, Luo, Wu, Lin 2017, arXiv 1707.06342, which has no
/// ridge and draws pixels as we do.) D pulls towards the weights as they are, not towards 0. b goes to the layer's
/// bias, or, where it has none and norms alone read it, is taken from their running means; elsewhere there is none, and
/// the mean alone changes nothing. Beside zero padding a lost constant is not a constant: b is then its mean.

#include <cstdint>
#include <span>
#include <vector>

#include "base/control.h"
#include "shape/channel_spaces.h"

namespace espalier {

enum class Compensation { mean, least_squares };

struct CompensationOptions {
  Compensation kind = Compensation::mean;
  std::size_t pixels = 16;  ///< of each image that a fit looks at, drawn from (seed, layer, image)
  double ridge = 1e-2;      ///< > 0
  std::size_t batch = 64;   ///< images at a time
  std::uint64_t seed = 0;
};

/// Convolutions and linear layers that read from a space in which something is marked, ascending.
std::vector<int> find_bereft_readers(const ChannelLayout&, const ChannelMarks& removed);

/// Changes weights, biases and running means of `masked` (mask_channels of the first two) so that the outputs of the
/// layers named come close to the old ones. What is silent stays silent, so remove_channels goes on to agree. `images`
/// are count x C x H x W, normalised. Cost: two passes up to each layer, and for a fit of d = I K K weights each
/// d^2 doubles and d^2 (rows + d / 3) multiplications. Throws BugError for no images, another layer or a ridge of 0,
/// DataError where values are not finite. Progress stage: "compensation".
void compensate(const Architecture&, const Parameters&, NetworkShape& masked, std::span<const int> layers,
                std::span<const float> images, const CompensationOptions&, const Control& = {});

}  // namespace espalier
