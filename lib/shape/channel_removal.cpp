#include "shape/channel_removal.h"

#include <algorithm>

#include "base/error.h"

namespace espalier {

namespace {

/// Which features of each layer's value stay, by number.
class Kept {
 public:
  Kept(const Architecture& architecture, const ChannelLayout& layout, const ChannelMarks& removed)
      : architecture_(architecture), shapes_(infer_shapes(architecture)), layout_(layout), removed_(removed) {}

  /// Of a layer's value; -1 is the image.
  std::vector<int> of(int layer) const {
    const int all = layer < 0 ? architecture_.input.channels : shapes_[std::size_t(layer)].channels;
    std::vector<int> kept;
    for (int f = 0; f < all; ++f)
      if (!is_removed(layer, f)) kept.push_back(f);
    return kept;
  }
  std::vector<int> of_input(std::size_t layer) const { return of(input_index(architecture_, layer, 0)); }

  bool is_removed(int layer, int feature) const {
    const int space = layer < 0 ? -1 : layout_.space_of[std::size_t(layer)];
    if (space < 0 || removed_[std::size_t(space)].empty()) return false;
    return removed_[std::size_t(space)][std::size_t(feature / layout_.features[std::size_t(layer)])];
  }

 private:
  const Architecture& architecture_;
  std::vector<ImageShape> shapes_;
  const ChannelLayout& layout_;
  const ChannelMarks& removed_;
};

void require_some_left(const ChannelLayout& layout, const ChannelMarks& removed) {
  if (removed.size() != layout.spaces.size())
    throw BugError("marks of {} channel spaces for {}", removed.size(), layout.spaces.size());
  for (std::size_t s = 0; s < removed.size(); ++s) {
    if (removed[s].empty()) continue;
    if (removed[s].size() != std::size_t(layout.spaces[s].channels))
      throw BugError("marks of {} channels for {}", removed[s].size(), layout.spaces[s].channels);
    if (std::find(removed[s].begin(), removed[s].end(), false) == removed[s].end())
      throw UsageError("layer '{}' would be left without a channel", layout.spaces[s].name);
  }
}

Architecture remove_from(const Architecture& architecture, const ChannelLayout& layout, const ChannelMarks& removed) {
  require_some_left(layout, removed);
  const Kept kept(architecture, layout, removed);
  Architecture result = architecture;
  for (std::size_t l = 0; l < architecture.layers.size(); ++l) {
    Layer& layer = result.layers[l];
    if (layer.kind == LayerKind::convolution || layer.kind == LayerKind::linear)
      layer.channels = int(kept.of(int(l)).size());
    if (layer.kind != LayerKind::shortcut) continue;
    const std::vector<int> ins = kept.of_input(l);
    std::vector<int> map;
    for (const int c : kept.of(int(l))) {
      const auto at = std::lower_bound(ins.begin(), ins.end(), layer.map[std::size_t(c)]);
      const bool there = layer.map[std::size_t(c)] >= 0 && at != ins.end() && *at == layer.map[std::size_t(c)];
      map.push_back(there ? int(at - ins.begin()) : -1);
    }
    layer.map = std::move(map);
    layer.channels = int(layer.map.size());
  }
  return result;
}

}  // namespace

NetworkShape remove_channels(const Architecture& architecture, const Parameters& parameters,
                             const ChannelLayout& layout, const ChannelMarks& removed) {
  NetworkShape result{remove_from(architecture, layout, removed), {}};
  result.parameters = Parameters(result.architecture);
  const Kept kept(architecture, layout, removed);
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    const std::vector<std::size_t>& shape = parameters[p].info.shape;
    const auto layer = std::size_t(parameters[p].info.layer);
    const std::vector<int> outs = kept.of(int(layer));
    float* to = result.parameters[p].values.data();
    if (shape.size() == 1) {
      for (const int o : outs) *to++ = parameters[p].values[std::size_t(o)];
      continue;
    }
    const std::vector<int> ins = kept.of_input(layer);
    const std::size_t kernel = parameters[p].values.size() / (shape[0] * shape[1]);
    for (const int o : outs)
      for (const int i : ins)
        to = std::copy_n(parameters[p].values.data() + (std::size_t(o) * shape[1] + std::size_t(i)) * kernel, kernel,
                         to);
  }
  return result;
}

NetworkShape mask_channels(const Architecture& architecture, const Parameters& parameters, const ChannelLayout& layout,
                           const ChannelMarks& removed) {
  require_some_left(layout, removed);
  const Kept kept(architecture, layout, removed);
  NetworkShape result{architecture, parameters};
  for (Parameter& p : result.parameters) {
    if (!p.info.trained) continue;  // with weight and bias of 0 a norm gives 0 whatever its statistics
    const std::size_t row = p.values.size() / p.info.shape[0];
    for (std::size_t o = 0; o < p.info.shape[0]; ++o)
      if (kept.is_removed(p.info.layer, int(o))) std::fill_n(p.values.data() + o * row, row, 0.0f);
  }
  for (std::size_t l = 0; l < architecture.layers.size(); ++l)
    for (std::size_t c = 0; c < architecture.layers[l].map.size(); ++c)
      if (kept.is_removed(int(l), int(c))) result.architecture.layers[l].map[c] = -1;
  return result;
}

NetworkCost cost_without(const Architecture& architecture, const ChannelLayout& layout, const ChannelMarks& removed) {
  const Architecture compact = remove_from(architecture, layout, removed);
  return {count_parameters(compact), count_macs(compact)};
}

}  // namespace espalier
