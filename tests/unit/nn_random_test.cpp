#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/random.h"
#include "nn/executor.h"
#include "nn/loss.h"
#include "nn_plain.h"

using namespace espalier;

namespace {

/// Draws networks: layers of any kind, each reading any earlier one that fits.
class Drawer {
 public:
  explicit Drawer(std::uint64_t seed) : random_(seed, 77) {}
  int draw(int from, int to) { return from + int(random_.below(drawn_++, std::uint64_t(to - from + 1))); }

  Architecture network() {
    net_ = {{draw(1, 4), draw(2, 9), draw(2, 9)}, draw(2, 5), {}};
    shapes_ = {net_.input};
    for (int layers = draw(3, 14); layers > 0; --layers) add_any();
    add(LayerKind::flatten, int(shapes_.size()) - 1);
    if (draw(0, 1)) add(LayerKind::dropout, int(shapes_.size()) - 1).rate = 0.25;
    Layer& last = add(LayerKind::linear, int(shapes_.size()) - 1);
    last.channels = net_.classes;
    last.bias = draw(0, 1);
    return net_;
  }

 private:
  Layer& add(LayerKind kind, int from) {
    Layer layer;
    layer.name = "l" + std::to_string(net_.layers.size());
    layer.kind = kind;
    layer.inputs = {name(from)};
    net_.layers.push_back(std::move(layer));
    shapes_.push_back(shapes_[std::size_t(from)]);
    return net_.layers.back();
  }
  std::string name(int value) const { return value == 0 ? "input" : net_.layers[std::size_t(value) - 1].name; }

  void add_any() {
    const int latest = int(shapes_.size()) - 1, from = draw(0, 2) ? latest : draw(0, latest);
    const ImageShape in = shapes_[std::size_t(from)];
    switch (draw(0, 9)) {
      case 0:
      case 1:
      case 2: {
        Layer& layer = add(LayerKind::convolution, from);
        layer.channels = draw(1, 12);
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
      case 7: {
        Layer& layer = add(LayerKind::shortcut, from);
        layer.stride = draw(1, 3);
        for (int c = draw(1, 9); c > 0; --c) layer.map.push_back(draw(0, in.channels - 1));
        layer.channels = int(layer.map.size());
        shapes_.back() = {layer.channels, (in.height - 1) / layer.stride + 1, (in.width - 1) / layer.stride + 1};
        return;
      }
      case 8:
        add(LayerKind::dropout, from).rate = 0.2;
        return;
      default: {  // of the last value that has this shape, itself if there is no other
        int other = from;
        for (int v = 0; v <= latest; ++v)
          if (v != from && shapes_[std::size_t(v)] == in) other = v;
        add(LayerKind::add, from).inputs.push_back(name(other));
      }
    }
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
  std::uint64_t drawn_ = 0;
  Architecture net_;
  std::vector<ImageShape> shapes_;
};

}  // namespace

TEST_CASE("networks drawn at random agree with plain loops in logits and gradients") {
  const char* const more = std::getenv("ESPALIER_SEED");
  const std::uint64_t first = more ? std::strtoull(more, nullptr, 10) * 1000 : 0;
  for (std::uint64_t seed = first; seed < first + 60; ++seed) {
    Drawer drawer(seed);
    const Architecture architecture = drawer.network();
    const std::size_t n = std::size_t(drawer.draw(8, 24));
    const std::string json = to_json(architecture);
    CAPTURE(seed);
    CAPTURE(json);
    Parameters parameters = initial_parameters(architecture, seed);
    const Random random(seed, 5);
    std::uint64_t drawn = 0;
    for (Parameter& p : parameters)
      if (p.info.shape.size() == 1)
        for (float& v : p.values) v += 0.2f * std::abs(float(random.normal(drawn++)));
    std::vector<float> x(n * architecture.input.size());
    for (float& v : x) v = float(random.normal(drawn++));
    std::vector<std::int32_t> labels;
    for (std::size_t i = 0; i < n; ++i) labels.push_back(std::int32_t(i % std::size_t(architecture.classes)));
    const plain::Values images = {architecture.input, {x.begin(), x.end()}};
    plain::Tensors tensors = plain::tensors(parameters);

    Executor executor(architecture, parameters);
    const auto compare = [&](const Matrix& logits, const plain::Values& expected) {
      double wrong = 0, largest = 1;
      for (std::size_t i = 0; i < logits.size(); ++i) {
        wrong = std::max(wrong, std::abs(logits.data()[i] - expected.at[i]));
        largest = std::max(largest, std::abs(expected.at[i]));
      }
      CHECK(wrong < 1e-4 * largest);
    };
    compare(executor.forward(x.data(), n), plain::run(architecture, tensors, images, n).back());

    // In training every dropout layer is kept, to learn from it what it dropped.
    std::vector<std::size_t> dropouts;
    for (std::size_t l = 0; l < architecture.layers.size(); ++l)
      if (architecture.layers[l].kind == LayerKind::dropout) {
        executor.keep(architecture.layers[l].name);
        dropouts.push_back(l);
      }
    const Matrix logits = executor.forward(x.data(), n, {.training = true, .seed = seed, .step = 2});
    std::vector<Matrix> kept;
    for (std::size_t d = 0; d < dropouts.size(); ++d) kept.push_back(executor.kept(d));
    const plain::Mode mode = {true,
                              [&](std::size_t layer, std::size_t place) {
                                const auto d = std::find(dropouts.begin(), dropouts.end(), layer) - dropouts.begin();
                                return kept[std::size_t(d)].data()[place] != 0;
                              },
                              nullptr};
    compare(logits, plain::run(architecture, tensors, images, n, mode).back());

    Matrix by_logits;
    evaluate_loss(logits, labels, {}, {}, &by_logits);
    const Parameters& gradients = executor.backward(by_logits);
    // Along one direction for all that is learned: the engine's gradient against the double network's difference.
    const double h = 1e-6;
    double along = 0, squares = 0, length = 0, around[2];
    plain::Tensors direction = tensors;
    for (std::size_t p = 0; p < direction.size(); ++p)
      for (std::size_t i = 0; i < direction[p].size(); ++i) {
        direction[p][i] = parameters[p].info.trained ? random.normal(drawn++) : 0;
        if (!parameters[p].info.trained) continue;
        along += gradients[p].values[i] * direction[p][i];
        squares += double(gradients[p].values[i]) * gradients[p].values[i];
        length += direction[p][i] * direction[p][i];
      }
    for (const int side : {0, 1}) {
      plain::Tensors moved = tensors;
      for (std::size_t p = 0; p < moved.size(); ++p)
        for (std::size_t i = 0; i < moved[p].size(); ++i) moved[p][i] += (side ? h : -h) * direction[p][i];
      around[side] = plain::cross_entropy(plain::run(architecture, moved, images, n, mode).back(), labels, 0);
    }
    CHECK(std::abs(along - (around[1] - around[0]) / (2 * h)) < 1e-3 * std::sqrt(squares) + 1e-6 * std::sqrt(length));
  }
}
