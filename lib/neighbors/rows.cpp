#include "neighbors/rows.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "neighbors/panel.h"

namespace espalier {

namespace {

constexpr std::size_t kChunk = 512;

struct Normalizer {
  double mean = 0, inverse_length = 0;
  bool directed() const { return inverse_length > 0; }
};

/// From the sum of the d values of a row, their sum of squares about zero, and about the mean. Deviations below 1e-12
/// of the values cannot come from floats that differ: they are the rounding of the mean of a constant row.
Normalizer normalizer(double mean, double about_zero, double about_mean) {
  if (about_mean <= 1e-24 * about_zero) return {};
  return {mean, 1 / std::sqrt(about_mean)};
}

Normalizer measure(const float* values, std::size_t stored, std::size_t d, bool center) {
  double sum = 0, about_zero = 0, about_mean = 0;
  for (std::size_t t = 0; t < stored; ++t) sum += values[t], about_zero += double(values[t]) * values[t];
  if (!center) return normalizer(0, about_zero, about_zero);
  const double mean = sum / double(d);
  for (std::size_t t = 0; t < stored; ++t) about_mean += (values[t] - mean) * (values[t] - mean);
  about_mean += double(d - stored) * mean * mean;
  return normalizer(mean, about_zero, about_mean);
}

}  // namespace

PreparedRows::PreparedRows(const Samples& samples, Metric metric)
    : count_(sample_count(samples)), cols_(dimension(samples)), shared_(cols_) {
  samples_ = &samples;
  if (metric != Metric::euclidean) {
    ++cols_;
    const bool center = metric == Metric::correlation;
    if (const auto* dense = std::get_if<Matrix>(&samples))
      own_ = normalize_dense(*dense, center);
    else
      own_ = normalize_sparse(std::get<SparseMatrix>(samples), center);
    samples_ = &own_;
  }
  dense_ = std::get_if<Matrix>(samples_);
  sparse_ = std::get_if<SparseMatrix>(samples_);
}

Matrix PreparedRows::normalize_dense(const Matrix& given, bool center) {
  Matrix out(count_, cols_);
  parallel_ranges(count_, kChunk, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) {
      const float* x = given.row(i);
      float* y = out.row(i);
      const Normalizer n = measure(x, shared_, shared_, center);
      for (std::size_t t = 0; t < shared_; ++t) y[t] = float((x[t] - n.mean) * n.inverse_length);
      y[shared_] = n.directed() ? 0.0f : 1.0f;
    }
  });
  return out;
}

SparseMatrix PreparedRows::normalize_sparse(const SparseMatrix& given, bool center) {
  SparseMatrix out{count_, cols_, {0}, {}, {}};
  out.indices.reserve(given.indices.size());
  out.values.reserve(given.values.size());
  if (center) offsets_.resize(count_);
  for (std::size_t i = 0; i < count_; ++i) {
    const std::int64_t begin = given.indptr[i], end = given.indptr[i + 1];
    const Normalizer n = measure(given.values.data() + begin, std::size_t(end - begin), shared_, center);
    if (n.directed()) {
      for (std::int64_t p = begin; p < end; ++p) {
        out.indices.push_back(given.indices[p]);
        out.values.push_back(float(given.values[p] * n.inverse_length));
      }
      if (center) offsets_[i] = float(-n.mean * n.inverse_length);
    } else {
      out.indices.push_back(std::int32_t(shared_));
      out.values.push_back(1.0f);
    }
    out.indptr.push_back(std::int64_t(out.values.size()));
  }
  return out;
}

void PreparedRows::fill(std::size_t first, std::size_t count, float* out) const {
  if (dense_) {
    std::copy(dense_->row(first), dense_->row(first) + count * cols_, out);
    return;
  }
  for (std::size_t i = first; i < first + count; ++i, out += cols_) {
    std::fill(out, out + shared_, offset(i));
    std::fill(out + shared_, out + cols_, 0.0f);
    for (std::int64_t p = sparse_->indptr[i]; p < sparse_->indptr[i + 1]; ++p)
      out[sparse_->indices[p]] += sparse_->values[p];
  }
}

void PreparedRows::squared_distances(std::size_t i, const PreparedRows& other, std::span<const std::int32_t> others,
                                     double* out) const {
  if (dense_) {
    panel_kernels().gathered_exactly(dense_->row(i), other.dense_->data(), cols_, others.data(), others.size(), out);
    return;
  }
  for (std::size_t c = 0; c < others.size(); ++c) out[c] = sparse_distance(i, other, std::size_t(others[c]));
}

double PreparedRows::sparse_distance(std::size_t i, const PreparedRows& other, std::size_t j) const {
  const SparseMatrix &a = *sparse_, &b = *other.sparse_;
  const double shift = double(offset(i)) - other.offset(j);
  std::int64_t p = a.indptr[i], q = b.indptr[j];
  const std::int64_t p_end = a.indptr[i + 1], q_end = b.indptr[j + 1];
  const auto shared = std::int32_t(shared_);
  double sum = 0;
  std::size_t met = 0;  // columns below `shared_` that either row stores
  while (p < p_end || q < q_end) {
    const std::int32_t at_p = p < p_end ? a.indices[p] : INT32_MAX, at_q = q < q_end ? b.indices[q] : INT32_MAX;
    const std::int32_t column = std::min(at_p, at_q);
    double difference = column < shared ? shift : 0;
    if (at_p == column) difference += a.values[p++];
    if (at_q == column) difference -= b.values[q++];
    sum += difference * difference;
    met += column < shared;
  }
  return sum + double(shared_ - met) * shift * shift;
}

float metric_distance(Metric metric, double squared) {
  return float(metric == Metric::euclidean ? std::sqrt(squared) : squared / 2);
}

}  // namespace espalier
