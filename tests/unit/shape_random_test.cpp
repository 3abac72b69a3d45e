#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "drawn_networks.h"
#include "nn/executor.h"
#include "shape/channel_compensation.h"
#include "shape/channel_insertion.h"
#include "shape/channel_removal.h"
#include "shape/channel_scores.h"
#include "shape/sparsity.h"
#include "shape_networks.h"

using namespace espalier;
using namespace shape_networks;

namespace {

constexpr std::size_t kImages = 5;

ScoringSamples samples_for(const Architecture& architecture) {
  ScoringSamples samples;
  const Random random(31, 1);
  samples.pixels.resize(kImages * architecture.input.size());
  for (std::size_t i = 0; i < samples.pixels.size(); ++i) samples.pixels[i] = float(random.normal(i));
  for (std::size_t n = 0; n < kImages; ++n) samples.labels.push_back(int(n) % architecture.classes);
  return samples;
}

std::vector<float> logits_of(const NetworkShape& net, const ScoringSamples& samples) {
  Parameters parameters = net.parameters;
  Executor executor(net.architecture, parameters);
  const Matrix& logits = executor.forward(samples.pixels.data(), samples.count());
  return {logits.data(), logits.data() + logits.size()};
}

double distance(const std::vector<float>& x, const std::vector<float>& y) {
  REQUIRE(x.size() == y.size());
  double most = 0, size = 1;
  for (std::size_t i = 0; i < x.size(); ++i) {
    most = std::max(most, std::fabs(double(x[i]) - y[i]));
    size = std::max(size, std::fabs(double(x[i])));
  }
  return most / size;
}

ChannelMarks draw_marks(const ChannelLayout& layout, std::uint64_t seed) {
  ChannelMarks marks(layout.spaces.size());
  for (std::size_t s = 0; s < marks.size(); ++s) {
    const Random random(seed, s);
    if (random.below(0, 3) == 0) continue;
    marks[s].resize(std::size_t(layout.spaces[s].channels));
    for (std::size_t c = 0; c < marks[s].size(); ++c) marks[s][c] = random.below(c + 2, 2) == 0;
    marks[s][random.below(1, marks[s].size())] = false;
  }
  return marks;
}

void check_removal(const NetworkShape& net, const ScoringSamples& samples, std::uint64_t seed) {
  const ChannelLayout layout = find_channels(net.architecture);
  const ChannelMarks marks = draw_marks(layout, seed);
  NetworkShape masked = mask_channels(net.architecture, net.parameters, layout, marks);
  NetworkShape compact = remove_channels(net.architecture, net.parameters, layout, marks);
  CHECK(distance(logits_of(masked, samples), logits_of(compact, samples)) < 1e-5);
  CHECK(cost_without(net.architecture, layout, marks).parameters == count_parameters(compact.architecture));
  CHECK(find_channels(compact.architecture).spaces.size() == layout.spaces.size());
  CompensationOptions options;
  options.kind = seed % 2 ? Compensation::mean : Compensation::least_squares;
  compensate(net.architecture, net.parameters, masked, find_bereft_readers(layout, marks), samples.pixels, options);
  compact = remove_channels(masked.architecture, masked.parameters, layout, marks);
  CHECK(distance(logits_of(masked, samples), logits_of(compact, samples)) < 1e-5);
  measure_sparsity(masked.architecture, masked.parameters, 1e-3);
}

void check_insertion(const NetworkShape& net, const ScoringSamples& samples, std::uint64_t seed) {
  const ChannelLayout layout = find_channels(net.architecture);
  const std::vector<float> before = logits_of(net, samples);
  for (std::size_t s = 0; s < layout.spaces.size(); ++s) {
    const GrownNetwork grown = insert_channels(net.architecture, net.parameters, layout, s, 2, seed);
    CHECK(distance(before, logits_of(grown.network, samples)) < 1e-6);
    const ChannelLayout wide = find_channels(grown.network.architecture);
    REQUIRE(wide.spaces[s].channels == layout.spaces[s].channels + 2);
    ChannelMarks marks(wide.spaces.size());
    marks[s].assign(std::size_t(wide.spaces[s].channels), false);
    std::fill(marks[s].end() - 2, marks[s].end(), true);
    const NetworkShape back = remove_channels(grown.network.architecture, grown.network.parameters, wide, marks);
    CHECK(to_json(back.architecture) == to_json(net.architecture));
    for (std::size_t p = 0; p < back.parameters.size(); ++p)
      CHECK(std::equal(back.parameters[p].values.begin(), back.parameters[p].values.end(),
                       net.parameters[p].values.begin()));
  }
}

void check_scores(const NetworkShape& net, const ScoringSamples& samples) {
  const ChannelLayout layout = find_channels(net.architecture);
  const std::vector<float> with = sample_losses(net, samples, 3, {});
  ScoringOptions options;
  options.batch = 3;
  const std::vector<bool> all(layout.spaces.size(), true);
  for (const ChannelScore& score : score_channels(net, layout, all, samples, options, {})) {
    ChannelMarks marks(layout.spaces.size());
    marks[score.space].assign(std::size_t(layout.spaces[score.space].channels), false);
    marks[score.space][score.channel] = true;
    const std::vector<float> without =
        sample_losses(mask_channels(net.architecture, net.parameters, layout, marks), samples, 64, {});
    double increase = 0, size = 1;
    for (std::size_t i = 0; i < with.size(); ++i) {
      increase += (double(without[i]) - with[i]) / double(kImages);
      size = std::max(size, double(std::max(with[i], without[i])));
    }
    CHECK(std::fabs(score.score - increase) < 2e-6 * size);
  }
  for (const Criterion criterion :
       {Criterion::l1, Criterion::l2, Criterion::fpgm, Criterion::regularizer, Criterion::taylor, Criterion::random}) {
    options.criterion = criterion;
    for (const ChannelScore& score : score_channels(net, layout, all, samples, options, {}))
      CHECK((std::isfinite(score.score) && score.score >= 0));
  }
}

}  // namespace

