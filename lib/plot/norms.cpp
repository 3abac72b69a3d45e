#include "plot/norms.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace espalier {

namespace {

bool has_kernels(const Layer& layer) { return layer.kind == LayerKind::convolution || layer.kind == LayerKind::linear; }

const Layer& layer_named(const Architecture& architecture, const std::string& name, const std::string& source) {
  const auto& layers = architecture.layers;
  const auto found = std::find_if(layers.begin(), layers.end(), [&](const Layer& layer) { return layer.name == name; });
  if (found == layers.end()) throw DataError(source, "", "has no layer '{}'", name);
  if (!has_kernels(*found)) throw DataError(source, "", "layer '{}' is no convolution and not linear", name);
  return *found;
}

KernelNorms norms_of(const Layer& layer, const Parameters& parameters) {
  const Parameter& weights = *parameters.find(layer.name + ".weight");
  const std::vector<std::size_t>& shape = weights.info.shape;
  const std::size_t side = shape.size() > 2 ? shape[2] : 1, taps = side * side;
  KernelNorms out{layer.name, side, Matrix(shape[0], shape[1])};
  const float* w = weights.values.data();
  for (std::size_t k = 0; k < out.norms.size(); ++k, w += taps) {
    double sum = 0;
    for (std::size_t t = 0; t < taps; ++t) sum += double(w[t]) * w[t];
    out.norms.data()[k] = float(std::sqrt(sum));
  }
  return out;
}

}  // namespace

std::vector<KernelNorms> kernel_norms(const Architecture& architecture, const Parameters& parameters,
                                      const NormSelection& selection, const std::string& source) {
  std::vector<KernelNorms> out;
  for (const std::string& name : selection.layers)
    out.push_back(norms_of(layer_named(architecture, name, source), parameters));
  if (!out.empty()) return out;
  for (const Layer& layer : architecture.layers)
    if (layer.kind == LayerKind::convolution || (selection.linear && layer.kind == LayerKind::linear))
      out.push_back(norms_of(layer, parameters));
  if (out.empty()) throw DataError(source, "", "has no convolutions");
  return out;
}

ZeroCounts count_zeros(const Matrix& norms, double zero) {
  ZeroCounts counts;
  counts.kernels = norms.size();
  std::vector<std::size_t> in_column(norms.cols(), 0);
  for (std::size_t o = 0; o < norms.rows(); ++o) {
    std::size_t in_row = 0;
    for (std::size_t i = 0; i < norms.cols(); ++i) {
      const bool is_zero = double(norms(o, i)) <= zero;
      in_row += is_zero;
      in_column[i] += is_zero;
    }
    counts.zero_kernels += in_row;
    counts.zero_outputs += in_row == norms.cols();
  }
  counts.zero_inputs = std::size_t(std::count(in_column.begin(), in_column.end(), norms.rows()));
  return counts;
}

NetworkWidths widths_of(const Architecture& architecture, const std::string& name) {
  NetworkWidths out{name, {}, count_parameters(architecture), count_macs(architecture)};
  for (const Layer& layer : architecture.layers)
    if (has_kernels(layer)) out.layers.push_back({layer.name, std::size_t(layer.channels)});
  return out;
}

}  // namespace espalier
