#pragma once
/// Hot loop of the optimiser: one step of gradient descent with momentum and a gain for every coordinate.

#include <cstddef>

#include "base/isa.h"

namespace espalier {

/// G = exaggeration * attraction + repulsion_share * grad phi. A gain grows by `rise` where G and the velocity point
/// apart, shrinks to `decay` of itself where they agree in sign (the last step went too far), and stays >=
/// `least_gain`; then velocity = momentum * velocity - rate * gain * G, cut to `longest_step` per sample, and u +=
/// velocity.
struct Descent {
  float exaggeration, repulsion_share, rate, momentum, rise, decay, least_gain, longest_step;
};

struct DescentKernels {
  /// All arrays are count x dims and begin at the same sample; `next` receives the new layout.
  void (*step)(const Descent&, std::size_t count, int dims, const float* attraction, const float* grad_phi,
               const float* layout, float* velocity, float* gains, float* next);
};

ESPALIER_KERNELS(DescentKernels, descent_table, descent_kernels)

}  // namespace espalier
