#include "nn/parameters.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace espalier {

namespace {

bool starts_at_one(const ParameterInfo& info) {
  return info.name.ends_with(".running_var") || (info.name.ends_with(".weight") && info.shape.size() == 1);
}

}  // namespace

Parameters::Parameters(const Architecture& architecture) {
  for (ParameterInfo& info : list_parameters(architecture)) {
    Buffer<float> values(info.size(), starts_at_one(info) ? 1.0f : 0.0f);
    list_.push_back({std::move(info), std::move(values)});
  }
}

const Parameter* Parameters::find(std::string_view name) const {
  const auto found = std::find_if(list_.begin(), list_.end(), [&](const Parameter& p) { return p.info.name == name; });
  return found == list_.end() ? nullptr : &*found;
}

Parameter* Parameters::find(std::string_view name) {
  return const_cast<Parameter*>(static_cast<const Parameters*>(this)->find(name));
}

const float* Parameters::values(const std::string& layer, const char* what) const {
  const Parameter* parameter = find(layer + "." + what);
  return parameter ? parameter->values.data() : nullptr;
}

float* Parameters::values(const std::string& layer, const char* what) {
  return const_cast<float*>(static_cast<const Parameters*>(this)->values(layer, what));
}

Parameters initial_parameters(const Architecture& architecture, std::uint64_t seed) {
  Parameters parameters(architecture);
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    Parameter& parameter = parameters[p];
    if (parameter.info.shape.size() < 2) continue;
    const Random random(seed, 0x4845'0000 + p);
    const double deviation = std::sqrt(2.0 * double(parameter.info.shape[0]) / double(parameter.values.size()));
    for (std::size_t i = 0; i < parameter.values.size(); ++i) parameter.values[i] = float(deviation * random.normal(i));
  }
  return parameters;
}

}  // namespace espalier
