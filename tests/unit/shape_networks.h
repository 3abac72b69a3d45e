#pragma once
/// Networks for tests of channels: every stock architecture, narrow, and a graph with all that is rare.

#include <string>
#include <vector>

#include "base/random.h"
#include "nn/stock.h"
#include "shape/channel_scores.h"

namespace shape_networks {

using namespace espalier;

inline constexpr const char* kGraph = R"({"input": [3, 8, 8], "classes": 4, "layers": [
  {"name": "stem", "kind": "convolution", "channels": 5, "kernel": 3, "padding": 1},
  {"name": "norm", "kind": "batch-norm"},
  {"name": "inner", "kind": "convolution", "channels": 7, "kernel": 3, "padding": 1, "bias": true},
  {"name": "rectify", "kind": "relu"},
  {"name": "around", "kind": "convolution", "channels": 5, "kernel": 1},
  {"name": "sum", "kind": "add", "inputs": ["norm", "around"]},
  {"name": "self", "kind": "convolution", "channels": 5, "kernel": 3, "padding": 1},
  {"name": "sum2", "kind": "add", "inputs": ["sum", "self"]},
  {"name": "pad", "kind": "shortcut", "stride": 2, "map": [-1, 0, 1, 2, 3, 4, -1]},
  {"name": "down", "kind": "convolution", "inputs": ["sum2"], "channels": 7, "kernel": 3, "stride": 2, "padding": 1},
  {"name": "sum3", "kind": "add", "inputs": ["pad", "down"]},
  {"name": "flat", "kind": "flatten"},
  {"name": "flat_norm", "kind": "batch-norm"},
  {"name": "hidden", "kind": "linear", "channels": 6, "bias": true},
  {"name": "drop", "kind": "dropout", "rate": 0.5},
  {"name": "last", "kind": "linear", "channels": 4}]})";

struct Net {
  std::string name;
  NetworkShape shape;
};

/// Weights, norms and statistics all at random, so that nothing is hidden by a 0 or a 1.
inline NetworkShape random_network(const Architecture& architecture, std::uint64_t seed) {
  NetworkShape net{architecture, initial_parameters(architecture, seed)};
  for (std::size_t p = 0; p < net.parameters.size(); ++p) {
    Parameter& parameter = net.parameters[p];
    if (parameter.info.shape.size() > 1) continue;
    const Random random(seed, 900 + p);
    const bool variance = parameter.info.name.ends_with("running_var");
    const bool scale = parameter.info.name.ends_with(".weight");
    for (std::size_t i = 0; i < parameter.values.size(); ++i)
      parameter.values[i] = float(variance || scale ? 0.5 + random.uniform(i) : 0.3 * random.normal(i));
  }
  return net;
}

inline ScoringSamples samples_for(const Architecture& architecture, std::size_t count) {
  ScoringSamples samples;
  const Random random(31, 1);
  samples.pixels.resize(count * architecture.input.size());
  for (std::size_t i = 0; i < samples.pixels.size(); ++i) samples.pixels[i] = float(random.normal(i));
  for (std::size_t n = 0; n < count; ++n) samples.labels.push_back(int(n) % architecture.classes);
  return samples;
}

inline std::vector<Net> networks() {
  std::vector<Net> nets;
  for (const std::string& name : stock_names()) {
    if (name == "resnet110" || name == "resnet110-b" || name == "resnet44" || name == "resnet44-b") continue;
    const bool gray = name == "cnn-mini";
    nets.push_back({name, random_network(stock_architecture(name, {gray ? 1 : 3, 32, 32}, 10, 0.15), 5)});
  }
  nets.push_back({"graph", random_network(parse_architecture(kGraph, "graph"), 6)});
  return nets;
}

}  // namespace shape_networks
