#include "neighbors/panels.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <mutex>
#include <numeric>
#include <optional>

#include "base/error.h"
#include "base/parallel.h"
#include "neighbors/candidates.h"
#include "neighbors/frame.h"
#include "neighbors/order.h"
#include "neighbors/panel.h"

namespace espalier {

namespace {

constexpr std::size_t kSize = kPanel;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::size_t kBoxColumns = 24;     ///< leading coordinates of bounding boxes
constexpr std::size_t kCenterColumns = 64;  ///< leading coordinates by which panels choose the panels around them
constexpr std::size_t kGroup = 8;           ///< panels that share a pass over all later panels
constexpr double kRoundedUp = 1 + 0x1p-21;  ///< lengths times this bound products though single precision rounds

/// Dimensions at which sums are held against thresholds: early ones close together, since most pairs leave there.
std::vector<std::int32_t> stage_ends(std::size_t d) {
  constexpr std::size_t kFirst = 16;
  std::vector<std::int32_t> ends;
  for (std::size_t end = kFirst; end + end / 4 < d; end += std::max(kFirst, end / 8 * 4))
    ends.push_back(std::int32_t(end));
  ends.push_back(std::int32_t(d));
  return ends;
}

/// All samples as panels, in kd order, with everything the kernels read.
struct Panels {
  std::size_t n, d, count, stride;  ///< samples, dimensions, panels, count padded for vectors
  std::vector<std::int32_t> ends;
  Buffer<float> values;               ///< [panel][dimension][32]
  Buffer<float> halves;               ///< [place], less the slack: scores are upper bounds
  Buffer<float> low_halves;           ///< [place], plus the slack: scores are lower bounds
  Buffer<float> rests;                ///< [stage but the last][place]: lengths over the dimensions after it
  Buffer<float> margins;              ///< [sample]: of the ruler
  Buffer<float> panel_margins;        ///< [panel]: largest in it
  Buffer<float> box_lows, box_highs;  ///< [dimension][panel]
  Buffer<float> centers;              ///< panels of panel centres: [panel / 32][dimension][32]
  Buffer<float> center_halves;

  Panels(const Frame& frame, const std::vector<std::int32_t>& order);
  const float* panel(std::size_t p) const { return values.data() + p * d * kSize; }
  std::size_t box_columns() const { return std::min(d, kBoxColumns); }
  std::size_t center_columns() const { return std::min(d, kCenterColumns); }
  std::size_t members(std::size_t p) const { return std::min(kSize, n - p * kSize); }

 private:
  void pack(const Matrix& x, const std::vector<std::int32_t>& order, std::size_t p);
  void measure(std::size_t place, std::int32_t sample, const float* x);
  void bound(std::size_t p);
  void center(std::size_t p);
};

Panels::Panels(const Frame& frame, const std::vector<std::int32_t>& order)
    : n(frame.coordinates.rows()),
      d(frame.coordinates.cols()),
      count((n + kSize - 1) / kSize),
      stride((count + kSize - 1) / kSize * kSize),
      ends(stage_ends(d)),
      values(count * kSize * d),
      halves(count * kSize),
      low_halves(count * kSize),
      rests((ends.size() - 1) * count * kSize),
      margins(n),
      panel_margins(count),
      box_lows(box_columns() * stride, 0.0f),
      box_highs(box_columns() * stride, 0.0f),
      centers(stride * center_columns(), 0.0f),
      center_halves(stride, kInfinity) {
  parallel_ranges(count, 8, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t p = begin; p < end; ++p) {
      pack(frame.coordinates, order, p);
      bound(p);
      center(p);
    }
  });
}

