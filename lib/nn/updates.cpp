#include "nn/updates.h"

#include <cmath>

#include "base/parallel.h"

namespace espalier {

namespace {

constexpr std::size_t kChunk = 1 << 15;
constexpr double kEpsilon = 1e-8;

bool decays(const ParameterInfo& info, const UpdateOptions& options) {
  return options.decay_all || info.shape.size() > 1;
}

}  // namespace

UpdateState initial_update_state(const Parameters& parameters, UpdateRule rule) {
  UpdateState state;
  for (const Parameter& p : parameters) {
    const std::size_t size = p.info.trained ? p.values.size() : 0;
    state.first.emplace_back(size, 0.0f);
    state.second.emplace_back(rule == UpdateRule::adamw ? size : 0, 0.0f);
  }
  return state;
}

void update_parameters(Parameters& parameters, const Parameters& gradients, UpdateState& state,
                       const UpdateOptions& options, double rate) {
  ++state.updates;
  const auto lr = float(rate), momentum = float(options.momentum), beta2 = float(options.second_momentum);
  const auto first_scale = float(1 / (1 - std::pow(options.momentum, double(state.updates))));
  const auto second_scale = float(1 / (1 - std::pow(options.second_momentum, double(state.updates))));
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    if (!parameters[p].info.trained) continue;
    float* const w = parameters[p].values.data();
    const float* const gradient = gradients[p].values.data();
    float *const v = state.first[p].data(), *const s = state.second[p].data();
    const auto decay = float(decays(parameters[p].info, options) ? options.weight_decay : 0);
    parallel_ranges(parameters[p].values.size(), kChunk, [&](std::size_t begin, std::size_t end, int) {
      if (options.rule == UpdateRule::sgd)
        for (std::size_t i = begin; i < end; ++i) {
          const float g = gradient[i] + decay * w[i];
          v[i] = momentum * v[i] + g;
          w[i] -= lr * (options.nesterov ? g + momentum * v[i] : v[i]);
        }
      else
        for (std::size_t i = begin; i < end; ++i) {
          v[i] = momentum * v[i] + (1 - momentum) * gradient[i];
          s[i] = beta2 * s[i] + (1 - beta2) * gradient[i] * gradient[i];
          w[i] -= lr * (decay * w[i] + v[i] * first_scale / (std::sqrt(s[i] * second_scale) + float(kEpsilon)));
        }
    });
  }
}

}  // namespace espalier
