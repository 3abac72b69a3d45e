#pragma once
/// All samples in order of distance from one. The rule is that of neighbors/search: nearer first, equal distances by
/// smaller index, a sample left out of its own order by its index.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

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

/// Rows of N distances handled together: enough for matrix products to pay, few enough to fit in 32 MiB.
std::size_t rows_per_block(std::size_t samples);

}  // namespace espalier
