#pragma once
/// Hot loops between points and grid: charges are spread, potentials and their derivatives read, with B-splines.

#include <cstddef>
#include <cstdint>

#include "base/isa.h"

namespace espalier {

/// Grid values [x][y][z], z contiguous; a grid of fewer dimensions has its last ones. Sites are in steps from the
/// grid's origin, dims to a point; the first node that one touches is its integer part on each axis.
struct SplineGrid {
  int dims;    ///< 1, 2 or 3
  int points;  ///< 4 or 6 nodes an axis
  float* values;
  std::size_t stride_x, stride_y;   ///< floats from node to node on the first axis, and on the middle one of three
  alignas(32) float weights[6][8];  ///< [power][node], zero beyond `points`
  alignas(32) float slopes[5][8];   ///< of the derivative
};

/// What to take off because the grid holds a point's own charge too: [place on each axis][4], value and derivatives.
struct SelfTable {
  int places;
  const float* entries;
};

struct InterpolationKernels {
  /// Adds a unit charge for each of `count` sites.
  void (*spread)(const SplineGrid&, const float* sites, std::size_t count);
  /// Writes gradient[order[i]] = scale * derivative at site i (dims floats each), and returns the sum of the values.
  double (*read)(const SplineGrid&, const SelfTable&, const float* sites, const std::int32_t* order, std::size_t count,
                 float scale, float* gradient);
};

ESPALIER_KERNELS(InterpolationKernels, interpolation_kernel_table, interpolation_kernels)

}  // namespace espalier
