#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "nn/executor.h"
#include "shape/channel_insertion.h"
#include "shape/channel_removal.h"
#include "shape/sparsity.h"
#include "shape_networks.h"

using namespace espalier;
using namespace shape_networks;

namespace {

std::vector<float> logits_of(const NetworkShape& net, std::size_t images = 3) {
  Parameters parameters = net.parameters;
  Executor executor(net.architecture, parameters);
  std::vector<float> pixels(images * net.architecture.input.size());
  const Random random(8, 8);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = float(random.normal(i));
  const Matrix& logits = executor.forward(pixels.data(), images);
  return {logits.data(), logits.data() + logits.rows() * logits.cols()};
}

double largest(const std::vector<float>& x) {
  double most = 0;
  for (const float v : x) most = std::max(most, std::fabs(double(v)));
  return most;
}

double distance(const std::vector<float>& x, const std::vector<float>& y) {
  REQUIRE(x.size() == y.size());
  double most = 0;
  for (std::size_t i = 0; i < x.size(); ++i) most = std::max(most, std::fabs(double(x[i]) - y[i]));
  return most / std::max(1.0, largest(x));
}

/// Channels to be removed: each with a chance, one at least left in each space.
ChannelMarks draw_marks(const ChannelLayout& layout, double share, bool inner_only, std::uint64_t seed) {
  ChannelMarks marks;
  for (std::size_t s = 0; s < layout.spaces.size(); ++s) {
    const ChannelSpace& space = layout.spaces[s];
    marks.emplace_back();
    if (inner_only && !space.inner) continue;
    const Random random(seed, s);
    marks[s].resize(std::size_t(space.channels));
    for (std::size_t c = 0; c < marks[s].size(); ++c) marks[s][c] = random.uniform(c) < share;
    marks[s][random.below(9999, marks[s].size())] = false;
  }
  return marks;
}

std::size_t find_space(const ChannelLayout& layout, const std::string& name) {
  for (std::size_t s = 0; s < layout.spaces.size(); ++s)
    if (layout.spaces[s].name == name) return s;
  FAIL("no space " << name);
  return 0;
}

std::vector<std::string> names_of(const Architecture& net, const std::vector<int>& layers) {
  std::vector<std::string> names;
  for (const int l : layers) names.push_back(net.layers[std::size_t(l)].name);
  return names;
}

}  // namespace

TEST_CASE("channel spaces of a ResNet: one inside each block, one for each stage's trunk") {
  const Architecture net = stock_architecture("resnet20", {3, 32, 32}, 10, 1);
  const ChannelLayout layout = find_channels(net);
  CHECK(layout.spaces.size() == 9 + 3);
  CHECK(std::count_if(layout.spaces.begin(), layout.spaces.end(), [](const auto& s) { return s.inner; }) == 9);
  const ChannelSpace& trunk = layout.spaces[find_space(layout, "conv1")];
  CHECK(names_of(net, trunk.producers) ==
        std::vector<std::string>{"conv1", "layer1.0.conv2", "layer1.1.conv2", "layer1.2.conv2"});
  CHECK(names_of(net, trunk.readers) ==
        std::vector<std::string>{"layer1.0.conv1", "layer1.1.conv1", "layer1.2.conv1", "layer2.0.conv1"});
  const ChannelSpace& inner = layout.spaces[find_space(layout, "layer3.1.conv1")];
  CHECK(inner.channels == 64);
  CHECK(names_of(net, inner.readers) == std::vector<std::string>{"layer3.1.conv2"});
  CHECK(layout.space_of.back() == -1);
}

TEST_CASE("a layer that reads and makes one space, features after flattening, hidden units") {
  const Architecture net = parse_architecture(kGraph, "graph");
  const ChannelLayout layout = find_channels(net);
  const ChannelSpace& trunk = layout.spaces[find_space(layout, "stem")];
  CHECK(names_of(net, trunk.producers) == std::vector<std::string>{"stem", "around", "self"});
  CHECK(names_of(net, trunk.readers) == std::vector<std::string>{"inner", "self", "down"});
  const ChannelSpace& second = layout.spaces[find_space(layout, "pad")];
  CHECK(second.channels == 7);
  CHECK_FALSE(second.inner);
  CHECK(layout.features[std::size_t(second.layers.back())] == 16);
  CHECK(layout.spaces[find_space(layout, "hidden")].inner);
  CHECK(layout.spaces.size() == 4);
}

TEST_CASE("compact and masked networks agree, for every architecture, in both scopes, again and again") {
  for (const Net& net : networks())
    for (const bool inner : {true, false}) {
      CAPTURE(net.name);
      CAPTURE(inner);
      NetworkShape now = net.shape;
      for (std::uint64_t round = 0; round < 3; ++round) {
        const ChannelLayout layout = find_channels(now.architecture);
        const ChannelMarks marks = draw_marks(layout, 0.3, inner, 70 + round);
        const NetworkShape masked = mask_channels(now.architecture, now.parameters, layout, marks);
        NetworkShape compact = remove_channels(now.architecture, now.parameters, layout, marks);
        CHECK(distance(logits_of(masked), logits_of(compact)) < 1e-5);
        const NetworkCost cost = cost_without(now.architecture, layout, marks);
        CHECK(cost.parameters == count_parameters(compact.architecture));
        CHECK(cost.macs == count_macs(compact.architecture));
        CHECK(compact.parameters.size() == now.parameters.size());
        now = std::move(compact);
      }
      CHECK(count_parameters(now.architecture) < count_parameters(net.shape.architecture));
    }
}

