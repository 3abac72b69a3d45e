#pragma once
/// What a search keeps of each row while it runs: a few more candidates than k, and the score a newcomer must reach.
///
/// The score of a pair is an upper bound of -|x - y|^2 / 2 (times the square of a scale): single precision rounds, so
/// scores carry a margin that covers the rounding. A candidate is dropped only when k others are surely nearer, or when
/// exact distances say so; therefore the result does not depend on the order in which candidates come.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "neighbors/graph.h"
#include "neighbors/rows.h"

namespace espalier {

/// Measures pairs of rows; the arrays are owned by the search.
struct Ruler {
  const PreparedRows& queries;
  const PreparedRows& base;
  double scale = 1;                     ///< coordinates were multiplied by this before scoring
  const float* query_margin = nullptr;  ///< score - (margin of query + margin of base) <= true score <= score
  const float* base_margin = nullptr;
};

struct Candidate {
  float score;
  std::int32_t index;  ///< row of the base
};

/// The candidates of `rows` rows. Rows are independent: different threads may work on different rows.
class CandidateRows {
 public:
  /// `k` of at most `available` candidates per row.
  CandidateRows(std::size_t rows, std::size_t k, std::size_t available);

  /// Takes a candidate in; `query` is the row's name in the ruler. Each index comes once. Returns whether the
  /// threshold of the row has changed.
  bool push(std::size_t row, std::size_t query, Candidate candidate, const Ruler& ruler);

  /// A candidate below this score is surely not among the k nearest.
  /// May be read while another thread changes the row: what it read is a threshold all the same.
  float threshold(std::size_t row) { return std::atomic_ref<float>(thresholds_[row]).load(std::memory_order_relaxed); }
  void raise_threshold(std::size_t row, float score);

  /// Writes the k nearest, by exact distance and then by index, into row `query` of the graph.
  void finish(std::size_t row, std::size_t query, const Ruler& ruler, NeighborGraph& graph);

 private:
  Candidate* begin_of(std::size_t row) { return pool_.data() + row * capacity_; }
  void make_room(std::size_t row, std::size_t query, const Ruler& ruler);
  void drop_by_score(std::size_t row, std::size_t query, const Ruler& ruler);
  void drop_by_distance(std::size_t row, std::size_t query, const Ruler& ruler);

  std::size_t k_, capacity_;
  Buffer<Candidate> pool_;
  Buffer<std::int32_t> counts_;
  Buffer<float> thresholds_;
};

}  // namespace espalier
