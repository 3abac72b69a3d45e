#pragma once
/// Hot loops over all pairs of a layout: sums of the q-Gaussian w(d^2) = (1 + a d^2)^(-1/a) and of its gradient.

#include <cstddef>

#include "base/isa.h"

namespace espalier {

/// Rows that one call serves, a multiple of every vector width. Coordinates are padded to a multiple of it.
inline constexpr std::size_t kPairRows = 64;

/// Points row ... row + kPairRows - 1 against points begin ... end - 1.
struct PairBlock {
  const float* coordinates[3];  ///< one array per dimension
  int dims;                     ///< 1, 2 or 3
  double a;                     ///< >= 0
  std::size_t row, begin, end;
};

struct PairKernels {
  /// weights[r] += sum_j w(|u_r - u_j|^2).
  void (*weights)(const PairBlock&, double* weights);
  /// The same, and gradient[c * kPairRows + r] += sum_j -2 w / (1 + a d^2) (u_r - u_j)_c.
  void (*gradients)(const PairBlock&, double* weights, double* gradient);
};

ESPALIER_KERNELS(PairKernels, pair_kernel_table, pair_kernels)

}  // namespace espalier
