#pragma once
/// Samples as the algorithms see them: N rows of d numbers, dense or compressed sparse rows.

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

#include "tensor/buffer.h"

namespace espalier {

/// Dense, row-major, rows x cols, no padding between rows.
class Matrix {
 public:
  Matrix() = default;
  Matrix(std::size_t rows, std::size_t cols) : rows_(rows), cols_(cols), values_(rows * cols) {}
  Matrix(std::size_t rows, std::size_t cols, float value) : rows_(rows), cols_(cols), values_(rows * cols, value) {}

  std::size_t rows() const { return rows_; }
  std::size_t cols() const { return cols_; }
  std::size_t size() const { return values_.size(); }
  bool empty() const { return values_.empty(); }
  float* data() { return values_.data(); }
  const float* data() const { return values_.data(); }
  float* row(std::size_t i) { return values_.data() + i * cols_; }
  const float* row(std::size_t i) const { return values_.data() + i * cols_; }
  float& operator()(std::size_t i, std::size_t j) { return values_[i * cols_ + j]; }
  float operator()(std::size_t i, std::size_t j) const { return values_[i * cols_ + j]; }

 private:
  std::size_t rows_ = 0, cols_ = 0;
  Buffer<float> values_;
};

/// Compressed sparse rows: row i holds values[p] at column indices[p] for indptr[i] <= p < indptr[i + 1]. Columns are
/// ascending within a row and occur once.
struct SparseMatrix {
  std::size_t rows = 0, cols = 0;
  std::vector<std::int64_t> indptr;
  std::vector<std::int32_t> indices;
  std::vector<float> values;
};

using Samples = std::variant<Matrix, SparseMatrix>;

inline std::size_t sample_count(const Samples& samples) {
  if (const auto* dense = std::get_if<Matrix>(&samples)) return dense->rows();
  return std::get<SparseMatrix>(samples).rows;
}

inline std::size_t dimension(const Samples& samples) {
  if (const auto* dense = std::get_if<Matrix>(&samples)) return dense->cols();
  return std::get<SparseMatrix>(samples).cols;
}

/// Rows [first, first + count) of the samples, made dense; `out` has count x dimension places.
void dense_rows(const Samples&, std::size_t first, std::size_t count, float* out);

/// The rows that `picked` names, in that order.
Matrix pick_rows(const Matrix&, std::span<const std::int32_t> picked);
Samples pick_rows(const Samples&, std::span<const std::int32_t> picked);

}  // namespace espalier
