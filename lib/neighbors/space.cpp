#include "neighbors/space.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/parallel.h"
#include "neighbors/frame.h"
#include "neighbors/panel.h"

namespace espalier {

namespace {

class DenseSpace : public Space {
 public:
  DenseSpace(const PreparedRows& rows, const Control& control) {
    const Frame frame = spread_first(rows, control);
    order_ = kd_leaves(frame.coordinates, kOrderColumns).order;
    x_ = pick_rows(frame.coordinates, order_);
  }

  void measure(std::size_t place, std::span<const std::int32_t> places, float* out) const override {
    panel_kernels().gathered_distances(x_.row(place), x_.data(), x_.cols(), places.data(), places.size(), out);
  }

  /// By panels of products: the rounding of nearly equal samples only blurs which of them is nearer.
  void measure_all(std::span<const std::int32_t> places, float* out) const override {
    const std::size_t d = x_.cols(), count = places.size(), panels = (count + kPanel - 1) / kPanel;
    const std::size_t width = panels * kPanel;
    Buffer<float> values(width * d, 0.0f), halves(width, std::numeric_limits<float>::infinity());
    Buffer<float> scores(kPanel * width);
    for (std::size_t r = 0; r < count; ++r) {
      const float* x = x_.row(std::size_t(places[r]));
      double sum = 0;
      for (std::size_t t = 0; t < d; ++t) {
        values[(r / kPanel * d + t) * kPanel + r % kPanel] = x[t];
        sum += double(x[t]) * x[t];
      }
      halves[r] = float(sum / 2);
    }
    for (std::size_t p = 0; p < panels; ++p) {
      for (std::size_t q = 0; q < panels; ++q)
        panel_kernels().all_scores(values.data() + p * d * kPanel, values.data() + q * d * kPanel,
                                   halves.data() + p * kPanel, halves.data() + q * kPanel, d,
                                   scores.data() + q * kPanel, width);
      for (std::size_t r = 0; r < kPanel && p * kPanel + r < count; ++r)
        for (std::size_t c = 0; c < count; ++c)
          out[(p * kPanel + r) * count + c] = std::max(0.0f, -2 * scores[r * width + c]);
    }
  }

  Leaves grow_tree(std::size_t most, const Random& random) const override {
    return random_leaves(x_.rows(), most, random,
                         [&](std::int32_t a, std::int32_t b, std::span<const std::int32_t> places, float* keys) {
                           std::vector<float> direction(x_.cols());
                           for (std::size_t t = 0; t < direction.size(); ++t)
                             direction[t] = x_(std::size_t(a), t) - x_(std::size_t(b), t);
                           for (const std::int32_t p : places)
                             keys[p] = panel_kernels().dot(x_.row(std::size_t(p)), direction.data(), x_.cols());
                         });
  }

 private:
  Matrix x_;
};

/// A tree of sparse rows; `names[p]` is the row at place p.
Leaves grow_sparse_tree(const PreparedRows& rows, std::span<const std::int32_t> names, std::size_t most,
                        const Random& random) {
  const SparseMatrix& x = *rows.sparse();
  return random_leaves(names.size(), most, random,
                       [&](std::int32_t a, std::int32_t b, std::span<const std::int32_t> places, float* keys) {
                         std::vector<float> direction(rows.cols()), other(rows.cols());
                         rows.fill(std::size_t(names[std::size_t(a)]), 1, direction.data());
                         rows.fill(std::size_t(names[std::size_t(b)]), 1, other.data());
                         for (std::size_t t = 0; t < direction.size(); ++t) direction[t] -= other[t];
                         // An offset adds the same to every product but for the sum of the direction, which is zero
                         // where rows have one.
                         for (const std::int32_t p : places) {
                           const auto i = std::size_t(names[std::size_t(p)]);
                           double sum = 0;
                           for (std::int64_t e = x.indptr[i]; e < x.indptr[i + 1]; ++e)
                             sum +=
                                 double(x.values[std::size_t(e)]) * direction[std::size_t(x.indices[std::size_t(e)])];
                           keys[p] = float(sum);
                         }
                       });
}

std::vector<std::int32_t> identity(std::size_t n) {
  std::vector<std::int32_t> names(n);
  std::iota(names.begin(), names.end(), 0);
  return names;
}

class SparseSpace : public Space {
 public:
  SparseSpace(const PreparedRows& rows, std::uint64_t seed) : rows_(rows), x_(*rows.sparse()), lengths_(x_.rows) {
    order_ = sparse_order(rows, seed);
    parallel_ranges(x_.rows, 1024, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t i = begin; i < end; ++i)
        for (std::int64_t e = x_.indptr[i]; e < x_.indptr[i + 1]; ++e)
          lengths_[i] += double(x_.values[std::size_t(e)]) * x_.values[std::size_t(e)];
    });
  }

  /// |x - y|^2 = |v|^2 + |w|^2 - 2 v.w - d (o - p)^2 for rows v + o and w + p that sum to zero (or o = p = 0).
  void measure(std::size_t place, std::span<const std::int32_t> places, float* out) const override {
    thread_local std::vector<float> scattered;  // all zeros between calls
    scattered.resize(std::max(scattered.size(), x_.cols));
    const auto i = std::size_t(order_[place]);
    for (std::int64_t e = x_.indptr[i]; e < x_.indptr[i + 1]; ++e)
      scattered[std::size_t(x_.indices[std::size_t(e)])] = x_.values[std::size_t(e)];
    for (std::size_t c = 0; c < places.size(); ++c) {
      const auto j = std::size_t(order_[std::size_t(places[c])]);
      double product = 0;
      for (std::int64_t e = x_.indptr[j]; e < x_.indptr[j + 1]; ++e)
        product += double(x_.values[std::size_t(e)]) * scattered[std::size_t(x_.indices[std::size_t(e)])];
      const double shift = double(rows_.offset(i)) - rows_.offset(j);
      const double squared = lengths_[i] + lengths_[j] - 2 * product - double(x_.cols - 1) * shift * shift;
      out[c] = float(std::max(0.0, squared));
    }
    for (std::int64_t e = x_.indptr[i]; e < x_.indptr[i + 1]; ++e)
      scattered[std::size_t(x_.indices[std::size_t(e)])] = 0;
  }

  void measure_all(std::span<const std::int32_t> places, float* out) const override {
    for (std::size_t r = 0; r < places.size(); ++r) measure(std::size_t(places[r]), places, out + r * places.size());
  }

  Leaves grow_tree(std::size_t most, const Random& random) const override {
    return grow_sparse_tree(rows_, order_, most, random);
  }

 private:
  const PreparedRows& rows_;
  const SparseMatrix& x_;
  std::vector<double> lengths_;  ///< squared, of the stored values
};

}  // namespace

std::vector<std::int32_t> sparse_order(const PreparedRows& rows, std::uint64_t seed) {
  const std::vector<std::int32_t> names = identity(rows.count());
  return grow_sparse_tree(rows, names, kPanel, Random(seed, 0x04d)).order;
}

std::unique_ptr<Space> make_space(const PreparedRows& rows, std::uint64_t seed, const Control& control) {
  if (rows.dense()) return std::make_unique<DenseSpace>(rows, control);
  return std::make_unique<SparseSpace>(rows, seed);
}

}  // namespace espalier
