#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "nn/executor.h"
#include "shape/channel_removal.h"
#include "shape/channel_scores.h"
#include "shape_networks.h"

using namespace espalier;
using namespace shape_networks;

namespace {

double mean_of(const std::vector<double>& x) {
  double sum = 0;
  for (const double v : x) sum += v;
  return sum / double(x.size());
}

/// The score by its definition: the masked network's losses minus the whole one's, each from the images on.
ChannelScore plain_score(const NetworkShape& net, const ChannelLayout& layout, std::size_t space, std::size_t channel,
                         const ScoringSamples& samples) {
  ChannelMarks marks(layout.spaces.size());
  marks[space].assign(std::size_t(layout.spaces[space].channels), false);
  marks[space][channel] = true;
  const NetworkShape masked = mask_channels(net.architecture, net.parameters, layout, marks);
  const std::vector<float> with = sample_losses(net, samples, 100, {}),
                           without = sample_losses(masked, samples, 100, {});
  std::vector<double> increase(with.size());
  for (std::size_t i = 0; i < with.size(); ++i) increase[i] = double(without[i]) - with[i];
  const double mean = mean_of(increase);
  double squares = 0;
  for (const double x : increase) squares += (x - mean) * (x - mean);
  const double n = double(with.size());
  return {space, channel, mean, n > 1 ? std::sqrt(squares / (n - 1) / n) : 0};
}

std::vector<ChannelScore> scores_of(const NetworkShape& net, Criterion criterion, const ScoringSamples& samples,
                                    std::size_t batch = 64) {
  const ChannelLayout layout = find_channels(net.architecture);
  ScoringOptions options;
  options.criterion = criterion;
  options.batch = batch;
  return score_channels(net, layout, std::vector<bool>(layout.spaces.size(), true), samples, options, {});
}

}  // namespace

TEST_CASE("scores by loss are those of the plain way, for every architecture and every space") {
  for (const Net& net : networks()) {
    CAPTURE(net.name);
    const ScoringSamples samples = samples_for(net.shape.architecture, 21);
    const ChannelLayout layout = find_channels(net.shape.architecture);
    const std::vector<ChannelScore> scores = scores_of(net.shape, Criterion::loss, samples, 16);
    // Of a large network a few of each space: the plain way takes its time.
    std::size_t compared = 0;
    for (const ChannelScore& score : scores) {
      if (scores.size() > 60 && score.channel % 5 != score.space % 5) continue;
      const ChannelScore plain = plain_score(net.shape, layout, score.space, score.channel, samples);
      CHECK(std::fabs(score.score - plain.score) < 1e-6);
      CHECK(std::fabs(score.error - plain.error) < 1e-6);
      ++compared;
    }
    CHECK(compared > 0);
    CHECK(std::any_of(scores.begin(), scores.end(), [](const ChannelScore& s) { return s.error > 0; }));
  }
}

TEST_CASE("a dead channel is not missed") {
  NetworkShape net = random_network(stock_architecture("resnet20", {3, 16, 16}, 10, 0.25), 3);
  for (const char* what : {"layer2.1.bn1.weight", "layer2.1.bn1.bias"}) net.parameters.find(what)->values[2] = 0;
  const ScoringSamples samples = samples_for(net.architecture, 9);
  for (const ChannelScore& score : scores_of(net, Criterion::loss, samples)) {
    const ChannelLayout layout = find_channels(net.architecture);
    if (layout.spaces[score.space].name != "layer2.1.conv1") continue;
    if (score.channel == 2) {
      CHECK(score.score == 0);
      CHECK(score.error == 0);
    } else {
      CHECK(score.score != 0);
    }
  }
}

TEST_CASE("scores are the same for 1, 2 and 4 threads, and for any batch but for rounding") {
  const NetworkShape net = random_network(stock_architecture("resnet20", {3, 16, 16}, 10, 0.25), 3);
  const ScoringSamples samples = samples_for(net.architecture, 40);
  for (const Criterion criterion : {Criterion::loss, Criterion::taylor, Criterion::fpgm}) {
    const int before = threads();
    std::vector<std::vector<ChannelScore>> all;
    for (const int count : {1, 2, 4}) {
      set_threads(count);
      all.push_back(scores_of(net, criterion, samples));
    }
    set_threads(before);
    const std::vector<ChannelScore> other = scores_of(net, criterion, samples, 7);
    for (std::size_t i = 0; i < all[0].size(); ++i) {
      CHECK(all[0][i].score == all[1][i].score);
      CHECK(all[0][i].score == all[2][i].score);
      CHECK(other[i].score == doctest::Approx(all[0][i].score).epsilon(1e-4));
    }
  }
}

