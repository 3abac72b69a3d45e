#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "nn/stock.h"
#include "shape/prune_report.h"

using namespace espalier;

namespace {

PruneStage stage(int round, std::size_t channels) {
  PruneStage s;
  s.round = round;
  s.removed = round ? 7 : 0;
  s.channels = channels;
  s.parameters = 10 * channels;
  s.macs = 1000 * channels;
  s.sample_loss = 0.1 + 1.0 / 3.0 * round;
  s.test_loss = 1.0 / 7.0;
  s.test_accuracy = 0.9;
  s.milliseconds = 1.25;
  s.time_left = 1 - 0.25 * round;
  s.widths = {16, int(channels), 10};
  return s;
}

PruneReport report() {
  PruneReport made;
  made.layers = {"conv1", "a \"name\"\n\xc3\xa9", "linear"};
  made.stages = {stage(0, 32), stage(1, 25)};
  return made;
}

std::vector<LayerCost> costs(int channels) { return {{"conv1", channels, 27, 100, 0.5}, {"linear", 10, 30, 20, 0.25}}; }

}  // namespace

TEST_CASE("rounds come back from JSON as they were, to the last bit") {
  PruneReport made = report();
  made.stages[1].test_loss = made.stages[1].test_accuracy = std::numeric_limits<double>::quiet_NaN();
  const PruneReport read = rounds_from_json(rounds_to_json(made), "x.ckpt");
  CHECK(read.layers == made.layers);
  REQUIRE(read.stages.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    const PruneStage &is = read.stages[i], &was = made.stages[i];
    CHECK(is.round == was.round);
    CHECK(is.removed == was.removed);
    CHECK(is.channels == was.channels);
    CHECK(is.parameters == was.parameters);
    CHECK(is.macs == was.macs);
    CHECK(is.sample_loss == was.sample_loss);
    CHECK(is.milliseconds == was.milliseconds);
    CHECK(is.time_left == was.time_left);
    CHECK(is.widths == was.widths);
  }
  CHECK(read.stages[0].test_loss == made.stages[0].test_loss);
  CHECK(std::isnan(read.stages[1].test_loss));
  CHECK(std::isnan(read.stages[1].test_accuracy));
  CHECK(rounds_to_json(read) == rounds_to_json(made));
}

TEST_CASE("a text that is no report of rounds is refused, wherever it is cut and whatever it holds") {
  const std::string whole = rounds_to_json(report());
  for (std::size_t length = 0; length < whole.size(); ++length)
    CHECK_THROWS_AS(rounds_from_json(whole.substr(0, length), "x.ckpt"), DataError);
  using Json = nlohmann::json;
  const Json good = Json::parse(whole);
  for (const Json& wrong :
       {Json("word"), Json(-1), Json(0.5), Json(1e300), Json(nullptr), Json::array(), Json::object(), Json(true)}) {
    for (const char* field : {"round", "removed", "channels", "parameters", "macs", "widths"}) {
      if (std::string(field) == "widths" && wrong.is_array()) continue;
      CAPTURE(std::string(field));
      CAPTURE(wrong.dump());
      Json hostile = good;
      hostile["rounds"][1][field] = wrong;
      CHECK_THROWS_AS(rounds_from_json(hostile.dump(), "x.ckpt"), DataError);
      hostile["rounds"][1].erase(field);
      CHECK_THROWS_AS(rounds_from_json(hostile.dump(), "x.ckpt"), DataError);
    }
    for (const char* field : {"layers", "rounds"}) {
      if (std::string(field) == "layers" && wrong.is_array()) continue;
      CAPTURE(std::string(field));
      CAPTURE(wrong.dump());
      Json hostile = good;
      hostile[field] = wrong;
      CHECK_THROWS_AS(rounds_from_json(hostile.dump(), "x.ckpt"), DataError);
    }
  }
  for (const char* text : {"null", "[]", "{}", "17", "{\"layers\": [], \"rounds\": []}"})
    CHECK_THROWS_WITH_AS(rounds_from_json(text, "x.ckpt"), doctest::Contains("x.ckpt"), DataError);
  CHECK_THROWS_AS(rounds_from_json(std::string(100000, '['), "x.ckpt"), DataError);
}

TEST_CASE("the report as JSON has rounds and layers, null for what is not known") {
  PruneReport made = report();
  made.stages[0].test_accuracy = std::numeric_limits<double>::quiet_NaN();
  const auto json = nlohmann::json::parse(to_json(made, costs(16), costs(9)));
  REQUIRE(json.at("rounds").size() == 2);
  CHECK(json["rounds"][1]["parameters"] == 250);
  CHECK(json["rounds"][0]["test_accuracy"].is_null());
  REQUIRE(json.at("layers").size() == 2);
  CHECK(json["layers"][0]["layer"] == "conv1");
  CHECK(json["layers"][0]["before"]["channels"] == 16);
  CHECK(json["layers"][0]["after"]["channels"] == 9);
}

TEST_CASE("the report as a table has a column for each name in its header") {
  PruneReport made = report();
  made.stages[1].test_loss = std::numeric_limits<double>::quiet_NaN();
  const auto count = [](const std::string& text, char c) { return std::count(text.begin(), text.end(), c); };
  const std::string rounds = to_table(made), layers = to_table(costs(16), costs(9));
  CHECK(count(rounds, '\n') == 3);
  CHECK(count(rounds, '\t') == 3 * 11);
  CHECK(rounds.find("\t0.7812\t") != std::string::npos);  // 250 of 320 parameters
  CHECK(rounds.find("\t-\t0.9000\t") != std::string::npos);
  CHECK(count(layers, '\n') == 3);
  CHECK(count(layers, '\t') == 3 * 8);
  CHECK(layers.find("conv1\t16\t9\t27\t27\t") != std::string::npos);
}

TEST_CASE("widths are those of the layers that are named, in order") {
  const Architecture net = stock_architecture("resnet20-b", {3, 16, 16}, 10, 0.5);
  const std::vector<std::string> names = prunable_layers(net);
  const std::vector<int> widths = widths_of(net);
  REQUIRE(names.size() == widths.size());
  CHECK(names.size() == 22);
  CHECK(names.front() == "conv1");
  CHECK(widths.front() == 8);
  CHECK(names.back() == "linear");
  CHECK(widths.back() == 10);
}
