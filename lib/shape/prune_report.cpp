#include "shape/prune_report.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/json.h"

namespace espalier {

namespace {

bool is_prunable(const Layer& layer) { return layer.kind == LayerKind::convolution || layer.kind == LayerKind::linear; }

std::string cell(double x, const char* format) { return std::isnan(x) ? "-" : fmt::format(fmt::runtime(format), x); }

DataError damaged(const std::string& source) {
  return DataError(source, "/prune", "is no report of rounds: a damaged checkpoint; --restart ignores it");
}

Json stage_to_json(const PruneStage& stage) {
  return Json::object({{"round", stage.round},
                       {"removed", stage.removed},
                       {"channels", stage.channels},
                       {"parameters", stage.parameters},
                       {"macs", stage.macs},
                       {"sample_loss", Json::finite(stage.sample_loss)},
                       {"test_loss", Json::finite(stage.test_loss)},
                       {"test_accuracy", Json::finite(stage.test_accuracy)},
                       {"ms_per_image", stage.milliseconds},
                       {"time_left", stage.time_left},
                       {"widths", stage.widths}});
}

PruneStage stage_from_json(const Json& json) {
  PruneStage stage;
  stage.round = int(std::min<std::size_t>(json.at("round").count(), std::numeric_limits<int>::max()));
  stage.removed = json.at("removed").count();
  stage.channels = json.at("channels").count();
  stage.parameters = json.at("parameters").count();
  stage.macs = json.at("macs").count();
  stage.sample_loss = json.at("sample_loss").number_or_nan();
  stage.test_loss = json.at("test_loss").number_or_nan();
  stage.test_accuracy = json.at("test_accuracy").number_or_nan();
  stage.milliseconds = json.at("ms_per_image").number();
  stage.time_left = json.at("time_left").number();
  for (const Json& width : json.at("widths").list()) stage.widths.push_back(int(width.integer()));
  return stage;
}

Json rounds_of(const PruneReport& report) {
  Json rounds;
  for (const PruneStage& stage : report.stages) rounds.append(stage_to_json(stage));
  return Json::object({{"layers", report.layers}, {"rounds", rounds}});
}

}  // namespace

std::vector<std::string> prunable_layers(const Architecture& architecture) {
  std::vector<std::string> names;
  for (const Layer& layer : architecture.layers)
    if (is_prunable(layer)) names.push_back(layer.name);
  return names;
}

std::vector<int> widths_of(const Architecture& architecture) {
  std::vector<int> widths;
  for (const Layer& layer : architecture.layers)
    if (is_prunable(layer)) widths.push_back(layer.channels);
  return widths;
}

std::string to_table(const PruneReport& report) {
  std::string table =
      "round\tremoved\tchannels\tparameters\tparameters_left\tmacs\tmacs_left\tsample_loss\ttest_loss\ttest_accuracy\t"
      "ms_per_image\ttime_left\n";
  const PruneStage& first = report.stages.front();
  for (const PruneStage& s : report.stages)
    table += fmt::format("{}\t{}\t{}\t{}\t{:.4f}\t{}\t{:.4f}\t{:.4f}\t{}\t{}\t{:.4f}\t{:.4f}\n", s.round, s.removed,
                         s.channels, s.parameters, double(s.parameters) / double(first.parameters), s.macs,
                         double(s.macs) / double(first.macs), s.sample_loss, cell(s.test_loss, "{:.4f}"),
                         cell(s.test_accuracy, "{:.4f}"), s.milliseconds, s.time_left);
  return table;
}

std::string to_table(const std::vector<LayerCost>& before, const std::vector<LayerCost>& after) {
  std::string table =
      "layer\tchannels\tchannels_after\tparameters\tparameters_after\tmacs\tmacs_after\tms_per_image\tms_per_image_"
      "after\n";
  for (std::size_t l = 0; l < before.size(); ++l)
    table += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{:.5f}\t{:.5f}\n", before[l].name, before[l].channels,
                         after[l].channels, before[l].parameters, after[l].parameters, before[l].macs, after[l].macs,
                         before[l].milliseconds, after[l].milliseconds);
  return table;
}

std::string to_json(const PruneReport& report, const std::vector<LayerCost>& before,
                    const std::vector<LayerCost>& after) {
  const auto cost = [](const LayerCost& layer) {
    return Json::object({{"channels", layer.channels},
                         {"parameters", layer.parameters},
                         {"macs", layer.macs},
                         {"ms_per_image", layer.milliseconds}});
  };
  Json layers = Json::List();
  for (std::size_t l = 0; l < before.size(); ++l)
    layers.append(Json::object({{"layer", before[l].name}, {"before", cost(before[l])}, {"after", cost(after[l])}}));
  Json json = rounds_of(report);
  json.set("layers", std::move(layers));
  return json.dump(2) + "\n";
}

std::string rounds_to_json(const PruneReport& report) { return rounds_of(report).dump(); }

PruneReport rounds_from_json(const std::string& text, const std::string& source) {
  try {
    const Json json = Json::parse(text, source);
    PruneReport report;
    report.layers = json.at("layers").texts();
    for (const Json& stage : json.at("rounds").list()) report.stages.push_back(stage_from_json(stage));
    if (!report.stages.empty()) return report;
  } catch (const DataError&) {
  }
  throw damaged(source);
}

}  // namespace espalier
