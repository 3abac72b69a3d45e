#pragma once
/// Orders of samples in which neighbours stand near each other: the leaves of binary trees, from left to right.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/random.h"
#include "tensor/matrix.h"

namespace espalier {

/// Leading coordinates that a kd-tree may cut: enough to follow the data, few enough to be cheap.
inline constexpr std::size_t kOrderColumns = 12;

struct Leaves {
  std::vector<std::int32_t> order;  ///< order[p] = row at place p
  std::vector<std::size_t>
      starts;  ///< leaf l holds places [starts[l], starts[l + 1]); all but the last are multiples of 32
};

/// A kd-tree with leaves of at most 32 rows: every node is cut at the median of whichever of the first `leading`
/// columns spreads most in it. Cost: O(N log(N) leading).
Leaves kd_leaves(const Matrix& coordinates, std::size_t leading);

/// Writes keys[row] = product of each of `rows` with the direction from row b to row a.
using Project = std::function<void(std::int32_t a, std::int32_t b, std::span<const std::int32_t> rows, float* keys)>;

/// A random-projection tree (Dasgupta, Freund 2008) of n rows with leaves of at most `most` rows, at least half of that
/// but for the last one of a node: every node is cut at the median along the line through two of its rows.
Leaves random_leaves(std::size_t n, std::size_t most, const Random& random, const Project& project);

}  // namespace espalier
