#pragma once
/// The kernels of neighbour search: one function per job, one table per instruction set.

#include <cstddef>

#include "base/isa.h"

namespace espalier {

struct PanelKernels {
  /// |x - y|^2 over d places, differences and sums in double; the order of addition is the same in every set.
  double (*squared_distance)(const float* x, const float* y, std::size_t d);
};

ESPALIER_KERNELS(PanelKernels, panel_table, panel_kernels)

}  // namespace espalier
