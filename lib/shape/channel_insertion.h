#pragma once
/// Networks with more channels, which at first compute what they did before.

#include <cstdint>
#include <vector>

#include "shape/channel_spaces.h"

namespace espalier {

/// A grown network, and which entries of each parameter are new, in its order.
struct GrownNetwork {
  NetworkShape network;
  std::vector<std::vector<bool>> is_new;
};

/// The architecture with `count` more channels in one space.
Architecture widen_space(const Architecture&, const ChannelLayout&, std::size_t space, int count);

/// `count` more channels in one space, after those that there are. What makes them is drawn as initial_parameters draws
/// (normal, variance 2 / inputs), their norms are the identity, and what reads them is 0, so the logits stay. A padded
/// shortcut gives zeros to them and takes none of them.
GrownNetwork insert_channels(const Architecture&, const Parameters&, const ChannelLayout&, std::size_t space, int count,
                             std::uint64_t seed);

}  // namespace espalier
