#pragma once
/// Squared distances from one sample to all, in double precision: the quality measures count ranks, so two neighbours
/// must not change places because single precision could not tell them apart. N x N numbers are never held.
///
/// Up to 16 dimensions the differences are formed directly. Beyond, |x - y|^2 = |x|^2 + |y|^2 - 2 x.y by matrix
/// products, after moving the origin into the sample nearest to the mean (integers stay integers, so equal distances
/// stay equal; sparse samples are not moved). Where the result is below 1e-6 (|x|^2 + |y|^2), and so might have lost
/// its digits, the differences are formed after all: the relative error is below 1e-8 everywhere.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "neighbors/metric.h"
#include "quality/kernels.h"
#include "tensor/matrix.h"

namespace espalier {

class Distances {
 public:
  /// The samples must outlive this. Throws DataError, naming `name`, for a row with NaN or infinity, and for a row
  /// without a direction (zero for cosine, constant for correlation).
  Distances(const Samples& samples, Metric metric, std::string name);
  /// An embedding: N x m, euclidean.
  Distances(const Matrix& embedding, std::string name);

  std::size_t rows() const { return rows_; }

  /// out[a * rows() + j] = squared distance of samples which[a] and j: for cosine and correlation of the normalised
  /// rows. One thread; may be called from inside a parallel loop. Cost: |which| N d.
  void from(std::span<const std::int32_t> which, double* out) const;

  /// The squared distance of two samples, from their differences.
  double pair(std::size_t i, std::size_t j) const;

  /// A squared distance in the metric's own unit: its root, or 1 - cosine.
  double in_unit(double squared) const;

 private:
  void measure_rows();
  void move_origin();
  ScaledRow scaled(std::size_t i) const;
  double sparse_pair(std::size_t i, std::size_t j) const;
  void products_dense(std::span<const std::int32_t> which, double* out) const;
  void products_sparse(std::span<const std::int32_t> which, double* out) const;

  const Matrix* dense_ = nullptr;
  const SparseMatrix* sparse_ = nullptr;
  Metric metric_ = Metric::euclidean;
  std::string name_;
  std::size_t rows_ = 0, dimension_ = 0;
  std::vector<double> shift_, scale_;  ///< each row stands for (x - shift) * scale
  std::vector<double> norm_;           ///< squared length of each row, seen from the origin
  std::vector<double> origin_;
  std::vector<double> columns_;  ///< dimension x N, where differences are formed directly
};

}  // namespace espalier
