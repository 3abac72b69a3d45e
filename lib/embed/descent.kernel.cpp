#include "embed/descent.h"

#include "base/simd.h"

namespace espalier::ESPALIER_KERNEL {

namespace {

/// Shortens the step of one sample to the longest allowed.
ESPALIER_INLINE void clip(float* step, int dims, float longest) {
  float square = 0;
  for (int c = 0; c < dims; ++c) square += step[c] * step[c];
  if (!(square > longest * longest)) return;
  const float shrink = longest / __builtin_sqrtf(square);
  for (int c = 0; c < dims; ++c) step[c] *= shrink;
}

void step(const Descent& d, std::size_t count, int dims, const float* attraction, const float* grad_phi,
          const float* layout, float* velocity, float* gains, float* next) {
  const std::size_t n = count * std::size_t(dims);
  for (std::size_t t = 0; t < n; ++t) {
    const float g = d.exaggeration * attraction[t] + d.repulsion_share * grad_phi[t];
    const float gain = (g > 0) == (velocity[t] > 0) ? gains[t] * d.decay : gains[t] + d.rise;
    gains[t] = gain < d.least_gain ? d.least_gain : gain;
    velocity[t] = d.momentum * velocity[t] - d.rate * gains[t] * g;
  }
  for (std::size_t i = 0; i < count; ++i) clip(velocity + i * dims, dims, d.longest_step);
  for (std::size_t t = 0; t < n; ++t) next[t] = layout[t] + velocity[t];
}

}  // namespace

extern const DescentKernels descent_table;
const DescentKernels descent_table = {step};

}  // namespace espalier::ESPALIER_KERNEL
