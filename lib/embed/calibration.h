#pragma once
/// Hot loops of the affinities: squared distances to all samples, and the width of each row's Gaussian.

#include <cstddef>

#include "base/isa.h"

namespace espalier {

/// Widest vector, in floats; storage is padded to multiples of it.
inline constexpr std::size_t kCalibrationPad = 16;

struct CalibrationKernels {
  /// Rows that `calibrate` serves at once.
  std::size_t lanes;

  /// Finds beta of `lanes` rows by Newton's method on log beta, kept inside a shrinking bracket, until the entropy is
  /// within 1e-5 nats of `entropy`. offsets is k x lanes: squared distances less the row's smallest, over the row's
  /// largest, in [0, 1]. Writes p(j|i), k x lanes, each row's sum 1. A row's result does not depend on its companions.
  void (*calibrate)(const float* offsets, std::size_t k, double entropy, float* p);

  /// distances[j] = |x - y_j|^2 for j < n, n a multiple of kCalibrationPad; columns[t * n + j] is coordinate t of y_j.
  void (*squared_distances)(const float* x, const float* columns, std::size_t n, std::size_t dimension,
                            float* distances);
};

ESPALIER_KERNELS(CalibrationKernels, calibration_table, calibration_kernels)

}  // namespace espalier
