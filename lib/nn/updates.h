#pragma once
/// What a gradient does to the parameters: stochastic gradient descent with momentum, and AdamW.

#include <cstdint>
#include <vector>

#include "nn/parameters.h"

namespace espalier {

enum class UpdateRule { sgd, adamw };

struct UpdateOptions {
  UpdateRule rule = UpdateRule::sgd;
  double momentum = 0.9;           ///< of sgd; beta 1 of adamw
  bool nesterov = false;           ///< sgd looks ahead along the momentum
  double weight_decay = 5e-4;      ///< sgd: times the weight, added to the gradient; adamw: apart from it
  bool decay_all = true;           ///< norms and biases decay too
  double second_momentum = 0.999;  ///< beta 2 of adamw
};

/// What the rule remembers: one tensor for each parameter that is learned (two for adamw), and how often it was
/// applied.
struct UpdateState {
  std::vector<Buffer<float>> first, second;
  std::int64_t updates = 0;
};

UpdateState initial_update_state(const Parameters&, UpdateRule);

/// sgd: v <- momentum v + g + decay w, w <- w - rate v (or rate (g + decay w + momentum v) with nesterov), as
/// PyTorch's. adamw: Loshchilov and Hutter 2019, arXiv 1711.05101, epsilon 1e-8. The same bytes for any number of
/// threads.
void update_parameters(Parameters&, const Parameters& gradients, UpdateState&, const UpdateOptions&, double rate);

}  // namespace espalier