TEST_CASE("in graphs drawn at random channels are removed, inserted and scored as promised") {
  constexpr std::uint64_t kGraphs = 200;
  const std::uint64_t first = first_seed();
  std::size_t spaces = 0;
  for (std::uint64_t seed = first; seed < first + kGraphs; ++seed) {
    const Architecture architecture = NetworkDrawer(seed, true).network();
    CAPTURE(seed);
    CAPTURE(to_json(architecture));
    const NetworkShape net = random_network(architecture, seed);
    const ScoringSamples samples = samples_for(architecture);
    check_removal(net, samples, seed);
    check_insertion(net, samples, seed);
    check_scores(net, samples);
    spaces += find_channels(architecture).spaces.size();
  }
  CHECK(spaces > 2 * kGraphs);
}

TEST_CASE("values of different sizes, flattened and added: a channel is what is whole in all of them") {
  const Architecture architecture = parse_architecture(R"({"input": [2, 4, 4], "classes": 3, "layers": [
    {"name": "coarse", "kind": "convolution", "channels": 12, "kernel": 2, "stride": 2},
    {"name": "norm", "kind": "batch-norm"},
    {"name": "flat", "kind": "flatten"},
    {"name": "fine", "kind": "convolution", "channels": 3, "kernel": 3, "padding": 1, "inputs": ["input"]},
    {"name": "rectify", "kind": "relu"},
    {"name": "flat2", "kind": "flatten"},
    {"name": "sum", "kind": "add", "inputs": ["flat", "flat2"]},
    {"name": "turned", "kind": "shortcut", "inputs": ["flat2"], "map": [
      47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24,
      -1, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]},
    {"name": "sum2", "kind": "add", "inputs": ["sum", "turned"]},
    {"name": "self", "kind": "linear", "channels": 48, "bias": true},
    {"name": "sum3", "kind": "add", "inputs": ["sum2", "self"]},
    {"name": "last", "kind": "linear", "channels": 3}]})",
                                                       "flattened");
  const ChannelLayout layout = find_channels(architecture);
  REQUIRE(layout.spaces.size() == 1);
  CHECK(layout.spaces[0].channels == 3);
  CHECK(layout.features == std::vector<int>{4, 4, 16, 1, 1, 16, 16, 16, 16, 16, 16, 1});
  const NetworkShape net = random_network(architecture, 3);
  const ScoringSamples samples = samples_for(architecture);
  for (std::uint64_t seed = 0; seed < 6; ++seed) check_removal(net, samples, seed);
  check_insertion(net, samples, 1);
  check_scores(net, samples);
}
