#include "base/simd.h"
#include "shape/threshold_kernels.h"

namespace espalier::ESPALIER_KERNEL {

namespace {

void reaching(const float* magnitudes, std::size_t kernels, std::size_t size, const double* __restrict thresholds,
              double* __restrict sums, double* __restrict counts) {
  for (std::size_t j = 0; j < kernels; ++j) sums[j] = counts[j] = 0;
  for (std::size_t i = 0; i < size; ++i, magnitudes += kernels)
    for (std::size_t j = 0; j < kernels; ++j) {
      const double magnitude = magnitudes[j];
      const bool reaches = magnitude >= thresholds[j];
      sums[j] += reaches ? magnitude : 0.0;
      counts[j] += reaches ? 1.0 : 0.0;
    }
}

void keep(const double* sums, const double* counts, const double* thresholds, std::size_t kernels,
          double* __restrict kept) {
  for (std::size_t j = 0; j < kernels; ++j) {
    const double difference = sums[j] - counts[j] * thresholds[j];
    kept[j] = difference < 0 ? 0.0 : difference;
  }
}

void invert_roots(const double* x, std::size_t n, double smoothing, double* __restrict inverses) {
  for (std::size_t j = 0; j < n; ++j) inverses[j] = 1 / __builtin_sqrt(x[j] + smoothing);
}

void soften(float* weights, std::size_t kernels, std::size_t size, const double* thresholds) {
  for (std::size_t j = 0; j < kernels; ++j, weights += size) {
    const auto threshold = float(thresholds[j]);
    for (std::size_t i = 0; i < size; ++i) {
      const float magnitude = __builtin_fabsf(weights[i]);
      const float left = magnitude <= threshold ? 0.0f : magnitude - threshold;  // in this order NaN stays NaN
      weights[i] = __builtin_copysignf(left, weights[i]) + 0.0f;                 // adding 0 makes a zero of -0
    }
  }
}

}  // namespace

extern const ThresholdKernels threshold_kernel_table;
const ThresholdKernels threshold_kernel_table = {reaching, keep, invert_roots, soften};

}  // namespace espalier::ESPALIER_KERNEL
