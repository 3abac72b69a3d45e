#include "neighbors/approximate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <span>

#include "base/error.h"
#include "base/parallel.h"
#include "neighbors/panel.h"
#include "neighbors/space.h"

namespace espalier {

namespace {

constexpr std::size_t kTrees = 8;
constexpr std::size_t kLeaf = 256;      ///< rows of a leaf at most, more where k is large
constexpr std::size_t kJoined = 24;     ///< nearest neighbours of a row, and nearest rows it is a neighbour of, that
                                        ///< take part in a round
constexpr int kRounds = 12;             ///< at most
constexpr std::size_t kMeasured = 400;  ///< rows on which recall is measured
constexpr std::size_t kRowsPerChunk = 256;
constexpr std::int32_t kNone = std::numeric_limits<std::int32_t>::max();  ///< no place: there are at most so many rows

/// A neighbour by place in kd order; `fresh` until it has taken part in a round.
struct Neighbor {
  float squared;
  std::uint32_t place : 31;
  std::uint32_t fresh : 1;
  bool operator<(const Neighbor& other) const {
    return squared < other.squared || (squared == other.squared && place < other.place);
  }
};

Neighbor fresh_neighbor(float squared, std::int32_t place) { return {squared, std::uint32_t(place) & 0x7fffffffu, 1}; }

/// What takes part in a round, by row: kNone where there are fewer.
struct Joined {
  std::int32_t place;
  bool fresh;
};

class Search {
 public:
  Search(const PreparedRows& rows, std::uint64_t seed, NeighborGraph& graph, const Control& control)
      : rows_(rows),
        seed_(seed),
        graph_(graph),
        control_(control),
        n_(rows.count()),
        k_(graph.k),
        space_(make_space(rows, seed, control)) {
    graph_.order = space_->order();
    lists_ = Buffer<Neighbor>(n_ * k_, Neighbor{std::numeric_limits<float>::infinity(), kNone, 0});
    marks_.resize(std::size_t(threads()));
    measure_truth();
  }

  void run(double recall) {
    for (std::size_t tree = 0; tree < kTrees; ++tree) {
      meet_in_leaves(space_->grow_tree(std::max(kLeaf, 2 * k_ + 2 * kPanel), Random(seed_, 0x7ee + tree)));
      control_.report("neighbours", double(tree + 1), double(kTrees + kRounds));
    }
    for (int round = 0; round < kRounds && measured_recall() < recall; ++round) {
      take_snapshot();
      if (meet_neighbors_of_neighbors() == 0) break;
      control_.report("neighbours", double(kTrees) + round + 1, double(kTrees + kRounds));
    }
    finish();
  }

 private:
  /// Which rows a row has met already in this step, without clearing between rows.
  struct Marks {
    std::vector<std::uint32_t> seen;
    std::uint32_t stamp = 0;
    void start(std::size_t n) {
      seen.resize(n);
      if (++stamp == 0) std::fill(seen.begin(), seen.end(), 0), stamp = 1;
    }
    bool add(std::int32_t place) {
      std::uint32_t& s = seen[std::size_t(place)];
      return s == stamp ? false : (s = stamp, true);
    }
  };

  Neighbor* list(std::size_t i) { return lists_.data() + i * k_; }
  float worst(std::size_t i) { return list(i)[k_ - 1].squared; }
  void meet_in_leaves(const Leaves& leaves);
  void meet_in_leaf(std::span<const std::int32_t> places, Marks& marks);
  void mark_list(std::size_t i, Marks& marks);
  std::size_t merge(std::size_t i, std::vector<Neighbor>& met);
  void take_snapshot();
  std::size_t meet_neighbors_of_neighbors();
  void collect(std::size_t i, Marks& marks, std::vector<std::int32_t>& met) const;
  void measure_truth();
  double measured_recall();
  void finish();

