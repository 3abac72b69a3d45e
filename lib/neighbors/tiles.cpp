#include "neighbors/tiles.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "base/parallel.h"
#include "neighbors/candidates.h"
#include "neighbors/frame.h"
#include "tensor/blas.h"

namespace espalier {

namespace {

/// Rows per block, so that a block of base rows stays within the second-level cache or a few times that.
std::size_t block_rows(std::size_t d, std::size_t most) {
  return std::clamp<std::size_t>((std::size_t(1) << 20) / d, 16, most);
}

/// Blocks of one set in the coordinates of the search: centred, scaled, with half squared lengths and margins.
class Side {
 public:
  Side(const PreparedRows& rows, const std::vector<double>& mean)
      : rows_(rows), mean_(mean), lengths_(rows.count()), half_(rows.count()), margin_(rows.count()) {
    const std::size_t d = rows.cols(), block = block_rows(d, 1024);
    parallel_ranges(rows.count(), block, [&](std::size_t begin, std::size_t end, int) {
      Buffer<float> x((end - begin) * d);
      rows_.fill(begin, end - begin, x.data());
      for (std::size_t i = begin; i < end; ++i) {
        double sum = 0;
        for (std::size_t t = 0; t < d; ++t) {
          const double e = x[(i - begin) * d + t] - mean_[t];
          sum += e * e;
        }
        lengths_[i] = std::sqrt(sum);
      }
    });
  }

  double longest() const { return *std::max_element(lengths_.begin(), lengths_.end()); }

  void set_scale(double scale) {
    scale_ = scale;
    const double slack = score_slack(rows_.cols());
    for (std::size_t i = 0; i < rows_.count(); ++i) {
      const double squared = lengths_[i] * lengths_[i] * scale * scale;
      half_[i] = float(squared * (0.5 - slack) - kTinySlack);
      margin_[i] = float(2 * (squared * slack + kTinySlack));
    }
  }

  void fill(std::size_t first, std::size_t count, float* out) const {
    rows_.fill(first, count, out);
    for (std::size_t r = 0; r < count; ++r)
      for (std::size_t t = 0; t < mean_.size(); ++t, ++out) *out = float((*out - mean_[t]) * scale_);
  }

  float half(std::size_t i) const { return half_[i]; }
  const float* margins() const { return margin_.data(); }

 private:
  const PreparedRows& rows_;
  const std::vector<double>& mean_;
  double scale_ = 1;
  std::vector<double> lengths_;
  std::vector<float> half_, margin_;
};

}  // namespace

void search_tiles(const PreparedRows& queries, const PreparedRows& base, bool same, NeighborGraph& graph,
                  const Control& control) {
  const std::size_t d = base.cols(), k = graph.k;
  const std::vector<double> mean = column_means(base);
  Side query_side(queries, mean), base_side(base, mean);
  const double scale = score_scale(std::max(query_side.longest(), base_side.longest()));
  query_side.set_scale(scale);
  base_side.set_scale(scale);
  const Ruler ruler{queries, base, scale, query_side.margins(), base_side.margins()};

  const std::size_t query_block = block_rows(d, 256), base_block = block_rows(d, 1024);
  std::atomic<std::size_t> done{0};
  parallel_ranges(queries.count(), query_block, [&](std::size_t begin, std::size_t end, int worker) {
    const std::size_t m = end - begin;
    Buffer<float> a(m * d), b(base_block * d), scores(m * base_block);
    query_side.fill(begin, m, a.data());
    CandidateRows kept(m, k, base.count() - same);
    for (std::size_t first = 0; first < base.count(); first += base_block) {
      throw_if_stopped(control);
      const std::size_t n = std::min(base_block, base.count() - first);
      base_side.fill(first, n, b.data());
      gemm(Op::none, Op::transpose, m, n, d, 1, a.data(), d, b.data(), d, 0, scores.data(), base_block);
      for (std::size_t r = 0; r < m; ++r) {
        const float half = query_side.half(begin + r);
        for (std::size_t c = 0; c < n; ++c) {
          const float score = scores[r * base_block + c] - (half + base_side.half(first + c));
          if (score >= kept.threshold(r) && !(same && first + c == begin + r))
            kept.push(r, begin + r, {score, std::int32_t(first + c)}, ruler);
        }
      }
    }
    for (std::size_t r = 0; r < m; ++r) kept.finish(r, begin + r, ruler, graph);
    const std::size_t rows_done = done.fetch_add(m) + m;
    if (worker == 0) control.report("neighbours", double(rows_done), double(queries.count()));
  });
}

}  // namespace espalier
