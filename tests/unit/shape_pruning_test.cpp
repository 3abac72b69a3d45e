#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "base/error.h"
#include "shape/pruning.h"
#include "shape_networks.h"

using namespace espalier;
using namespace shape_networks;

namespace {

struct Setting {
  Architecture architecture;
  ChannelLayout layout;
  std::vector<bool> chosen;
  std::vector<ChannelScore> scores;  ///< drawn

  explicit Setting(Architecture net, PruneScope scope = PruneScope::inner)
      : architecture(std::move(net)), layout(find_channels(architecture)) {
    chosen = choose_spaces(architecture, layout, scope, {});
    const Random random(3, 3);
    for (std::size_t s = 0; s < chosen.size(); ++s)
      for (std::size_t c = 0; chosen[s] && layout.spaces[s].channels > 1 && c < std::size_t(layout.spaces[s].channels);
           ++c)
        scores.push_back({s, c, random.normal(scores.size()), 0});
  }
  Selection select(
      const SelectionLimits& limits,
      const std::function<double(const ChannelMarks&)>& loss = [](const auto&) { return 1.0; }) const {
    return select_channels(architecture, layout, chosen, scores, limits, loss);
  }
};

Setting resnet() { return Setting(stock_architecture("resnet20", {3, 16, 16}, 10, 0.5)); }

std::size_t marked(const ChannelMarks& marks) {
  std::size_t count = 0;
  for (const std::vector<bool>& of_space : marks)
    count += std::size_t(std::count(of_space.begin(), of_space.end(), true));
  return count;
}

double loss_by_count(const ChannelMarks& marks) { return 0.01 * double(marked(marks)); }

}  // namespace

TEST_CASE("the least missed channels go, as many as the step allows") {
  const Setting setting = resnet();
  for (const std::size_t step : {1, 7, 40}) {
    SelectionLimits limits;
    limits.channels = step;
    const Selection selection = setting.select(limits);
    CHECK(selection.channels == step);
    CHECK(marked(selection.removed) == step);
    double worst_gone = -INFINITY, best_left = INFINITY;
    for (const ChannelScore& score : setting.scores) {
      const std::vector<bool>& marks = selection.removed[score.space];
      if (!marks.empty() && marks[score.channel])
        worst_gone = std::max(worst_gone, score.score);
      else
        best_left = std::min(best_left, score.score);
    }
    CHECK(worst_gone < best_left);
  }
  CHECK(setting.select({}).channels == 0);
}

TEST_CASE("every space keeps its least width, and widths that change become multiples") {
  const Setting setting = resnet();
  for (const int least : {1, 3, 100})
    for (const int multiple : {1, 4, 5}) {
      SelectionLimits limits;
      limits.channels = 1000;
      limits.min_channels = least;
      limits.round_to = multiple;
      const Selection selection = setting.select(limits);
      for (std::size_t s = 0; s < setting.layout.spaces.size(); ++s) {
        const int width = setting.layout.spaces[s].channels;
        const auto gone = int(std::count(selection.removed[s].begin(), selection.removed[s].end(), true));
        if (gone == 0) continue;
        CHECK((width - gone) % multiple == 0);
        CHECK(width - gone >= least);
        CHECK(width - gone < least + multiple);
      }
      CHECK((selection.channels > 0) == (least < 100));
    }
}

TEST_CASE("a target ends the run at the first channel that reaches it") {
  const Setting setting = resnet();
  const NetworkCost whole =
      cost_without(setting.architecture, setting.layout, ChannelMarks(setting.layout.spaces.size()));
  SelectionLimits limits;
  limits.channels = 1000;
  limits.target_parameters = whole.parameters * 7 / 10;
  const Selection selection = setting.select(limits);
  CHECK(cost_without(setting.architecture, setting.layout, selection.removed).parameters <= limits.target_parameters);
  SelectionLimits shorter;
  shorter.channels = selection.channels - 1;
  CHECK(cost_without(setting.architecture, setting.layout, setting.select(shorter).removed).parameters >
        limits.target_parameters);
  limits = {};
  limits.channels = 1000;
  limits.target_macs = whole.macs / 2;
  CHECK(cost_without(setting.architecture, setting.layout, setting.select(limits).removed).macs <= whole.macs / 2);
  limits = {};
  limits.channels = 1000;
  limits.target_channels = count_channels(setting.layout, setting.chosen) - 9;
  CHECK(setting.select(limits).channels == 9);
}

TEST_CASE("spaces of a single channel have no score, and count towards a target of channels") {
  Architecture net = stock_architecture("resnet20", {3, 16, 16}, 10, 0.5);
  for (Layer& layer : net.layers)
    if (layer.name == "layer1.0.conv1" || layer.name == "layer1.1.conv1") layer.channels = 1;
  const Setting setting(net);
  SelectionLimits limits;
  limits.channels = 1000;
  limits.target_channels = count_channels(setting.layout, setting.chosen) - 5;
  CHECK(setting.select(limits).channels == 5);
}

TEST_CASE("the loss without the channels is measured jointly and stays under its limit") {
  const Setting setting = resnet();
  SelectionLimits limits;
  limits.channels = 1000;
  limits.largest_loss = 0.125;
  const Selection selection = setting.select(limits, loss_by_count);
  CHECK(selection.channels == 12);
  CHECK(selection.loss == doctest::Approx(0.12));
  limits.largest_loss = 0;
  CHECK(setting.select(limits, loss_by_count).channels == 0);
  limits.largest_loss = 1;
  CHECK(setting.select(limits, [](const auto&) { return std::nan(""); }).channels == 0);
}

TEST_CASE("channels of equal score go as they stand; those missed beyond measure go last") {
  Setting setting = resnet();
  for (ChannelScore& score : setting.scores) score.score = 0;
  setting.scores[0].score = setting.scores[1].score = std::numeric_limits<double>::infinity();
  SelectionLimits limits;
  limits.channels = 3;
  const Selection selection = setting.select(limits);
  const std::vector<bool>& first = selection.removed[setting.scores[0].space];
  REQUIRE(first.size() == 8);
  CHECK(first == std::vector<bool>{false, false, true, true, true, false, false, false});
}

TEST_CASE("scopes and excluded layers") {
  const Architecture net = stock_architecture("resnet20", {3, 16, 16}, 10, 0.5);
  const ChannelLayout layout = find_channels(net);
  const auto count = [&](PruneScope scope, const std::vector<std::string>& exclude) {
    const std::vector<bool> chosen = choose_spaces(net, layout, scope, exclude);
    return std::count(chosen.begin(), chosen.end(), true);
  };
  CHECK(count(PruneScope::inner, {}) == 9);
  CHECK(count(PruneScope::all, {}) == 12);
  CHECK(count(PruneScope::inner, {"layer1.0.conv1", "linear"}) == 8);
  CHECK(count(PruneScope::all, {"layer1.0.conv2"}) == 11);
  CHECK(count(PruneScope::inner, {"layer1.0.conv2"}) == 9);
  CHECK_THROWS_AS(count(PruneScope::all, {"layer1.0.bn1"}), UsageError);
  CHECK_THROWS_AS(count(PruneScope::all, {"nobody"}), UsageError);
  std::vector<std::string> all;
  for (const Layer& layer : net.layers)
    if (layer.kind == LayerKind::convolution) all.push_back(layer.name);
  CHECK_THROWS_AS(count(PruneScope::all, all), UsageError);
}
