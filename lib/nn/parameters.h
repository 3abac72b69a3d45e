#pragma once
/// The tensors of a network, by name.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nn/architecture.h"
#include "tensor/buffer.h"

namespace espalier {

struct Parameter {
  ParameterInfo info;
  Buffer<float> values;
};

/// Every parameter of an architecture, in the order of list_parameters.
class Parameters {
 public:
  Parameters() = default;
  /// Norms start as the identity (weight and running variance 1, the rest 0); all else is 0.
  explicit Parameters(const Architecture&);

  std::size_t size() const { return list_.size(); }
  Parameter& operator[](std::size_t i) { return list_[i]; }
  const Parameter& operator[](std::size_t i) const { return list_[i]; }
  auto begin() { return list_.begin(); }
  auto end() { return list_.end(); }
  auto begin() const { return list_.begin(); }
  auto end() const { return list_.end(); }

  /// nullptr where there is none of this name.
  Parameter* find(std::string_view name);
  const Parameter* find(std::string_view name) const;
  /// The values of "LAYER.WHAT"; nullptr where the layer has no such parameter.
  float* values(const std::string& layer, const char* what);
  const float* values(const std::string& layer, const char* what) const;

 private:
  std::vector<Parameter> list_;
};

/// Weights of convolutions and linear layers normal with variance 2 / inputs (He et al. 2015, arXiv 1502.01852), biases
/// 0, norms the identity. Parameter p is drawn from (seed, p).
Parameters initial_parameters(const Architecture&, std::uint64_t seed);

}  // namespace espalier