TEST_CASE("down to one channel everywhere, and no further") {
  for (const Net& net : networks()) {
    CAPTURE(net.name);
    const ChannelLayout layout = find_channels(net.shape.architecture);
    ChannelMarks marks;
    for (const ChannelSpace& space : layout.spaces) {
      marks.emplace_back(std::size_t(space.channels), true);
      marks.back()[std::size_t(space.channels) / 2] = false;
    }
    const NetworkShape masked = mask_channels(net.shape.architecture, net.shape.parameters, layout, marks);
    const NetworkShape compact = remove_channels(net.shape.architecture, net.shape.parameters, layout, marks);
    CHECK(distance(logits_of(masked), logits_of(compact)) < 1e-5);
    for (const ChannelSpace& space : find_channels(compact.architecture).spaces) CHECK(space.channels == 1);
    marks[0].assign(marks[0].size(), true);
    CHECK_THROWS_AS(remove_channels(net.shape.architecture, net.shape.parameters, layout, marks), UsageError);
  }
}

TEST_CASE("removing nothing changes no byte") {
  const NetworkShape net = random_network(parse_architecture(kGraph, "graph"), 2);
  const ChannelLayout layout = find_channels(net.architecture);
  const NetworkShape same =
      remove_channels(net.architecture, net.parameters, layout, ChannelMarks(layout.spaces.size()));
  CHECK(to_json(same.architecture) == to_json(net.architecture));
  for (std::size_t p = 0; p < net.parameters.size(); ++p)
    CHECK(std::equal(net.parameters[p].values.begin(), net.parameters[p].values.end(),
                     same.parameters[p].values.begin()));
}

TEST_CASE("planted channels leave the logits, and taken out again the bytes") {
  for (const Net& net : networks()) {
    CAPTURE(net.name);
    const ChannelLayout layout = find_channels(net.shape.architecture);
    const std::vector<float> before = logits_of(net.shape);
    for (std::size_t s = 0; s < layout.spaces.size(); s += net.name == "graph" ? 1 : 3) {
      const GrownNetwork grown = insert_channels(net.shape.architecture, net.shape.parameters, layout, s, 3, 11);
      CHECK(distance(before, logits_of(grown.network)) < 1e-6);
      const ChannelLayout wide = find_channels(grown.network.architecture);
      CHECK(wide.spaces[s].channels == layout.spaces[s].channels + 3);
      std::size_t fresh = 0;
      for (std::size_t p = 0; p < grown.is_new.size(); ++p)
        if (grown.network.parameters[p].info.trained)
          fresh += std::size_t(std::count(grown.is_new[p].begin(), grown.is_new[p].end(), true));
      CHECK(fresh == count_parameters(grown.network.architecture) - count_parameters(net.shape.architecture));
      ChannelMarks marks(wide.spaces.size());
      marks[s].assign(std::size_t(wide.spaces[s].channels), false);
      std::fill(marks[s].end() - 3, marks[s].end(), true);
      const NetworkShape back = remove_channels(grown.network.architecture, grown.network.parameters, wide, marks);
      CHECK(to_json(back.architecture) == to_json(net.shape.architecture));
      for (std::size_t p = 0; p < back.parameters.size(); ++p)
        CHECK(std::equal(back.parameters[p].values.begin(), back.parameters[p].values.end(),
                         net.shape.parameters[p].values.begin()));
    }
  }
}

TEST_CASE("what makes planted channels is drawn, by the seed") {
  const NetworkShape net = random_network(stock_architecture("resnet20", {3, 16, 16}, 10, 0.5), 2);
  const ChannelLayout layout = find_channels(net.architecture);
  const auto weights = [&](std::uint64_t seed) {
    const GrownNetwork grown = insert_channels(net.architecture, net.parameters, layout, 1, 2, seed);
    const Parameter& w = *grown.network.parameters.find("layer1.0.conv1.weight");
    return std::vector<float>(w.values.end() - 2 * 72, w.values.end());
  };
  double squares = 0;
  for (const float w : weights(1)) squares += double(w) * w;
  CHECK(squares / 144 == doctest::Approx(2.0 / 72).epsilon(0.3));
  CHECK(weights(1) == weights(1));
  CHECK(weights(1) != weights(2));
}

TEST_CASE("the sparsity report counts what was made zero, and says what can go") {
  NetworkShape net = random_network(stock_architecture("resnet20", {3, 16, 16}, 10, 0.5), 2);
  const SparsityReport none = measure_sparsity(net.architecture, net.parameters, 0);
  CHECK(none.all.weights.zero == 0);
  CHECK(none.removable_parameters == 0);
  // Channel 3 inside the first block is read by nobody, channel 5 is made by nobody.
  Parameter& reader = *net.parameters.find("layer1.0.conv2.weight");
  for (std::size_t o = 0; o < 8; ++o) std::fill_n(reader.values.data() + (o * 8 + 3) * 9, 9, 0.0f);
  Parameter& maker = *net.parameters.find("layer1.0.conv1.weight");
  std::fill_n(maker.values.data() + 5 * 72, 72, 1e-4f);
  const SparsityReport found = measure_sparsity(net.architecture, net.parameters, 1e-3);
  CHECK(found.layers[2].name == "layer1.0.conv2");
  CHECK(found.layers[2].input_groups.zero == 1);
  CHECK(found.layers[2].output_groups.zero == 0);
  CHECK(found.layers[1].output_groups.zero == 1);
  CHECK(found.layers[1].kernels.zero >= 8);
  const ChannelLayout layout = find_channels(net.architecture);
  ChannelMarks marks(layout.spaces.size());
  marks[1] = {false, false, false, true, false, true, false, false};
  const NetworkCost left = cost_without(net.architecture, layout, marks);
  CHECK(found.removable_parameters == 1 - double(left.parameters) / double(count_parameters(net.architecture)));
  CHECK(found.removable_macs == 1 - double(left.macs) / double(count_macs(net.architecture)));
}
