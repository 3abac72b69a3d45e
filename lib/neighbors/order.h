#pragma once
/// Orders of samples in which neighbours stand near each other: the leaves of binary trees, from left to right.

#include <cstdint>
#include <vector>

#include "base/random.h"
#include "tensor/matrix.h"

namespace espalier {

struct Leaves {
  std::vector<std::int32_t> order;  ///< order[p] = row at place p
  std::vector<std::size_t>
      starts;  ///< leaf l holds places [starts[l], starts[l + 1]); all but the last are multiples of 32
};

/// A kd-tree with leaves of at most 32 rows: every node is cut at the median of whichever of the first `leading`
/// columns spreads most in it. Cost: O(N log(N) leading).
Leaves kd_leaves(const Matrix& coordinates, std::size_t leading);

/// A random-projection tree (Dasgupta, Freund 2008) with leaves of at most `most` rows, more than half of that but in
/// the last: every node is cut at the median along the line through two of its rows. Cost: O(N log(N / most) d).
Leaves random_leaves(const Matrix& coordinates, std::size_t most, const Random& random);

}  // namespace espalier
