#include "shape/sparsity.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace espalier {

namespace {

LayerSparsity count_zeros(const std::string& name, const Parameter& weight, double threshold) {
  const std::vector<std::size_t>& shape = weight.info.shape;
  const std::size_t outs = shape[0], ins = shape[1], size = shape[2] * shape[3];
  LayerSparsity found{name, {0, outs * ins * size}, {0, outs * ins}, {0, ins}, {0, outs}};
  std::vector<bool> used_in(ins, false), used_out(outs, false);
  const float* w = weight.values.data();
  for (std::size_t o = 0; o < outs; ++o)
    for (std::size_t i = 0; i < ins; ++i, w += size) {
      std::size_t zeros = 0;
      for (std::size_t k = 0; k < size; ++k) zeros += std::fabs(w[k]) <= threshold;
      found.weights.zero += zeros;
      found.kernels.zero += zeros == size;
      if (zeros < size) used_in[i] = used_out[o] = true;
    }
  for (const bool used : used_in) found.input_groups.zero += !used;
  for (const bool used : used_out) found.output_groups.zero += !used;
  return found;
}

const std::vector<std::pair<const char*, ZeroCount LayerSparsity::*>> kCounts = {
    {"weights", &LayerSparsity::weights},
    {"kernels", &LayerSparsity::kernels},
    {"input_groups", &LayerSparsity::input_groups},
    {"output_groups", &LayerSparsity::output_groups}};

nlohmann::ordered_json counts_of(const LayerSparsity& layer) {
  nlohmann::ordered_json object;
  for (const auto& [name, count] : kCounts) {
    object[name] = (layer.*count).all;
    object[std::string("zero_") + name] = (layer.*count).zero;
  }
  return object;
}

}  // namespace

SparsityReport measure_sparsity(const Architecture& architecture, const Parameters& parameters, double threshold) {
  SparsityReport report;
  report.threshold = threshold;
  report.all.name = "all";
  for (const Parameter& p : parameters) {
    if (p.info.shape.size() != 4) continue;
    report.layers.push_back(count_zeros(architecture.layers[std::size_t(p.info.layer)].name, p, threshold));
    for (const auto& [name, count] : kCounts) report.all.*count += report.layers.back().*count;
  }
  return report;
}

std::string to_table(const SparsityReport& report) {
  std::string table = "layer";
  for (const auto& [name, count] : kCounts) table += fmt::format("\t{0}\tzero_{0}", name);
  table += "\tremovable_parameters\tremovable_macs\n";
  const auto row = [&](const LayerSparsity& layer) {
    table += layer.name;
    for (const auto& [name, count] : kCounts) table += fmt::format("\t{}\t{}", (layer.*count).all, (layer.*count).zero);
  };
  for (const LayerSparsity& layer : report.layers) {
    row(layer);
    table += "\t-\t-\n";
  }
  row(report.all);
  return table + fmt::format("\t{:.4f}\t{:.4f}\n", report.removable_parameters, report.removable_macs);
}

std::string to_json(const SparsityReport& report) {
  nlohmann::ordered_json object;
  object["threshold"] = report.threshold;
  object["all"] = counts_of(report.all);
  object["removable_parameters"] = report.removable_parameters;
  object["removable_macs"] = report.removable_macs;
  for (const LayerSparsity& layer : report.layers) {
    nlohmann::ordered_json entry = {{"layer", layer.name}};
    entry.update(counts_of(layer));
    object["layers"].push_back(std::move(entry));
  }
  return object.dump(2) + "\n";
}

}  // namespace espalier