void Panels::pack(const Matrix& x, const std::vector<std::int32_t>& order, std::size_t p) {
  float* out = values.data() + p * d * kSize;
  panel_margins[p] = 0;
  for (std::size_t r = 0; r < kSize; ++r) {
    const std::size_t place = p * kSize + r;
    if (r >= members(p)) {
      for (std::size_t t = 0; t < d; ++t) out[t * kSize + r] = 0;
      for (std::size_t s = 0; s + 1 < ends.size(); ++s) rests[s * count * kSize + place] = 0;
      halves[place] = low_halves[place] = kInfinity;
      continue;
    }
    const float* row = x.row(std::size_t(order[place]));
    for (std::size_t t = 0; t < d; ++t) out[t * kSize + r] = row[t];
    measure(place, order[place], row);
    panel_margins[p] = std::max(panel_margins[p], margins[std::size_t(order[place])]);
  }
}

void Panels::measure(std::size_t place, std::int32_t sample, const float* x) {
  double total = 0;
  std::size_t t = d;
  for (std::size_t s = ends.size(); s-- > 0;) {
    if (s + 1 < ends.size()) rests[s * count * kSize + place] = float(std::sqrt(total) * kRoundedUp);
    for (const std::size_t begin = s ? std::size_t(ends[s - 1]) : 0; t > begin; --t)
      total += double(x[t - 1]) * x[t - 1];
  }
  const double slack = total * score_slack(d) + kTinySlack;
  halves[place] = float(total / 2 - slack);
  low_halves[place] = float(total / 2 + slack);
  margins[std::size_t(sample)] = float(2 * slack);
}

void Panels::bound(std::size_t p) {
  for (std::size_t t = 0; t < box_columns(); ++t) {
    const float* x = panel(p) + t * kSize;
    const auto [low, high] = std::minmax_element(x, x + members(p));
    box_lows[t * stride + p] = *low;
    box_highs[t * stride + p] = *high;
  }
}

void Panels::center(std::size_t p) {
  double squares = 0;
  for (std::size_t t = 0; t < center_columns(); ++t) {
    const float* x = panel(p) + t * kSize;
    const double mean = std::accumulate(x, x + members(p), 0.0) / double(members(p));
    centers[p / kSize * center_columns() * kSize + t * kSize + p % kSize] = float(mean);
    squares += mean * mean;
  }
  center_halves[p] = float(squares / 2);
}

/// One search: thresholds first, then all pairs of panels, then exact distances.
class Search {
 public:
  Search(const PreparedRows& rows, NeighborGraph& graph, const Control& control)
      : graph_(graph), control_(control), frame_(spread_first(rows, control)), ruler_{rows, rows} {
    graph_.order = kd_leaves(frame_.coordinates, kOrderColumns).order;
    if (graph.metric == Metric::euclidean) graph_.leading = std::move(frame_.leading);
    panels_.emplace(frame_, graph_.order);
    frame_.coordinates = {};
    ruler_.scale = frame_.scale;
    ruler_.query_margin = ruler_.base_margin = panels_->margins.data();
    kept_.emplace(panels_->n, graph_.k, panels_->n - 1);
  }

  void run() {
    const double begin = control_.now();
    seed();
    const double seeded = control_.now();
    visit_pairs();
    const double visited = control_.now();
    finish();
    const double end = control_.now(), flop = 2 * double(panels_->n) * double(panels_->n) * double(panels_->d);
    control_.say(
        fmt::format("neighbours: thresholds {:.2f} s, pairs {:.2f} s, distances {:.2f} s; worth {:.0f} GF/s of all "
                    "products",
                    seeded - begin, visited - seeded, end - visited, flop / std::max(end - begin, 1e-9) / 1e9));
  }

 private:
  struct Scratch {
    Buffer<float> bounds;            ///< [kGroup][stride]
    std::vector<PanelHit> hits;      ///< of one pair
    std::vector<Candidate> pending;  ///< of the column panel, from all row panels of a group
    std::vector<std::uint8_t> pending_rows;
  };

  void seed();
  void seed_panel(std::size_t p, const float* nearness, std::vector<std::int32_t>& nearest, Buffer<float>& scores);
  void visit_pairs();
  void visit_group(std::size_t group, Scratch& scratch);
  void visit_pair(std::size_t i, std::size_t j, const float* column_thresholds, Scratch& scratch);
  float read_thresholds(std::size_t p, float* out);
  void push(std::size_t p, std::size_t row, Candidate candidate) {
    const std::size_t place = p * kSize + row;
    kept_->push(place, std::size_t(graph_.order[place]), candidate, ruler_);
  }
  void finish();

