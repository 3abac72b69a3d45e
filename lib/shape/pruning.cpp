#include "shape/pruning.h"

#include <algorithm>

#include "base/error.h"

namespace espalier {

namespace {

/// Channels by ascending score; equal ones as they stand.
std::vector<ChannelScore> ranked(std::span<const ChannelScore> scores) {
  std::vector<ChannelScore> order(scores.begin(), scores.end());
  std::stable_sort(order.begin(), order.end(),
                   [](const ChannelScore& a, const ChannelScore& b) { return a.score < b.score; });
  return order;
}

/// The first `length` of the order, as far as each space keeps its least width and a multiple of round_to.
Selection mark(const ChannelLayout& layout, const std::vector<ChannelScore>& order, std::size_t length,
               const SelectionLimits& limits) {
  Selection selection;
  std::vector<std::vector<std::size_t>> wanted(layout.spaces.size());
  for (std::size_t i = 0; i < length; ++i) wanted[order[i].space].push_back(order[i].channel);
  for (std::size_t s = 0; s < layout.spaces.size(); ++s) {
    std::vector<bool>& marks = selection.removed.emplace_back();
    const auto width = std::size_t(layout.spaces[s].channels), multiple = std::size_t(limits.round_to);
    std::size_t left = std::max(width - wanted[s].size(), std::min(width, std::size_t(limits.min_channels)));
    left = std::min(width, (left + multiple - 1) / multiple * multiple);
    if (left == width) continue;
    marks.assign(width, false);
    for (std::size_t i = 0; i < width - left; ++i) marks[wanted[s][i]] = true;
    selection.channels += width - left;
  }
  return selection;
}

bool reaches_target(const Architecture& architecture, const ChannelLayout& layout, const Selection& selection,
                    const SelectionLimits& limits, std::size_t channels_now) {
  const NetworkCost cost = cost_without(architecture, layout, selection.removed);
  const auto reached = [](std::size_t target, std::size_t value) { return target > 0 && value <= target; };
  return reached(limits.target_parameters, cost.parameters) || reached(limits.target_macs, cost.macs) ||
         reached(limits.target_channels, channels_now - selection.channels);
}

/// The largest n in [0, most] with ok(n), which holds for 0 and, once it does not, for nothing larger.
template <class Test>
std::size_t largest(std::size_t most, Test&& ok) {
  if (most == 0 || ok(most)) return most;
  std::size_t good = 0, bad = most;
  while (bad - good > 1) {
    const std::size_t middle = (good + bad) / 2;
    (ok(middle) ? good : bad) = middle;
  }
  return good;
}

}  // namespace

std::vector<bool> choose_spaces(const Architecture& architecture, const ChannelLayout& layout, PruneScope scope,
                                const std::vector<std::string>& exclude) {
  std::vector<bool> chosen;
  for (const ChannelSpace& space : layout.spaces) chosen.push_back(space.inner || scope == PruneScope::all);
  for (const std::string& name : exclude) {
    bool known = false;
    for (std::size_t l = 0; l < architecture.layers.size(); ++l) {
      const Layer& layer = architecture.layers[l];
      if (layer.name != name) continue;
      known = layer.kind == LayerKind::convolution || layer.kind == LayerKind::linear;
      if (known && layout.space_of[l] >= 0) chosen[std::size_t(layout.space_of[l])] = false;
    }
    if (!known) throw UsageError("no convolution or linear layer is called '{}'", name);
  }
  if (std::find(chosen.begin(), chosen.end(), true) == chosen.end())
    throw UsageError("no layer is left whose channels could go: look at --scope and --exclude");
  return chosen;
}

std::size_t count_channels(const ChannelLayout& layout, const std::vector<bool>& spaces) {
  std::size_t channels = 0;
  for (std::size_t s = 0; s < layout.spaces.size(); ++s)
    if (spaces[s]) channels += std::size_t(layout.spaces[s].channels);
  return channels;
}

Selection select_channels(const Architecture& architecture, const ChannelLayout& layout,
                          const std::vector<bool>& chosen, std::span<const ChannelScore> scores,
                          const SelectionLimits& limits,
                          const std::function<double(const ChannelMarks&)>& loss_without) {
  const std::vector<ChannelScore> order = ranked(scores);
  const std::size_t now = count_channels(layout, chosen);
  // Marks that a rounded width takes back do not count towards the step.
  std::size_t length =
      largest(order.size(), [&](std::size_t n) { return mark(layout, order, n, limits).channels <= limits.channels; });
  if (limits.target_parameters || limits.target_macs || limits.target_channels) {
    const std::size_t before = largest(length, [&](std::size_t n) {
      return !reaches_target(architecture, layout, mark(layout, order, n, limits), limits, now);
    });
    length = std::min(length, before + 1);  // one more reaches it
  }
  if (limits.largest_loss >= 0)
    length = largest(length, [&](std::size_t n) {
      const Selection selection = mark(layout, order, n, limits);
      return selection.channels == 0 || loss_without(selection.removed) <= limits.largest_loss;
    });
  Selection selection = mark(layout, order, length, limits);
  if (selection.channels > 0) selection.loss = loss_without(selection.removed);
  return selection;
}

}  // namespace espalier
