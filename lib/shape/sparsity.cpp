#include "shape/sparsity.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/json.h"
#include "shape/channel_removal.h"

namespace espalier {

namespace {

/// For each row (or column) of kernels of a weight: whether all its weights are zero.
std::vector<bool> zero_slices(const Parameter& weight, double threshold, bool by_output) {
  const std::size_t outs = weight.info.shape[0], ins = weight.info.shape[1];
  const std::size_t size = weight.values.size() / (outs * ins);
  std::vector<bool> zero(by_output ? outs : ins, true);
  const float* w = weight.values.data();
  for (std::size_t o = 0; o < outs; ++o)
    for (std::size_t i = 0; i < ins; ++i, w += size)
      for (std::size_t k = 0; k < size; ++k)
        if (!(std::fabs(w[k]) <= threshold)) zero[by_output ? o : i] = false;
  return zero;
}

LayerSparsity count_zeros(const std::string& name, const Parameter& weight, double threshold) {
  const std::vector<std::size_t>& shape = weight.info.shape;
  const std::size_t outs = shape[0], ins = shape[1], size = shape[2] * shape[3];
  LayerSparsity found{name, {0, outs * ins * size}, {0, outs * ins}, {0, ins}, {0, outs}};
  const float* w = weight.values.data();
  for (std::size_t kernel = 0; kernel < outs * ins; ++kernel, w += size) {
    const auto zeros = std::size_t(std::count_if(w, w + size, [&](float x) { return std::fabs(x) <= threshold; }));
    found.weights.zero += zeros;
    found.kernels.zero += zeros == size;
  }
  for (const bool zero : zero_slices(weight, threshold, false)) found.input_groups.zero += zero;
  for (const bool zero : zero_slices(weight, threshold, true)) found.output_groups.zero += zero;
  return found;
}

/// Channels that nobody reads or nobody makes: all their slices in all readers, or in all producers, are zero. A
/// shortcut that takes a channel reads it. One channel of each space stays.
ChannelMarks find_idle(const Architecture& architecture, const Parameters& parameters, const ChannelLayout& layout,
                       double threshold) {
  ChannelMarks idle;
  for (const ChannelSpace& space : layout.spaces) {
    std::vector<bool> unread(std::size_t(space.channels), true), unmade = unread;
    for (const Parameter& p : parameters) {
      if (p.info.shape.size() < 2) continue;
      const auto is = [&](const std::vector<int>& layers) {
        return std::find(layers.begin(), layers.end(), p.info.layer) != layers.end();
      };
      if (is(space.readers)) {
        const std::vector<bool> zero = zero_slices(p, threshold, false);
        for (std::size_t f = 0; f < zero.size(); ++f)
          if (!zero[f]) unread[f * unread.size() / zero.size()] = false;
      }
      if (is(space.producers)) {
        const std::vector<bool> zero = zero_slices(p, threshold, true);
        for (std::size_t f = 0; f < zero.size(); ++f)
          if (!zero[f]) unmade[f * unmade.size() / zero.size()] = false;
      }
    }
    for (std::size_t l = 0; l < architecture.layers.size(); ++l) {
      const Layer& layer = architecture.layers[l];
      if (layer.kind != LayerKind::shortcut) continue;
      const int from = input_index(architecture, l, 0);
      const bool gives = layout.space_of[l] >= 0 && &layout.spaces[std::size_t(layout.space_of[l])] == &space;
      const bool takes = from >= 0 && layout.space_of[std::size_t(from)] >= 0 &&
                         &layout.spaces[std::size_t(layout.space_of[std::size_t(from)])] == &space;
      for (std::size_t c = 0; c < layer.map.size(); ++c) {
        if (layer.map[c] < 0) continue;
        if (gives) unmade[c / std::size_t(layout.features[l])] = false;
        if (takes) unread[std::size_t(layer.map[c] / layout.features[std::size_t(from)])] = false;
      }
    }
    std::vector<bool>& marks = idle.emplace_back(std::size_t(space.channels));
    for (std::size_t c = 0; c < marks.size(); ++c) marks[c] = unread[c] || unmade[c];
    if (std::find(marks.begin(), marks.end(), false) == marks.end()) marks[0] = false;
  }
  return idle;
}

const std::vector<std::pair<const char*, ZeroCount LayerSparsity::*>> kCounts = {
    {"weights", &LayerSparsity::weights},
    {"kernels", &LayerSparsity::kernels},
    {"input_groups", &LayerSparsity::input_groups},
    {"output_groups", &LayerSparsity::output_groups}};

void add_counts(Json& object, const LayerSparsity& layer) {
  for (const auto& [name, count] : kCounts) {
    object.set(name, (layer.*count).all);
    object.set(std::string("zero_") + name, (layer.*count).zero);
  }
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
  const ChannelLayout layout = find_channels(architecture);
  const NetworkCost left = cost_without(architecture, layout, find_idle(architecture, parameters, layout, threshold));
  report.removable_parameters = 1 - double(left.parameters) / double(count_parameters(architecture));
  report.removable_macs = 1 - double(left.macs) / double(count_macs(architecture));
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
  Json all, layers;
  add_counts(all, report.all);
  for (const LayerSparsity& layer : report.layers) {
    Json entry = Json::object({{"layer", layer.name}});
    add_counts(entry, layer);
    layers.append(std::move(entry));
  }
  Json object = Json::object({{"threshold", report.threshold},
                              {"all", all},
                              {"removable_parameters", report.removable_parameters},
                              {"removable_macs", report.removable_macs}});
  if (!layers.is_null()) object.set("layers", std::move(layers));
  return object.dump(2) + "\n";
}

}  // namespace espalier
