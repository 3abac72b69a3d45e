#include "neighbors/candidates.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "neighbors/panel.h"

namespace espalier {

namespace {

/// Room for newcomers beyond k: sorting out is paid once per this many.
constexpr std::size_t kRoom = 96;

struct Exact {
  double squared;
  std::int32_t index;
  bool operator<(const Exact& other) const {
    return squared < other.squared || (squared == other.squared && index < other.index);
  }
};

thread_local std::vector<Exact> measured;
thread_local std::vector<float> sure_scores;

void measure(const Candidate* candidates, std::size_t count, std::size_t query, const Ruler& ruler) {
  thread_local std::vector<std::int32_t> indices;
  thread_local std::vector<double> squared;
  indices.resize(count);
  squared.resize(count);
  for (std::size_t c = 0; c < count; ++c) indices[c] = candidates[c].index;
  ruler.queries.squared_distances(query, ruler.base, indices, squared.data());
  measured.resize(count);
  for (std::size_t c = 0; c < count; ++c) measured[c] = {squared[c], indices[c]};
}

}  // namespace

CandidateRows::CandidateRows(std::size_t rows, std::size_t k, std::size_t available)
    : k_(k),
      capacity_(std::min(k + kRoom, available)),
      pool_(rows * capacity_),
      counts_(rows, 0),
      thresholds_(rows, std::numeric_limits<float>::lowest()) {}

void CandidateRows::raise_threshold(std::size_t row, float score) {
  if (score > thresholds_[row]) std::atomic_ref<float>(thresholds_[row]).store(score, std::memory_order_relaxed);
}

bool CandidateRows::push(std::size_t row, std::size_t query, Candidate candidate, const Ruler& ruler) {
  if (candidate.score < thresholds_[row]) return false;
  const float before = thresholds_[row];
  if (std::size_t(counts_[row]) == capacity_) make_room(row, query, ruler);
  begin_of(row)[counts_[row]++] = candidate;
  return thresholds_[row] != before;
}

void CandidateRows::make_room(std::size_t row, std::size_t query, const Ruler& ruler) {
  drop_by_score(row, query, ruler);
  if (std::size_t(counts_[row]) > k_ + kRoom / 2) drop_by_distance(row, query, ruler);
}

/// Keeps whatever may be among the k nearest by the bounds alone.
void CandidateRows::drop_by_score(std::size_t row, std::size_t query, const Ruler& ruler) {
  Candidate* const begin = begin_of(row);
  Candidate* const end = begin + counts_[row];
  if (std::size_t(end - begin) <= k_) return;
  sure_scores.clear();
  for (const Candidate* c = begin; c != end; ++c)
    sure_scores.push_back(c->score - (ruler.query_margin[query] + ruler.base_margin[c->index]));
  raise_threshold(row, panel_kernels().reached_by(sure_scores.data(), sure_scores.size(), k_));
  const float threshold = thresholds_[row];
  counts_[row] =
      std::int32_t(std::remove_if(begin, end, [=](const Candidate& c) { return c.score < threshold; }) - begin);
}

/// Keeps exactly the k nearest so far; taken where the margins are wider than the distances, as in a tight cluster far
/// from the centre.
void CandidateRows::drop_by_distance(std::size_t row, std::size_t query, const Ruler& ruler) {
  Candidate* const begin = begin_of(row);
  measure(begin, std::size_t(counts_[row]), query, ruler);
  const auto kth = measured.begin() + std::ptrdiff_t(k_ - 1);
  std::nth_element(measured.begin(), kth, measured.end());
  const double square = ruler.scale * ruler.scale / 2;
  raise_threshold(row, std::nextafter(float(-kth->squared * square), std::numeric_limits<float>::lowest()));
  for (std::size_t c = 0; c < k_; ++c) {
    const Exact& e = measured[c];
    const float margin = ruler.query_margin[query] + ruler.base_margin[e.index];
    begin[c] = {float(-e.squared * square) + margin / 2, e.index};
  }
  counts_[row] = std::int32_t(k_);
}

void CandidateRows::finish(std::size_t row, std::size_t query, const Ruler& ruler, NeighborGraph& graph) {
  drop_by_score(row, query, ruler);
  if (std::size_t(counts_[row]) < k_)
    throw BugError("sample {} has {} candidates for {} neighbours", query, counts_[row], k_);
  measure(begin_of(row), std::size_t(counts_[row]), query, ruler);
  std::partial_sort(measured.begin(), measured.begin() + std::ptrdiff_t(k_), measured.end());
  for (std::size_t c = 0; c < k_; ++c) {
    graph.indices[query * k_ + c] = measured[c].index;
    graph.distances[query * k_ + c] = metric_distance(graph.metric, measured[c].squared);
  }
}

}  // namespace espalier