  NeighborGraph& graph_;
  const Control& control_;
  Frame frame_;
  Ruler ruler_;
  std::optional<Panels> panels_;
  std::optional<CandidateRows> kept_;
  std::vector<std::mutex> locks_;
};

/// A threshold for every sample from the true neighbours among the panels around it. Panels are chosen by the distance
/// of their centres.
void Search::seed() {
  const Panels& x = *panels_;
  const std::size_t blocks = x.stride / kSize;
  parallel_for(blocks, [&](std::size_t block, int) {
    throw_if_stopped(control_);
    const std::size_t panel_size = x.center_columns() * kSize;
    Buffer<float> nearness(kSize * x.stride), scores;
    for (std::size_t other = 0; other < blocks; ++other)
      panel_kernels().all_scores(x.centers.data() + block * panel_size, x.centers.data() + other * panel_size,
                                 x.center_halves.data() + block * kSize, x.center_halves.data() + other * kSize,
                                 x.center_columns(), nearness.data() + other * kSize, x.stride);
    std::vector<std::int32_t> nearest(x.count);
    for (std::size_t p = block * kSize; p < std::min(x.count, (block + 1) * kSize); ++p)
      seed_panel(p, nearness.data() + (p - block * kSize) * x.stride, nearest, scores);
  });
}

void Search::seed_panel(std::size_t p, const float* nearness, std::vector<std::int32_t>& nearest,
                        Buffer<float>& scores) {
  const Panels& x = *panels_;
  const std::size_t around = std::min(x.count, std::max<std::size_t>(8, 11 * ((graph_.k + kSize - 1) / kSize)));
  std::iota(nearest.begin(), nearest.end(), 0);
  std::nth_element(
      nearest.begin(), nearest.begin() + std::ptrdiff_t(around - 1), nearest.end(),
      [&](std::int32_t a, std::int32_t b) { return nearness[a] != nearness[b] ? nearness[a] > nearness[b] : a < b; });
  const std::size_t width = around * kSize;
  if (scores.size() < kSize * width) scores = Buffer<float>(kSize * width);
  for (std::size_t c = 0; c < around; ++c) {
    const auto other = std::size_t(nearest[c]);
    panel_kernels().all_scores(x.panel(p), x.panel(other), x.low_halves.data() + p * kSize,
                               x.low_halves.data() + other * kSize, x.d, scores.data() + c * kSize, width);
    if (other == p)
      for (std::size_t r = 0; r < kSize; ++r) scores[r * width + c * kSize + r] = -kInfinity;
  }
  for (std::size_t r = 0; r < x.members(p); ++r) {
    const float* const row = scores.data() + r * width;
    kept_->raise_threshold(p * kSize + r, panel_kernels().reached_by(row, width, graph_.k));
  }
}

/// Copies the thresholds of a panel; returns the lowest. Another thread may raise them meanwhile: older ones only let
/// more through.
float Search::read_thresholds(std::size_t p, float* out) {
  float lowest = kInfinity;
  for (std::size_t r = 0; r < kSize; ++r) {
    out[r] = r < panels_->members(p) ? kept_->threshold(p * kSize + r) : kInfinity;
    lowest = std::min(lowest, out[r]);
  }
  return lowest;
}

void Search::visit_pairs() {
  const Panels& x = *panels_;
  locks_ = std::vector<std::mutex>(x.count);
  const std::size_t groups = (x.count + kGroup - 1) / kGroup;
  std::vector<Scratch> scratch(static_cast<std::size_t>(threads()));
  const double total = double(groups) * double(groups + 1) / 2;
  std::atomic<std::size_t> done{0};
  parallel_for(groups, [&](std::size_t group, int worker) {
    visit_group(group, scratch[std::size_t(worker)]);
    const std::size_t visited = done.fetch_add(groups - group) + groups - group;
    if (worker == 0) control_.report("neighbours", double(visited) / total * double(x.n), double(x.n));
  });
}

