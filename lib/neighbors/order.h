#pragma once
/// An order of samples in which neighbours stand near each other.

#include <cstdint>
#include <vector>

#include "tensor/matrix.h"

namespace espalier {

/// order[p] = row at place p: the leaves of a kd-tree, 32 rows each and aligned to multiples of 32 (only the last may
/// be shorter). Every node is cut at the median of whichever of the first `leading` columns spreads most in it. Cost:
/// O(N log(N) leading).
std::vector<std::int32_t> kd_order(const Matrix& coordinates, std::size_t leading);

}  // namespace espalier
