#include "shape/prune_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace espalier {

namespace {

using Json = nlohmann::ordered_json;

bool is_prunable(const Layer& layer) { return layer.kind == LayerKind::convolution || layer.kind == LayerKind::linear; }

Json number(double x) { return std::isnan(x) ? Json(nullptr) : Json(x); }
double number(const Json& x) { return x.is_null() ? std::numeric_limits<double>::quiet_NaN() : x.get<double>(); }
std::string cell(double x, const char* format) { return std::isnan(x) ? "-" : fmt::format(fmt::runtime(format), x); }

DataError damaged(const std::string& source) {
  return DataError(source, "/prune", "is no report of rounds: a damaged checkpoint; --restart ignores it");
}

Json stage_to_json(const PruneStage& stage) {
  return {{"round", stage.round},
          {"removed", stage.removed},
          {"channels", stage.channels},
          {"parameters", stage.parameters},
          {"macs", stage.macs},
          {"sample_loss", number(stage.sample_loss)},
          {"test_loss", number(stage.test_loss)},
          {"test_accuracy", number(stage.test_accuracy)},
          {"ms_per_image", stage.milliseconds},
          {"time_left", stage.time_left},
          {"widths", stage.widths}};
}

PruneStage stage_from_json(const Json& json, const std::string& source) {
  const auto count = [&](const char* name) -> std::size_t {
    const Json& x = json.at(name);
    if (!x.is_number_unsigned()) throw damaged(source);
    return x;
  };
  PruneStage stage;
  stage.round = int(std::min<std::size_t>(count("round"), std::numeric_limits<int>::max()));
  stage.removed = count("removed");
  stage.channels = count("channels");
  stage.parameters = count("parameters");
  stage.macs = count("macs");
  stage.sample_loss = number(json.at("sample_loss"));
  stage.test_loss = number(json.at("test_loss"));
  stage.test_accuracy = number(json.at("test_accuracy"));
  stage.milliseconds = json.at("ms_per_image");
  stage.time_left = json.at("time_left");
  stage.widths = json.at("widths").get<std::vector<int>>();
  return stage;
}

Json rounds_of(const PruneReport& report) {
  Json json = {{"layers", report.layers}};
  for (const PruneStage& stage : report.stages) json["rounds"].push_back(stage_to_json(stage));
  return json;
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
  Json json = rounds_of(report);
  const auto cost = [](const LayerCost& layer) -> Json {
    return {{"channels", layer.channels},
            {"parameters", layer.parameters},
            {"macs", layer.macs},
            {"ms_per_image", layer.milliseconds}};
  };
  json["layers"] = Json::array();
  for (std::size_t l = 0; l < before.size(); ++l)
    json["layers"].push_back({{"layer", before[l].name}, {"before", cost(before[l])}, {"after", cost(after[l])}});
  return json.dump(2) + "\n";
}

std::string rounds_to_json(const PruneReport& report) { return rounds_of(report).dump(); }

PruneReport rounds_from_json(const std::string& text, const std::string& source) {
  try {
    const Json json = Json::parse(text);
    PruneReport report;
    report.layers = json.at("layers").get<std::vector<std::string>>();
    for (const Json& stage : json.at("rounds")) report.stages.push_back(stage_from_json(stage, source));
    if (report.stages.empty()) throw damaged(source);
    return report;
  } catch (const Json::exception&) {
    throw damaged(source);
  }
}

}  // namespace espalier
