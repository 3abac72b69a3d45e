#pragma once
/// Which channels go in one round: those least missed, as many as a step, a loss and a target allow.

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "shape/channel_removal.h"
#include "shape/channel_scores.h"

namespace espalier {

enum class PruneScope {
  inner,  ///< spaces of one producer, apart from additions and shortcuts
  all,    ///< trunks, too
};

/// Spaces in scope, without those that a layer in `exclude` makes. Throws UsageError for a name that is no
/// convolution or linear layer, and where nothing is left.
std::vector<bool> choose_spaces(const Architecture&, const ChannelLayout&, PruneScope,
                                const std::vector<std::string>& exclude);

struct SelectionLimits {
  std::size_t channels = 0;  ///< at most so many in this round
  int min_channels = 1;      ///< that stay in each space
  int round_to = 1;          ///< widths become multiples of this, where they change
  double largest_loss = -1;  ///< mean loss of the compact network on the samples; below 0: any
  /// Stop as soon as the compact network has so few; 0: no such target.
  std::size_t target_parameters = 0, target_macs = 0, target_channels = 0;  ///< channels: of the chosen spaces
};

struct Selection {
  ChannelMarks removed;
  std::size_t channels = 0;  ///< marked
  double loss = 0;           ///< of the compact network on the samples, all marks taken together
};

/// The longest run of the channels in ascending order of score that the limits allow; its loss is measured jointly, by
/// bisection over the length of the run. `chosen` are the spaces that were scored; one of a single channel has no
/// score, but counts. `loss_without` gives the mean loss of the network without the marked channels.
Selection select_channels(const Architecture&, const ChannelLayout&, const std::vector<bool>& chosen,
                          std::span<const ChannelScore> scores, const SelectionLimits&,
                          const std::function<double(const ChannelMarks&)>& loss_without);

/// Channels in the marked spaces.
std::size_t count_channels(const ChannelLayout&, const std::vector<bool>& spaces);

}  // namespace espalier
