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

#include "neighbors/rows.h"

namespace espalier {

class Distances {
 public:
  /// The samples must outlive this. Throws DataError, naming `name`, for a row with NaN or infinity.
  Distances(const Samples& samples, Metric metric, const std::string& file, const std::string& name);

  std::size_t rows() const { return prepared_.count(); }

  /// out[a * rows() + j] = squared distance of samples which[a] and j; for cosine and correlation, of their prepared
  /// rows (neighbors/rows). One thread; may be called from inside a parallel loop. Cost: |which| N d.
  void from(std::span<const std::int32_t> which, double* out) const;

  /// The squared distance of two samples, from their differences.
  double pair(std::size_t i, std::size_t j) const { return prepared_.squared_distance(i, prepared_, j); }

  /// A squared distance in the metric's own unit: its root, or 1 - cosine.
  double in_unit(double squared) const;

 private:
  void measure_rows(const std::string& file, const std::string& name);
  void lay_out_columns();
  void move_origin();
  void products_dense(std::span<const std::int32_t> which, double* out) const;
  void products_sparse(std::span<const std::int32_t> which, double* out) const;

  PreparedRows prepared_;
  Metric metric_;
  std::size_t shared_;           ///< columns that a sparse row's offset applies to
  std::vector<double> norm_;     ///< squared length of each row, seen from the origin
  std::vector<double> sum_;      ///< sparse: sum of the values stored in shared columns
  std::vector<double> origin_;   ///< dense
  std::vector<double> columns_;  ///< dimension x N, where differences are formed directly
};

}  // namespace espalier