/// Panels of the group against themselves and all later panels: every pair of panels is visited once.
void Search::visit_group(std::size_t group, Scratch& scratch) {
  const Panels& x = *panels_;
  const std::size_t first = group * kGroup, last = std::min(x.count, first + kGroup), boxes = x.box_columns();
  if (scratch.bounds.empty()) {
    scratch.bounds = Buffer<float>(kGroup * x.stride);
    scratch.hits.resize(kSize * kSize);
  }
  const std::size_t from = first / kSize * kSize;
  for (std::size_t i = first; i < last; ++i) {
    float low[kBoxColumns], high[kBoxColumns];
    for (std::size_t t = 0; t < boxes; ++t)
      low[t] = x.box_lows[t * x.stride + i], high[t] = x.box_highs[t * x.stride + i];
    panel_kernels().box_scores(low, high, x.box_lows.data() + from, x.box_highs.data() + from, x.stride, boxes,
                               x.stride - from, scratch.bounds.data() + (i - first) * x.stride + from);
  }
  float row_lowest[kGroup], column_thresholds[kSize], thresholds[kSize];
  for (std::size_t j = first; j < x.count; ++j) {
    if (j % 256 == 0) throw_if_stopped(control_);
    if ((j - first) % 64 == 0)
      for (std::size_t i = first; i < last; ++i) row_lowest[i - first] = read_thresholds(i, thresholds);
    const float column_lowest = read_thresholds(j, column_thresholds);
    for (std::size_t i = first; i < std::min(last, j + 1); ++i) {
      const float bound =
          scratch.bounds[(i - first) * x.stride + j] * 0.99999f + x.panel_margins[i] + x.panel_margins[j];
      if (bound >= std::min(row_lowest[i - first], column_lowest)) visit_pair(i, j, column_thresholds, scratch);
    }
    if (scratch.pending.empty()) continue;
    const std::lock_guard lock(locks_[j]);
    for (std::size_t c = 0; c < scratch.pending.size(); ++c) push(j, scratch.pending_rows[c], scratch.pending[c]);
    scratch.pending.clear();
    scratch.pending_rows.clear();
  }
}

void Search::visit_pair(std::size_t i, std::size_t j, const float* column_thresholds, Scratch& scratch) {
  const Panels& x = *panels_;
  float row_thresholds[kSize];
  read_thresholds(i, row_thresholds);
  const PanelPair pair{x.panel(i),
                       x.panel(j),
                       x.halves.data() + i * kSize,
                       x.halves.data() + j * kSize,
                       x.rests.data() + i * kSize,
                       x.rests.data() + j * kSize,
                       x.count * kSize,
                       row_thresholds,
                       column_thresholds,
                       x.ends.data(),
                       int(x.ends.size())};
  const int hits = panel_kernels().passing_scores(pair, scratch.hits.data());
  if (hits == 0) return;
  const std::lock_guard lock(locks_[i]);
  for (int h = 0; h < hits; ++h) {
    const PanelHit& hit = scratch.hits[std::size_t(h)];
    if (hit.for_row && !(i == j && hit.row == hit.column))
      push(i, hit.row, {hit.score, graph_.order[j * kSize + hit.column]});
    if (hit.for_column && i != j) {
      scratch.pending.push_back({hit.score, graph_.order[i * kSize + hit.row]});
      scratch.pending_rows.push_back(hit.column);
    }
  }
}

void Search::finish() {
  parallel_ranges(panels_->n, kSize, [&](std::size_t begin, std::size_t end, int) {
    throw_if_stopped(control_);
    for (std::size_t place = begin; place < end; ++place)
      kept_->finish(place, std::size_t(graph_.order[place]), ruler_, graph_);
  });
}

}  // namespace

void search_panels(const PreparedRows& rows, NeighborGraph& graph, const Control& control) {
  Search(rows, graph, control).run();
}

}  // namespace espalier
