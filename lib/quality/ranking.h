#pragma once
/// Neighbours of a sample in order of distance. One rule everywhere: nearer first, equal distances by smaller index.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/control.h"
#include "quality/distances.h"
#include "tensor/buffer.h"

namespace espalier {

/// Sorts rows of distances; holds scratch space, so one per worker. Cost: about 15 ns per sample.
class RowSorter {
 public:
  /// order[r] = the sample at rank r + 1 among all but `self`; order has distances.size() - 1 places. Distances >= 0.
  void sort(std::span<const double> distances, std::size_t self, std::span<std::int32_t> order);

 private:
  struct Entry {
    std::uint32_t key;
    std::int32_t index;
  };
  std::vector<Entry> entries_, other_;
};

/// rank[order[r]] = r + 1; what `order` does not name keeps its value.
void invert_order(std::span<const std::int32_t> order, std::span<std::int32_t> rank);

/// `count` of [0, rows) in ascending order, drawn without replacement, each set equally likely; all rows where
/// count >= rows. Selection sampling: Knuth, The Art of Computer Programming 2, algorithm 3.4.2 S.
std::vector<std::int32_t> sample_rows(std::size_t rows, std::size_t count, std::uint64_t seed);

/// Which rows are asked for and which may answer.
struct NearestQuery {
  std::vector<std::int32_t> queries;
  std::vector<std::uint8_t> candidates;  ///< N flags; empty: every sample is one
  std::size_t k = 0;                     ///< at most the number of candidates other than the query itself
  bool self_counts = false;              ///< may a sample be its own neighbour? Otherwise it is left out by its index
};

/// Row q: the k nearest candidates of queries[q], in order.
struct NearestLists {
  std::size_t k = 0;
  Buffer<std::int32_t> indices;  ///< queries x k
  std::span<const std::int32_t> row(std::size_t q) const { return {indices.data() + q * k, k}; }
};

/// Exact search through all distances. Throws Stopped. Cost: |queries| N (d + log k).
NearestLists find_nearest(const Distances&, const NearestQuery&, const Control&);

/// Rows of N distances handled together: enough for matrix products to pay, few enough to fit in 32 MiB.
std::size_t rows_per_block(std::size_t samples);

}  // namespace espalier
