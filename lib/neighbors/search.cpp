#include "neighbors/search.h"

#include "base/error.h"
#include "neighbors/approximate.h"
#include "neighbors/panels.h"
#include "neighbors/rows.h"
#include "neighbors/space.h"
#include "neighbors/sparse.h"
#include "neighbors/tiles.h"

namespace espalier {

namespace {

/// Rows are measured against rows of the same storage.
Samples made_sparse(const Samples& samples) {
  const auto* dense = std::get_if<Matrix>(&samples);
  if (!dense) return samples;
  SparseMatrix sparse{dense->rows(), dense->cols(), {0}, {}, {}};
  for (std::size_t i = 0; i < dense->rows(); ++i) {
    for (std::size_t t = 0; t < dense->cols(); ++t)
      if (const float value = (*dense)(i, t); value != 0) {
        sparse.indices.push_back(std::int32_t(t));
        sparse.values.push_back(value);
      }
    sparse.indptr.push_back(std::int64_t(sparse.values.size()));
  }
  return sparse;
}

}  // namespace

NeighborGraph allocate_graph(std::size_t rows, std::size_t available, const NeighborOptions& options) {
  if (options.k < 1 || std::size_t(options.k) > available)
    throw UsageError("{} neighbours asked for, expected 1 to {}: each has {} others to choose from", options.k,
                     available, available);
  if (available >= std::size_t(1) << 30) throw UsageError("{} samples, expected fewer than 2^30", available);
  NeighborGraph graph;
  graph.rows = rows;
  graph.k = std::size_t(options.k);
  graph.indices = Buffer<std::int32_t>(rows * graph.k);
  graph.distances = Buffer<float>(rows * graph.k);
  graph.metric = options.metric;
  return graph;
}

NeighborGraph find_neighbors(const Samples& samples, const NeighborOptions& options, const Control& control) {
  const std::size_t n = sample_count(samples);
  NeighborGraph graph = allocate_graph(n, n ? n - 1 : 0, options);
  const PreparedRows rows(samples, options.metric);
  const bool approximate =
      options.method == SearchMethod::approximate || (options.method == SearchMethod::automatic && n > kExactLimit);
  if (approximate) {
    search_approximately(rows, options.seed, options.recall, graph, control);
  } else if (rows.dense()) {
    search_panels(rows, graph, control);
  } else {
    search_sparse(rows, rows, true, graph, control);
    graph.order = sparse_order(rows, options.seed);
  }
  return graph;
}

NeighborGraph find_neighbors_between(const Samples& queries, const Samples& base, const NeighborOptions& options,
                                     const Control& control) {
  if (dimension(queries) != dimension(base))
    throw UsageError("queries have {} dimensions, the samples searched have {}", dimension(queries), dimension(base));
  if (queries.index() != base.index())
    return find_neighbors_between(made_sparse(queries), made_sparse(base), options, control);
  NeighborGraph graph = allocate_graph(sample_count(queries), sample_count(base), options);
  const PreparedRows query_rows(queries, options.metric), base_rows(base, options.metric);
  if (base_rows.dense())
    search_tiles(query_rows, base_rows, false, graph, control);
  else
    search_sparse(query_rows, base_rows, false, graph, control);
  return graph;
}

}  // namespace espalier
