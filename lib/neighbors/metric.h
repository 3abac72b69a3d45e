#pragma once
/// Distances between samples. Cosine and correlation are euclidean distances of normalised rows, squared and halved:
/// 1 - cos(x, y) = |x/|x| - y/|y||^2 / 2; correlation first subtracts each row's own mean.
///
/// A row that is zero (cosine) or constant (correlation) has no direction. It is given one of its own, at right angles
/// to all others: its distance is 1 from every row that has a direction and 0 from every row that has none.

#include <array>

namespace espalier {

enum class Metric { euclidean, cosine, correlation };

inline constexpr std::array<const char*, 3> kMetricNames{"euclidean", "cosine", "correlation"};

}  // namespace espalier
