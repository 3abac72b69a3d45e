#pragma once
/// Samples made ready for a euclidean search: whatever the metric, its order is that of |x - y| between prepared rows.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "neighbors/metric.h"
#include "tensor/matrix.h"

namespace espalier {

/// Euclidean rows are the samples themselves (not copied: they must outlive this). The rows of the other metrics are
/// centred (correlation), brought to length 1 in double precision and rounded to float, with one column appended that
/// is 1 in rows without direction and 0 elsewhere. Sparse samples stay sparse.
class PreparedRows {
 public:
  PreparedRows(const Samples&, Metric);
  PreparedRows(const PreparedRows&) = delete;

  std::size_t count() const { return count_; }
  std::size_t cols() const { return cols_; }
  /// The prepared rows, but for offset().
  const Samples& samples() const { return *samples_; }
  const Matrix* dense() const { return dense_; }
  /// Row i is values + offset(i) in every column but the appended one; nullptr where the samples are dense.
  const SparseMatrix* sparse() const { return sparse_; }
  float offset(std::size_t i) const { return offsets_.empty() ? 0.0f : offsets_[i]; }

  /// Rows [first, first + count), dense, into count x cols() places.
  void fill(std::size_t first, std::size_t count, float* out) const;

  /// out[c] = |row i - row others[c] of other|^2 from differences, in double precision: exact to rounding at any scale
  /// and any distance from the origin, and the same number for the same pair in every search. Both are dense or both
  /// are sparse.
  void squared_distances(std::size_t i, const PreparedRows& other, std::span<const std::int32_t> others,
                         double* out) const;

  double squared_distance(std::size_t i, const PreparedRows& other, std::size_t j) const {
    const auto only = static_cast<std::int32_t>(j);
    double squared;
    squared_distances(i, other, {&only, 1}, &squared);
    return squared;
  }

 private:
  Matrix normalize_dense(const Matrix&, bool center);
  double sparse_distance(std::size_t i, const PreparedRows& other, std::size_t j) const;
  SparseMatrix normalize_sparse(const SparseMatrix&, bool center);

  std::size_t count_ = 0, cols_ = 0, shared_ = 0;  ///< the first `shared_` columns carry the offset
  Samples own_;
  std::vector<float> offsets_;
  const Samples* samples_;
  const Matrix* dense_;
  const SparseMatrix* sparse_;
};

/// The metric's own distance, from a squared distance of prepared rows.
float metric_distance(Metric, double squared);

}  // namespace espalier
