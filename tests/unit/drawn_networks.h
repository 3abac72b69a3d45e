#pragma once
/// Networks drawn at random: layers of any kind, each reading any earlier one that fits, values that several read or
/// nobody, sums of what happens to have one shape, shortcuts of any map, flattening in the middle.

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/random.h"
#include "nn/architecture.h"

namespace espalier {

/// From ESPALIER_SEED, which the soak test sets.
inline std::uint64_t first_seed() {
  const char* const more = std::getenv("ESPALIER_SEED");
  return more ? std::strtoull(more, nullptr, 10) * 1000 : 0;
}

class NetworkDrawer {
 public:
  /// Without `zeros` a shortcut's channels all come from its input: the gradients of a norm of zeros are rounding
  /// errors, magnified.
  explicit NetworkDrawer(std::uint64_t seed, bool zeros = false) : random_(seed, 77), zeros_(zeros) {}
  int draw(int from, int to) { return from + int(random_.below(drawn_++, std::uint64_t(to - from + 1))); }

  Architecture network() {
    net_ = {{draw(1, 4), draw(2, 9), draw(2, 9)}, draw(2, 5), {}};
    shapes_ = {net_.input};
    for (int layers = draw(3, 18); layers > 0; --layers) add_any();
    add_flat(latest());
    if (draw(0, 1)) add(LayerKind::dropout, latest()).rate = 0.25;
    add_linear(latest(), net_.classes);
    return net_;
  }

 private:
  int latest() const { return int(shapes_.size()) - 1; }
  std::string name(int value) const { return value == 0 ? "input" : net_.layers[std::size_t(value) - 1].name; }

  Layer& add(LayerKind kind, int from) {
    Layer layer;
    layer.name = "l" + std::to_string(net_.layers.size());
    layer.kind = kind;
    layer.inputs = {name(from)};
    net_.layers.push_back(std::move(layer));
    shapes_.push_back(shapes_[std::size_t(from)]);
    return net_.layers.back();
  }

  void add_any() {
    const int from = draw(0, 2) ? latest() : draw(0, latest());
    const ImageShape in = shapes_[std::size_t(from)];
    switch (draw(0, 13)) {
      case 0:
      case 1:
      case 2: {
        Layer& layer = add(LayerKind::convolution, from);
        layer.channels = draw_channels();
        layer.bias = draw(0, 1);
        return size_window(layer, in);
      }
      case 3:
      case 4:
        add(LayerKind::batch_norm, from);
        return;
      case 5:
        add(LayerKind::relu, from);
        return;
      case 6: {
        Layer& layer = add(draw(0, 1) ? LayerKind::max_pool : LayerKind::average_pool, from);
        return size_window(layer, in);
      }
      case 7:
        return add_shortcut(from);
      case 8:
        add(LayerKind::dropout, from).rate = 0.2;
        return;
      case 9:
        if (draw(0, 2) == 0) add_flat(from);
        return;
      case 10:
        if (in.pixels() == 1) add_linear(from, draw_channels());
        return;
      default:
        return add_sum(from);
    }
  }

  /// Often as many as another value has, so that they can be added.
  int draw_channels() {
    return draw(0, 1) ? draw(1, 12) : std::min(shapes_[std::size_t(draw(0, latest()))].channels, 64);
  }

  void add_linear(int from, int channels) {
    Layer& layer = add(LayerKind::linear, from);
    layer.channels = channels;
    layer.bias = draw(0, 1);
    shapes_.back() = {channels, 1, 1};
  }

  void add_flat(int from) {
    const ImageShape in = shapes_[std::size_t(from)];
    const bool pools = draw(0, 3) == 0;
    add(pools ? LayerKind::global_pool : LayerKind::flatten, from);
    shapes_.back() = {pools ? in.channels : int(in.size()), 1, 1};
  }

  /// Of a value that has this shape, itself if there is no other.
  void add_sum(int from) {
    std::vector<int> others;
    for (int v = 0; v <= latest(); ++v)
      if (v != from && shapes_[std::size_t(v)] == shapes_[std::size_t(from)]) others.push_back(v);
    const int other = others.empty() ? from : others[std::size_t(draw(0, int(others.size()) - 1))];
    add(LayerKind::add, from).inputs.push_back(name(other));
  }

  void add_shortcut(int from) {
    const ImageShape in = shapes_[std::size_t(from)];
    Layer& layer = add(LayerKind::shortcut, from);
    layer.stride = draw(1, 3);
    layer.channels = draw(0, 1) ? draw(1, 9) : std::min(in.channels, 64);
    for (int c = 0; c < layer.channels; ++c) layer.map.push_back(draw(zeros_ ? -1 : 0, in.channels - 1));
    shapes_.back() = {layer.channels, (in.height - 1) / layer.stride + 1, (in.width - 1) / layer.stride + 1};
  }

  void size_window(Layer& layer, const ImageShape& in) {
    layer.kernel = std::min({draw(1, 4), in.height, in.width});
    layer.stride = draw(1, 2);
    layer.padding = draw(0, layer.kernel / 2);
    const auto windows = [&](int size) { return (size + 2 * layer.padding - layer.kernel) / layer.stride + 1; };
    shapes_.back() = {layer.kind == LayerKind::convolution ? layer.channels : in.channels, windows(in.height),
                      windows(in.width)};
  }

  Random random_;
  bool zeros_;
  std::uint64_t drawn_ = 0;
  Architecture net_;
  std::vector<ImageShape> shapes_;  ///< of the input and of each layer
};

}  // namespace espalier
