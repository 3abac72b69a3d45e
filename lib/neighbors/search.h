#pragma once
/// The k nearest neighbours of samples, exactly or, for very many samples, approximately.

#include <cstdint>

#include "base/control.h"
#include "neighbors/graph.h"
#include "tensor/matrix.h"

namespace espalier {

enum class SearchMethod { automatic, exact, approximate };

struct NeighborOptions {
  int k = 90;                                     ///< neighbours per sample, 1 <= k < N (between two sets: <= N)
  Metric metric = Metric::euclidean;              ///< see neighbors/metric.h
  SearchMethod method = SearchMethod::automatic;  ///< automatic: exact up to kExactLimit samples
  std::uint64_t seed = 0;                         ///< of the approximate search; the exact one has no chance in it
  double recall = 0.95;                           ///< share of true neighbours the approximate search aims at
};

/// Up to here `automatic` searches exactly.
inline constexpr std::size_t kExactLimit = 500'000;

/// An empty graph of rows x options.k; throws UsageError unless 1 <= k <= available, the neighbours to choose from.
NeighborGraph allocate_graph(std::size_t rows, std::size_t available, const NeighborOptions&);

/// The k nearest other samples of each sample. Equal distances go to the smaller index; a sample is excluded from its
/// own neighbours by its index, so duplicates of it count. An exact result is exact: distances are recomputed from
/// differences in double precision, and compared as such. Same bytes for any number of threads.
/// Throws UsageError unless 1 <= k < N, Stopped where control says so. Progress stage: "neighbours".
NeighborGraph find_neighbors(const Samples&, const NeighborOptions&, const Control& = {});

/// For each query its k nearest rows of `base`, exactly; graph.indices are rows of `base`, graph.order is empty.
/// Throws UsageError unless 1 <= k <= N and both sets have the same dimension.
NeighborGraph find_neighbors_between(const Samples& queries, const Samples& base, const NeighborOptions&,
                                     const Control& = {});

/// The same two by plain loops in double precision: the oracle of the tests. O(N^2 d), for small N.
NeighborGraph find_neighbors_plain(const Samples&, const NeighborOptions&);
NeighborGraph find_neighbors_between_plain(const Samples& queries, const Samples& base, const NeighborOptions&);

}  // namespace espalier
