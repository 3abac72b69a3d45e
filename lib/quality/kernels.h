#pragma once
/// Inner loops of quality/distances, compiled once per instruction set. Sums are in double precision.

#include <cstddef>
#include <cstdint>

#include "base/isa.h"

namespace espalier {

/// Samples that one sparse product serves at once: a panel is dimension x kPanel doubles, sample after sample.
inline constexpr std::size_t kPanel = 8;

struct DistanceKernels {
  /// out[j] += (column[j] - x)^2 for j < n.
  void (*add_squared_differences)(std::size_t n, const double* column, double x, double* out);
  /// out[c] = row[c] - origin[c] for c < d.
  void (*move_row)(std::size_t d, const float* row, const double* origin, double* out);
  /// products[s] = sum over p < nonzeros of values[p] * panel[columns[p]][s], for the kPanel samples s.
  void (*sparse_products)(std::size_t nonzeros, const std::int32_t* columns, const float* values, const double* panel,
                          double* products);
};

ESPALIER_KERNELS(DistanceKernels, distance_kernel_table, distance_kernels)

}  // namespace espalier
