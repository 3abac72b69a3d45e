#pragma once
/// The k-nearest-neighbour graph: what neighbour search returns and what affinities are made of.

#include <cstdint>
#include <vector>

#include "neighbors/metric.h"
#include "tensor/buffer.h"
#include "tensor/matrix.h"

namespace espalier {

/// Row i holds the k nearest other samples of sample i, nearest first, ties by smaller index; self excluded.
struct NeighborGraph {
  std::size_t rows = 0, k = 0;
  Buffer<std::int32_t> indices;  ///< rows x k
  Buffer<float> distances;       ///< rows x k, in the metric's own unit (euclidean: not squared)
  Metric metric = Metric::euclidean;
  bool exact = true;
  double recall = 1;  ///< share of true neighbours; measured on sampled rows where the search was approximate
  /// order[p] = sample that stands at place p of a locality-preserving order (kd-tree leaves); empty where unknown.
  std::vector<std::int32_t> order;
  /// N x 3 or fewer: the samples' first principal component scores, a by-product of a search that rotated them; else
  /// empty.
  Matrix leading;
};

}  // namespace espalier
