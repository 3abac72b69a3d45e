#pragma once
/// Large-scale agreement of data and embedding, and separation of classes.

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "quality/distances.h"

namespace espalier {

/// Pearson's correlation; NaN where either side does not vary.
double pearson(std::span<const double> x, std::span<const double> y);

/// Ranks 1 ... n, equal values sharing the mean of their ranks. Spearman's correlation is Pearson's of these.
std::vector<double> mean_ranks(std::span<const double> values);

/// Distinct samples i < j: all pairs where there are at most `count`, else `count` drawn independently and uniformly.
std::vector<std::pair<std::int32_t, std::int32_t>> sample_pairs(std::size_t rows, std::size_t count,
                                                                std::uint64_t seed);

struct Triplet {
  std::int32_t anchor, first, second;
};
/// Distinct samples, drawn independently and uniformly; rows >= 3.
std::vector<Triplet> sample_triplets(std::size_t rows, std::size_t count, std::uint64_t seed);

/// Distances of the pairs, in the metric's unit.
std::vector<double> pair_distances(const Distances&, std::span<const std::pair<std::int32_t, std::int32_t>>);

/// For each triplet the sign of d(anchor, second) - d(anchor, first): which of the two is nearer. Triplet accuracy is
/// the share of triplets with the same sign in data and embedding (a tie agrees with a tie alone).
std::vector<std::int8_t> triplet_signs(const Distances&, std::span<const Triplet>);

/// Silhouette of sample `self`: (b - a) / max(a, b), a the mean distance to the others of its class, b the least mean
/// distance to another class (Rousseeuw 1987). 0 for the only one of its class; NaN for unknown class. `squared` are
/// its distances to all samples; samples of unknown class (-1) do not count. `sums` is scratch space. Cost: N.
double silhouette(const Distances&, std::span<const double> squared, std::size_t self,
                  std::span<const std::int32_t> classes, std::span<const std::int64_t> members,
                  std::vector<double>& sums);

}  // namespace espalier
