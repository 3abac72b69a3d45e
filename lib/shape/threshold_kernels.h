#pragma once
/// Inner loops of shape/kernel_groups, compiled once per instruction set. Sums are in double precision.

#include <cstddef>

#include "base/isa.h"

namespace espalier {

struct ThresholdKernels {
  /// sums[j] and counts[j] of the magnitudes [size][kernel] of kernel j that are thresholds[j] or more.
  void (*reaching)(const float* magnitudes, std::size_t kernels, std::size_t size, const double* thresholds,
                   double* sums, double* counts);
  /// kept[j] = max(0, sums[j] - counts[j] * thresholds[j])
  void (*keep)(const double* sums, const double* counts, const double* thresholds, std::size_t kernels, double* kept);
  /// inverses[j] = 1 / sqrt(x[j] + smoothing)
  void (*invert_roots)(const double* x, std::size_t n, double smoothing, double* inverses);
  /// w -> sign(w) max(0, |w| - thresholds[j]) for the weights [kernel][size] of kernel j.
  void (*soften)(float* weights, std::size_t kernels, std::size_t size, const double* thresholds);
};

ESPALIER_KERNELS(ThresholdKernels, threshold_kernel_table, threshold_kernels)

}  // namespace espalier
