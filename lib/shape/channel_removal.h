#pragma once
/// Networks without some of their channels, and networks of the same shape in which they are silent.

#include "shape/channel_spaces.h"

namespace espalier {

/// The compact network: every slice of the marked channels is cut out, of what makes them, norms them and reads them;
/// a padded shortcut gives zeros where the channel that it took is gone. Throws UsageError naming the space in which no
/// channel would be left.
NetworkShape remove_channels(const Architecture&, const Parameters&, const ChannelLayout&, const ChannelMarks& removed);

/// The same function in the old shape: the marked channels are 0 after norm and activation. Logits agree with those of
/// the compact network but for rounding.
NetworkShape mask_channels(const Architecture&, const Parameters&, const ChannelLayout&, const ChannelMarks& removed);

/// Parameters and MACs that the compact network would have.
struct NetworkCost {
  std::size_t parameters = 0, macs = 0;
};
NetworkCost cost_without(const Architecture&, const ChannelLayout&, const ChannelMarks& removed);

}  // namespace espalier