  const PreparedRows& rows_;
  std::uint64_t seed_;
  NeighborGraph& graph_;
  const Control& control_;
  std::size_t n_, k_;
  std::unique_ptr<Space> space_;
  Buffer<Neighbor> lists_;                 ///< N x k, nearest first
  std::vector<Joined> nearest_, reverse_;  ///< N x kJoined
  std::vector<Marks> marks_;
  std::vector<std::int32_t> measured_;  ///< places
  std::vector<float> truth_;            ///< squared distance of their k-th neighbours, in units of x_
};

void Search::meet_in_leaves(const Leaves& leaves) {
  parallel_for(leaves.starts.size() - 1, [&](std::size_t leaf, int worker) {
    throw_if_stopped(control_);
    meet_in_leaf({leaves.order.data() + leaves.starts[leaf], leaves.order.data() + leaves.starts[leaf + 1]},
                 marks_[std::size_t(worker)]);
  });
}

void Search::meet_in_leaf(std::span<const std::int32_t> places, Marks& marks) {
  const std::size_t count = places.size();
  Buffer<float> squared(count * count);
  space_->measure_all(places, squared.data());
  std::vector<Neighbor> met;
  for (std::size_t r = 0; r < count; ++r) {
    const auto i = std::size_t(places[r]);
    const float limit = worst(i);
    mark_list(i, marks);
    met.clear();
    for (std::size_t c = 0; c < count; ++c)
      if (squared[r * count + c] < limit && marks.add(places[c]))
        met.push_back(fresh_neighbor(squared[r * count + c], places[c]));
    merge(i, met);
  }
}

/// Starts a new step of row i, which has met itself and its list.
void Search::mark_list(std::size_t i, Marks& marks) {
  marks.start(n_);
  marks.add(std::int32_t(i));
  for (std::size_t c = 0; c < k_ && list(i)[c].place != kNone; ++c) marks.add(list(i)[c].place);
}

/// Brings newcomers into row i's list; returns how many stay.
std::size_t Search::merge(std::size_t i, std::vector<Neighbor>& met) {
  if (met.empty()) return 0;
  if (met.size() > k_) {
    std::nth_element(met.begin(), met.begin() + std::ptrdiff_t(k_), met.end());
    met.resize(k_);
  }
  std::sort(met.begin(), met.end());
  Neighbor* const row = list(i);
  // From the back: of both sorted lists, what lies beyond place k drops out.
  std::size_t old_left = 0, new_left = 0;
  while (old_left + new_left < k_)
    if (new_left < met.size() && met[new_left] < row[old_left])
      ++new_left;
    else
      ++old_left;
  const std::size_t entered = new_left;
  for (std::size_t to = k_; new_left > 0;)
    row[--to] = old_left > 0 && met[new_left - 1] < row[old_left - 1] ? row[--old_left] : met[--new_left];
  return entered;
}

/// The nearest of every list, and of those that list a row its nearest, as they stand now.
void Search::take_snapshot() {
  const std::size_t joined = std::min(kJoined, k_);
  nearest_.assign(n_ * kJoined, {kNone, false});
  reverse_.assign(n_ * kJoined, {kNone, false});
  std::vector<float> reverse_squared(n_ * kJoined);
  std::vector<std::uint8_t> counts(n_, 0);
  for (std::size_t i = 0; i < n_; ++i)
    for (std::size_t c = 0; c < joined && list(i)[c].place != kNone; ++c) {
      Neighbor& neighbor = list(i)[c];
      nearest_[i * kJoined + c] = {std::int32_t(neighbor.place), bool(neighbor.fresh)};
      const std::size_t begin = std::size_t(neighbor.place) * kJoined;
      std::uint8_t& count = counts[std::size_t(neighbor.place)];
      std::size_t at = begin + count;
      if (count < kJoined) {
        ++count;
      } else {
        const auto first = reverse_squared.begin() + std::ptrdiff_t(begin);
        at = begin + std::size_t(std::max_element(first, first + kJoined) - first);
      }
      if (reverse_[at].place == kNone || neighbor.squared < reverse_squared[at]) {
        reverse_[at] = {std::int32_t(i), bool(neighbor.fresh)};
        reverse_squared[at] = neighbor.squared;
      }
      neighbor.fresh = 0;
    }
}

/// Rows two steps away, of which at least one step is new, that row i has not in its list.
void Search::collect(std::size_t i, Marks& marks, std::vector<std::int32_t>& met) const {
  const auto steps_from = [&](std::size_t row, auto&& visit) {
    for (const auto* side : {&nearest_, &reverse_})
      for (std::size_t c = 0; c < kJoined; ++c)
        if (const Joined& step = (*side)[row * kJoined + c]; step.place != kNone) visit(step);
  };
  steps_from(i, [&](const Joined& first) {
    if (first.fresh && marks.add(first.place)) met.push_back(first.place);
    steps_from(std::size_t(first.place), [&](const Joined& second) {
      if ((first.fresh || second.fresh) && marks.add(second.place)) met.push_back(second.place);
    });
  });
}

std::size_t Search::meet_neighbors_of_neighbors() {
  const std::size_t chunks = (n_ + kRowsPerChunk - 1) / kRowsPerChunk;
  std::vector<std::size_t> entered(chunks, 0);
  parallel_for(chunks, [&](std::size_t chunk, int worker) {
    throw_if_stopped(control_);
    Marks& marks = marks_[std::size_t(worker)];
    std::vector<std::int32_t> places;
    std::vector<float> squared;
    std::vector<Neighbor> met;
    for (std::size_t i = chunk * kRowsPerChunk; i < std::min(n_, (chunk + 1) * kRowsPerChunk); ++i) {
      mark_list(i, marks);
      places.clear();
      collect(i, marks, places);
      squared.resize(places.size());
      space_->measure(i, places, squared.data());
      met.clear();
      const float limit = worst(i);
      for (std::size_t m = 0; m < places.size(); ++m)
        if (squared[m] < limit) met.push_back(fresh_neighbor(squared[m], places[m]));
      entered[chunk] += merge(i, met);
    }
  });
  std::size_t total = 0;
  for (std::size_t e : entered) total += e;
  return total;
}

/// The true k-th distances of some rows, in the unit of the space, a little longer for the rounding of other ways to
/// compute them.
void Search::measure_truth() {
  const std::size_t count = std::min(n_, kMeasured);
  std::vector<std::int32_t> everyone(n_);
  std::iota(everyone.begin(), everyone.end(), 0);
  for (std::size_t m = 0; m < count; ++m) measured_.push_back(std::int32_t(m * n_ / count));
  truth_.resize(count);
  parallel_for(count, [&](std::size_t m, int) {
    throw_if_stopped(control_);
    const auto i = std::size_t(measured_[m]);
    std::vector<float> squared(n_);
    space_->measure(i, everyone, squared.data());
    squared[i] = std::numeric_limits<float>::infinity();
    std::nth_element(squared.begin(), squared.begin() + std::ptrdiff_t(k_ - 1), squared.end());
    truth_[m] = squared[k_ - 1] * (1 + 1e-5f);
  });
}

double Search::measured_recall() {
  std::size_t found = 0;
  for (std::size_t m = 0; m < measured_.size(); ++m)
    for (std::size_t c = 0; c < k_; ++c) found += list(std::size_t(measured_[m]))[c].squared <= truth_[m];
  return double(found) / double(measured_.size() * k_);
}

/// Exact distances of what was found, and the recall.
void Search::finish() {
  graph_.exact = false;
  graph_.recall = measured_recall();
  parallel_ranges(n_, kRowsPerChunk, [&](std::size_t begin, std::size_t end, int) {
    throw_if_stopped(control_);
    std::vector<std::pair<double, std::int32_t>> found(k_);
    std::vector<std::int32_t> others(k_);
    std::vector<double> squared(k_);
    for (std::size_t i = begin; i < end; ++i) {
      const auto sample = std::size_t(graph_.order[i]);
      for (std::size_t c = 0; c < k_; ++c) {
        const std::int32_t place = list(i)[c].place;
        if (place == kNone) throw BugError("sample {} has {} candidates for {} neighbours", sample, c, k_);
        others[c] = graph_.order[std::size_t(place)];
      }
      rows_.squared_distances(sample, rows_, others, squared.data());
      for (std::size_t c = 0; c < k_; ++c) found[c] = {squared[c], others[c]};
      std::sort(found.begin(), found.end());
      for (std::size_t c = 0; c < k_; ++c) {
        graph_.indices[sample * k_ + c] = found[c].second;
        graph_.distances[sample * k_ + c] = metric_distance(graph_.metric, found[c].first);
      }
    }
  });
}

}  // namespace

void search_approximately(const PreparedRows& rows, std::uint64_t seed, double recall, NeighborGraph& graph,
                          const Control& control) {
  Search(rows, seed, graph, control).run(recall);
}

}  // namespace espalier
