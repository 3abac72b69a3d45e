#include "neighbors/sparse.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "base/parallel.h"
#include "neighbors/candidates.h"
#include "neighbors/frame.h"
#include "neighbors/panel.h"

namespace espalier {

namespace {

constexpr std::size_t kSize = kPanel;
constexpr std::size_t kPanelBytes = std::size_t(1) << 20;   ///< of panels that share a pass over the base
constexpr std::size_t kBlockValues = std::size_t(1) << 15;  ///< of the base that meet all of them before the next

/// What the margin of a row depends on. A score multiplies dense query rows x = v + offset with the stored values v of
/// base rows: the offset of the base drops out, because rows that have one sum to zero; but v may be longer than x.
struct Lengths {
  double row = 0, stored = 0;  ///< squared
};

Lengths measure(const PreparedRows& rows, std::size_t i) {
  const SparseMatrix& x = *rows.sparse();
  const double offset = rows.offset(i), stored = double(x.indptr[i + 1] - x.indptr[i]);
  Lengths lengths;
  for (std::int64_t p = x.indptr[i]; p < x.indptr[i + 1]; ++p) {
    const double v = x.values[p];
    lengths.stored += v * v;
    lengths.row += (v + offset) * (v + offset);
  }
  if (offset != 0) lengths.row += (double(rows.cols()) - 1 - stored) * offset * offset;
  return lengths;
}

/// Half squared lengths and margins of one set, in the scale of the search.
struct Side {
  std::vector<Lengths> lengths;
  std::vector<float> halves, margins;

  explicit Side(const PreparedRows& rows) : lengths(rows.count()), halves(rows.count()), margins(rows.count()) {
    parallel_ranges(rows.count(), 512, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t i = begin; i < end; ++i) lengths[i] = measure(rows, i);
    });
  }

  double longest() const {
    double most = 0;
    for (const Lengths& l : lengths) most = std::max({most, l.row, l.stored});
    return std::sqrt(most);
  }

  void set_scale(double scale, std::size_t d) {
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      const double slack = std::max(lengths[i].row, lengths[i].stored) * scale * scale * score_slack(d) + kTinySlack;
      halves[i] = float(lengths[i].row * scale * scale / 2 - slack);
      margins[i] = float(2 * slack);
    }
  }
};

class Search {
 public:
  Search(const PreparedRows& queries, const PreparedRows& base, bool same, NeighborGraph& graph, const Control& control)
      : queries_(queries),
        base_(base),
        same_(same),
        graph_(graph),
        control_(control),
        query_side_(queries),
        base_side_(base),
        ruler_{queries, base} {
    const std::size_t d = base.cols();
    ruler_.scale = score_scale(std::max(query_side_.longest(), base_side_.longest()));
    query_side_.set_scale(ruler_.scale, d);
    base_side_.set_scale(ruler_.scale, d);
    ruler_.query_margin = query_side_.margins.data();
    ruler_.base_margin = base_side_.margins.data();
    const SparseMatrix& x = *base.sparse();
    values_ = Buffer<float>(x.values.size());
    for (std::size_t p = 0; p < x.values.size(); ++p) values_[p] = float(x.values[p] * ruler_.scale);
    blocks_.push_back(0);
    for (std::size_t j = 0; j < x.rows; ++j)
      if (std::size_t(x.indptr[j + 1] - x.indptr[blocks_.back()]) > kBlockValues && j > blocks_.back())
        blocks_.push_back(j);
    blocks_.push_back(x.rows);
  }

  void run() {
    const std::size_t panels = std::clamp<std::size_t>(kPanelBytes / (base_.cols() * kSize * sizeof(float)), 1, 8);
    std::atomic<std::size_t> done{0};
    parallel_ranges(queries_.count(), panels * kSize, [&](std::size_t begin, std::size_t end, int worker) {
      search(begin, end);
      const std::size_t rows_done = done.fetch_add(end - begin) + end - begin;
      if (worker == 0) control_.report("neighbours", double(rows_done), double(queries_.count()));
    });
  }

 private:
  /// Queries [begin, end) while they are searched.
  struct Queries {
    std::size_t begin, count, panels;
    Buffer<float> values;  ///< [panel][dimension][32]
    Buffer<float> halves, thresholds;
    CandidateRows kept;
  };

  void search(std::size_t begin, std::size_t end);
  void fill(Queries& q) const;
  void meet(Queries& q, std::size_t panel, std::size_t j);

  const PreparedRows &queries_, &base_;
  bool same_;
  NeighborGraph& graph_;
  const Control& control_;
  Side query_side_, base_side_;
  Ruler ruler_;
  Buffer<float> values_;             ///< of the base, scaled
  std::vector<std::size_t> blocks_;  ///< borders of base rows that fit a cache
};

void Search::search(std::size_t begin, std::size_t end) {
  const std::size_t count = end - begin, panels = (count + kSize - 1) / kSize;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  Queries q{begin,
            count,
            panels,
            Buffer<float>(panels * kSize * base_.cols(), 0.0f),
            Buffer<float>(panels * kSize, kInfinity),
            Buffer<float>(panels * kSize, kInfinity),
            CandidateRows(count, graph_.k, base_.count() - same_)};
  fill(q);
  for (std::size_t b = 0; b + 1 < blocks_.size(); ++b) {
    throw_if_stopped(control_);
    for (std::size_t panel = 0; panel < panels; ++panel)
      for (std::size_t j = blocks_[b]; j < blocks_[b + 1]; ++j) meet(q, panel, j);
  }
  for (std::size_t r = 0; r < count; ++r) q.kept.finish(r, begin + r, ruler_, graph_);
}

void Search::fill(Queries& q) const {
  const std::size_t d = base_.cols();
  std::vector<float> row(d);
  for (std::size_t r = 0; r < q.count; ++r) {
    queries_.fill(q.begin + r, 1, row.data());
    float* const out = q.values.data() + r / kSize * d * kSize + r % kSize;
    for (std::size_t t = 0; t < d; ++t) out[t * kSize] = float(row[t] * ruler_.scale);
    q.halves[r] = query_side_.halves[q.begin + r];
    q.thresholds[r] = q.kept.threshold(r);
  }
}

void Search::meet(Queries& q, std::size_t panel, std::size_t j) {
  const SparseMatrix& x = *base_.sparse();
  const auto first = std::size_t(x.indptr[j]);
  const std::size_t from = panel * kSize;
  float scores[kSize];
  std::uint32_t passing =
      panel_kernels().sparse_scores(q.values.data() + from * base_.cols(), x.indices.data() + first,
                                    values_.data() + first, std::size_t(x.indptr[j + 1]) - first,
                                    q.halves.data() + from, base_side_.halves[j], q.thresholds.data() + from, scores);
  for (; passing; passing &= passing - 1) {
    const std::size_t lane = std::size_t(__builtin_ctz(passing)), r = from + lane;
    if (same_ && q.begin + r == j) continue;
    if (q.kept.push(r, q.begin + r, {scores[lane], std::int32_t(j)}, ruler_)) q.thresholds[r] = q.kept.threshold(r);
  }
}

}  // namespace

void search_sparse(const PreparedRows& queries, const PreparedRows& base, bool same, NeighborGraph& graph,
                   const Control& control) {
  Search(queries, base, same, graph, control).run();
}

}  // namespace espalier
