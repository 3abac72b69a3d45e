#include "shape/channel_mask.h"

#include <algorithm>

namespace espalier {

ChannelMask::ChannelMask(NetworkShape& network, const ChannelLayout& layout)
    : network_(network), layout_(layout), normed_(network.architecture.layers.size(), true) {
  const Architecture& architecture = network.architecture;
  std::vector<bool> read(architecture.layers.size(), false);
  std::size_t p = 0;
  for (std::size_t l = 0; l < architecture.layers.size(); ++l) {
    first_parameter_.push_back(p);
    while (p < network.parameters.size() && network.parameters[p].info.layer == int(l)) ++p;
    for (std::size_t i = 0; i < architecture.layers[l].inputs.size(); ++i) {
      const int in = input_index(architecture, l, i);
      if (in < 0) continue;
      read[std::size_t(in)] = true;
      if (architecture.layers[l].kind != LayerKind::batch_norm) normed_[std::size_t(in)] = false;
    }
  }
  for (std::size_t l = 0; l < normed_.size(); ++l) normed_[l] = normed_[l] && read[l];
}

bool ChannelMask::is_changed(int layer) const {
  switch (network_.architecture.layers[std::size_t(layer)].kind) {
    case LayerKind::convolution:
    case LayerKind::linear:
      return !normed_[std::size_t(layer)];
    case LayerKind::batch_norm:
    case LayerKind::shortcut:
      return true;
    default:
      return false;
  }
}

int ChannelMask::first_layer(std::size_t space) const {
  const std::vector<int>& layers = layout_.spaces[space].layers;
  return *std::find_if(layers.begin(), layers.end(), [&](int l) { return is_changed(l); });
}

void ChannelMask::take(float* place, std::size_t count) {
  taken_.push_back({place, {place, place + count}});
  std::fill_n(place, count, 0.0f);
}

void ChannelMask::silence(std::size_t space, std::size_t channel) {
  restore();
  for (const int l : layout_.spaces[space].layers) {
    if (!is_changed(l)) continue;
    Layer& layer = network_.architecture.layers[std::size_t(l)];
    const auto features = std::size_t(layout_.features[std::size_t(l)]);
    if (layer.kind == LayerKind::shortcut) {
      for (std::size_t f = channel * features; f < (channel + 1) * features; ++f)
        maps_.emplace_back(&layer.map[f], std::exchange(layer.map[f], -1));
      continue;
    }
    for (std::size_t p = first_parameter_[std::size_t(l)];
         p < network_.parameters.size() && network_.parameters[p].info.layer == l; ++p) {
      Parameter& parameter = network_.parameters[p];
      if (!parameter.info.trained) continue;
      const std::size_t row = parameter.values.size() / parameter.info.shape[0] * features;
      take(parameter.values.data() + channel * row, row);
    }
  }
}

void ChannelMask::restore() {
  for (const Taken& taken : taken_) std::copy(taken.values.begin(), taken.values.end(), taken.place);
  for (const auto& [place, value] : maps_) *place = value;
  taken_.clear();
  maps_.clear();
}

}  // namespace espalier