TEST_CASE("yardsticks by hand") {
  // Two producers' rows of one space: (3, -4) and (0, 0); (1, 1) read them.
  const Architecture net = parse_architecture(R"({"input": [2, 1, 1], "classes": 2, "layers": [
    {"name": "a", "kind": "convolution", "channels": 2, "kernel": 1},
    {"name": "n", "kind": "batch-norm"},
    {"name": "f", "kind": "flatten"},
    {"name": "z", "kind": "linear", "channels": 2}]})",
                                              "hand");
  NetworkShape shape{net, Parameters(net)};
  const auto set = [&](const char* name, std::vector<float> values) {
    std::copy(values.begin(), values.end(), shape.parameters.find(name)->values.begin());
  };
  set("a.weight", {3, -4, 0, 0});
  set("n.weight", {-2, 0.5});
  set("z.weight", {1, 4, 4, 0});
  const ScoringSamples none;
  CHECK(scores_of(shape, Criterion::l1, none)[0].score == 3.5);
  CHECK(scores_of(shape, Criterion::l1, none)[1].score == 0);
  CHECK(scores_of(shape, Criterion::l2, none)[0].score == doctest::Approx(std::sqrt(12.5)));
  CHECK(scores_of(shape, Criterion::fpgm, none)[0].score == doctest::Approx(std::sqrt(12.5)));
  CHECK(scores_of(shape, Criterion::fpgm, none)[1].score == doctest::Approx(std::sqrt(12.5)));
  CHECK(scores_of(shape, Criterion::bn_scale, none)[0].score == 2);
  CHECK(scores_of(shape, Criterion::bn_scale, none)[1].score == 0.5);
  CHECK(scores_of(shape, Criterion::regularizer, none)[0].score ==
        doctest::Approx(2.25).epsilon(1e-4));  // ((1 + 2) / 2)^2
  CHECK(scores_of(shape, Criterion::regularizer, none)[1].score == doctest::Approx(1).epsilon(1e-3));
  const auto drawn = scores_of(shape, Criterion::random, none);
  CHECK(drawn[0].score != drawn[1].score);
  CHECK_THROWS_AS(scores_of(shape, Criterion::loss, none), BugError);
}

TEST_CASE("by their weights alone, channels of wide layers score as those of narrow ones") {
  NetworkShape net = random_network(stock_architecture("resnet20", {3, 32, 32}, 10), 5);
  const Random random(6, 1);
  std::uint64_t drawn = 0;
  for (std::size_t p = 0; p < net.parameters.size(); ++p)
    if (net.parameters[p].info.shape.size() > 1)
      for (float& w : net.parameters[p].values) w = float(random.normal(drawn++));
  for (const Criterion criterion : {Criterion::l1, Criterion::l2, Criterion::regularizer, Criterion::fpgm}) {
    CAPTURE(int(criterion));
    std::vector<std::vector<double>> of_space(find_channels(net.architecture).spaces.size());
    for (const ChannelScore& s : scores_of(net, criterion, {})) of_space[s.space].push_back(s.score);
    const double first = mean_of(of_space[0]);
    CHECK(first > 0);
    for (const std::vector<double>& scores : of_space)
      if (!scores.empty()) CHECK(mean_of(scores) == doctest::Approx(first).epsilon(0.1));
  }
}

TEST_CASE("taylor is the square of what the loss loses to first order") {
  const NetworkShape net = random_network(stock_architecture("resnet20", {3, 16, 16}, 10, 0.25), 3);
  const ScoringSamples samples = samples_for(net.architecture, 20);  // one batch
  const ChannelLayout layout = find_channels(net.architecture);
  const std::vector<ChannelScore> scores = scores_of(net, Criterion::taylor, samples);
  for (std::size_t i = 0; i < scores.size(); i += 7) {
    const ChannelSpace& space = layout.spaces[scores[i].space];
    // Finite difference: all norms of the channel scaled by 1 +- h.
    const auto loss_at = [&](double factor) {
      NetworkShape moved = net;
      for (const int l : space.layers)
        if (net.architecture.layers[std::size_t(l)].kind == LayerKind::batch_norm)
          for (const char* what : {".weight", ".bias"})
            moved.parameters.find(net.architecture.layers[std::size_t(l)].name + what)->values[scores[i].channel] *=
                float(factor);
      const std::vector<float> losses = sample_losses(moved, samples, 20, {});
      return mean_of({losses.begin(), losses.end()});
    };
    const double slope = (loss_at(1.01) - loss_at(0.99)) / 0.02;
    CHECK(std::sqrt(scores[i].score) == doctest::Approx(std::fabs(slope)).epsilon(0.05));
  }
}

TEST_CASE("a channel without which the loss is not finite is missed beyond measure") {
  const Architecture net = parse_architecture(R"({"input": [1, 1, 1], "classes": 2, "layers": [
    {"name": "a", "kind": "convolution", "channels": 3, "kernel": 1},
    {"name": "z", "kind": "linear", "channels": 2}]})",
                                              "opposite");
  NetworkShape shape{net, Parameters(net)};
  std::fill_n(shape.parameters.values("a", "weight"), 3, 1.0f);
  const float opposite[] = {3e38f, -3e38f, 1, -3e38f, 3e38f, 2};
  std::copy(std::begin(opposite), std::end(opposite), shape.parameters.values("z", "weight"));
  const std::vector<ChannelScore> scores = scores_of(shape, Criterion::loss, {{1, 1}, {0, 1}});
  REQUIRE(scores.size() == 3);
  for (const std::size_t c : {0, 1}) CHECK(scores[c].score == INFINITY);
  CHECK(std::isfinite(scores[2].score));
  CHECK_FALSE(std::isnan(scores[0].error));
}
