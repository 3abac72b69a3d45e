#include "shape/channel_spaces.h"

#include <algorithm>
#include <numeric>

namespace espalier {

namespace {

bool is_producer(LayerKind kind) { return kind == LayerKind::convolution || kind == LayerKind::linear; }

/// Sets of layer values, by union and find. The place of a layer is one more than its number; the image is 0.
class Ties {
 public:
  explicit Ties(std::size_t layers) : parent_(layers + 1) { std::iota(parent_.begin(), parent_.end(), 0); }
  int find(int layer) {
    int place = layer + 1;
    while (parent_[std::size_t(place)] != place) place = parent_[std::size_t(place)];
    return place;
  }
  void tie(int a, int b) { parent_[std::size_t(std::max(find(a), find(b)))] = std::min(find(a), find(b)); }

 private:
  std::vector<int> parent_;
};

Ties tie_layers(const Architecture& architecture) {
  Ties ties(architecture.layers.size());
  for (std::size_t l = 0; l < architecture.layers.size(); ++l) {
    const Layer& layer = architecture.layers[l];
    if (is_producer(layer.kind) || layer.kind == LayerKind::shortcut) continue;
    for (std::size_t i = 0; i < layer.inputs.size(); ++i) ties.tie(int(l), input_index(architecture, l, i));
  }
  return ties;
}

void add_layer(ChannelSpace& space, int l, const Layer& layer) {
  if (space.layers.empty()) {
    space.name = layer.name;
    space.inner = true;
  }
  space.layers.push_back(l);
  if (is_producer(layer.kind)) space.producers.push_back(l);
  if (layer.kind == LayerKind::add || layer.kind == LayerKind::shortcut || space.producers.size() > 1)
    space.inner = false;
}

}  // namespace

ChannelLayout find_channels(const Architecture& architecture) {
  const std::size_t n = architecture.layers.size();
  const std::vector<ImageShape> shapes = infer_shapes(architecture);
  Ties ties = tie_layers(architecture);
  const int image = ties.find(-1), logits = ties.find(int(n) - 1);
  ChannelLayout layout;
  layout.space_of.assign(n, -1);
  layout.features.assign(n, 1);
  std::vector<int> space_at(n + 1, -1);
  for (std::size_t l = 0; l < n; ++l) {
    const Layer& layer = architecture.layers[l];
    if (const int in = input_index(architecture, l, 0); in >= 0 && layout.space_of[std::size_t(in)] >= 0) {
      ChannelSpace& read = layout.spaces[std::size_t(layout.space_of[std::size_t(in)])];
      if (is_producer(layer.kind)) read.readers.push_back(int(l));
      if (layer.kind == LayerKind::shortcut) read.inner = false;
    }
    const int set = ties.find(int(l));
    if (set == image || set == logits) continue;
    int& space = space_at[std::size_t(set)];
    if (space < 0) {
      space = int(layout.spaces.size());
      layout.spaces.emplace_back();
    }
    layout.space_of[l] = space;
    ChannelSpace& own = layout.spaces[std::size_t(space)];
    add_layer(own, int(l), layer);
    own.channels = std::gcd(own.channels, shapes[l].channels);
  }
  for (const ChannelSpace& space : layout.spaces)
    for (const int l : space.layers) layout.features[std::size_t(l)] = shapes[std::size_t(l)].channels / space.channels;
  return layout;
}

}  // namespace espalier
