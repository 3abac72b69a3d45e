#include "quality/distances.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/parallel.h"
#include "tensor/blas.h"

namespace espalier {

namespace {

constexpr std::size_t kDirectDimensions = 16;
constexpr double kLostDigits = 1e-6;
constexpr std::size_t kRowsPerChunk = 1024;
constexpr std::size_t kTileValues = std::size_t(1) << 18;  // 2 MiB of doubles: a tile stays in the second-level cache

/// Sum and sum of squares about the mean of d numbers, of which `zeros` are not stored.
struct Moments {
  double mean = 0, squares = 0, centred_squares = 0;
  Moments(std::span<const float> stored, std::size_t d) {
    double sum = 0;
    for (float x : stored) sum += x, squares += double(x) * x;
    mean = sum / double(d);
    for (float x : stored) centred_squares += (x - mean) * (x - mean);
    centred_squares += double(d - stored.size()) * mean * mean;
  }
};

}  // namespace

Distances::Distances(const Samples& samples, Metric metric, std::string name)
    : dense_(std::get_if<Matrix>(&samples)),
      sparse_(std::get_if<SparseMatrix>(&samples)),
      metric_(metric),
      name_(std::move(name)),
      rows_(sample_count(samples)),
      dimension_(dimension(samples)) {
  measure_rows();
  if (dense_) move_origin();
}

Distances::Distances(const Matrix& embedding, std::string name)
    : dense_(&embedding), name_(std::move(name)), rows_(embedding.rows()), dimension_(embedding.cols()) {
  measure_rows();
  move_origin();
}

/// Shift, scale and squared length of every row under the metric.
void Distances::measure_rows() {
  shift_.assign(rows_, 0);
  scale_.assign(rows_, 1);
  norm_.assign(rows_, 1);
  parallel_ranges(rows_, kRowsPerChunk, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) {
      std::span<const float> stored;
      if (dense_)
        stored = {dense_->row(i), dimension_};
      else
        stored = {sparse_->values.data() + sparse_->indptr[i],
                  std::size_t(sparse_->indptr[i + 1] - sparse_->indptr[i])};
      const Moments moments(stored, dimension_);
      if (!std::isfinite(moments.squares)) throw DataError("", name_, "row {} holds NaN or infinity", i);
      if (metric_ == Metric::euclidean) {
        norm_[i] = moments.squares;
        continue;
      }
      const bool correlation = metric_ == Metric::correlation;
      const double length = std::sqrt(correlation ? moments.centred_squares : moments.squares);
      if (!(length > 0))
        throw DataError("", name_, "row {} is {}: it has no {} with other rows", i, correlation ? "constant" : "zero",
                        correlation ? "correlation" : "angle");
      shift_[i] = correlation ? moments.mean : 0;
      scale_[i] = 1 / length;
    }
  });
}

/// Puts the origin into the sample nearest to the mean, or, in few dimensions, lays out columns for direct differences.
void Distances::move_origin() {
  origin_.assign(dimension_, 0);
  const auto load = [&](std::size_t i, double* out) {
    distance_kernels().load_row(dimension_, scaled(i), origin_.data(), out);
  };
  std::vector<double> row(dimension_);
  if (dimension_ <= kDirectDimensions) {
    columns_.resize(rows_ * dimension_);
    for (std::size_t i = 0; i < rows_; ++i) {
      load(i, row.data());
      for (std::size_t c = 0; c < dimension_; ++c) columns_[c * rows_ + i] = row[c];
    }
    return;
  }
  if (metric_ != Metric::euclidean) return;  // normalised rows are of length 1 about an origin that is as good as any
  std::vector<double> mean(dimension_, 0);
  for (std::size_t i = 0; i < rows_; ++i)
    for (std::size_t c = 0; c < dimension_; ++c) mean[c] += dense_->row(i)[c];
  for (double& m : mean) m /= double(rows_);
  std::vector<double> distance(rows_);
  const auto measure = [&](const std::vector<double>& origin) {
    parallel_ranges(rows_, kRowsPerChunk, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t i = begin; i < end; ++i) {
        double sum = 0;
        for (std::size_t c = 0; c < dimension_; ++c)
          sum += (dense_->row(i)[c] - origin[c]) * (dense_->row(i)[c] - origin[c]);
        distance[i] = sum;
      }
    });
  };
  measure(mean);
  const std::size_t nearest = std::size_t(std::min_element(distance.begin(), distance.end()) - distance.begin());
  for (std::size_t c = 0; c < dimension_; ++c) origin_[c] = dense_->row(nearest)[c];
  measure(origin_);
  norm_ = std::move(distance);
}

ScaledRow Distances::scaled(std::size_t i) const { return {dense_->row(i), shift_[i], scale_[i]}; }

void Distances::from(std::span<const std::int32_t> which, double* out) const {
  if (!columns_.empty()) {
    std::fill(out, out + which.size() * rows_, 0.0);
    for (std::size_t a = 0; a < which.size(); ++a)
      for (std::size_t c = 0; c < dimension_; ++c) {
        const double* column = columns_.data() + c * rows_;
        distance_kernels().add_squared_differences(rows_, column, column[which[a]], out + a * rows_);
      }
    return;
  }
  if (dense_)
    products_dense(which, out);
  else
    products_sparse(which, out);
  for (std::size_t a = 0; a < which.size(); ++a) {
    const std::size_t i = std::size_t(which[a]);
    double* row = out + a * rows_;
    for (std::size_t j = 0; j < rows_; ++j) {
      const double size = norm_[i] + norm_[j];
      row[j] = size - 2 * row[j];
      if (!(row[j] >= kLostDigits * size)) row[j] = pair(i, j);
    }
  }
}

/// out[a][j] = x_a . x_j, by tiles of columns j.
void Distances::products_dense(std::span<const std::int32_t> which, double* out) const {
  const std::size_t tile = std::clamp<std::size_t>(kTileValues / dimension_, 16, 256);
  Buffer<double> anchors(which.size() * dimension_), others(tile * dimension_);
  const DistanceKernels& kernels = distance_kernels();
  for (std::size_t a = 0; a < which.size(); ++a)
    kernels.load_row(dimension_, scaled(std::size_t(which[a])), origin_.data(), anchors.data() + a * dimension_);
  for (std::size_t first = 0; first < rows_; first += tile) {
    const std::size_t count = std::min(tile, rows_ - first);
    for (std::size_t j = 0; j < count; ++j)
      kernels.load_row(dimension_, scaled(first + j), origin_.data(), others.data() + j * dimension_);
    gemm(Op::none, Op::transpose, which.size(), count, dimension_, 1.0, anchors.data(), dimension_, others.data(),
         dimension_, 0.0, out + first, rows_);
  }
}

/// The same for sparse samples: kPanel anchors at a time made dense, side by side, and every row run over them.
void Distances::products_sparse(std::span<const std::int32_t> which, double* out) const {
  Buffer<double> panel(dimension_ * kPanel);
  for (std::size_t first = 0; first < which.size(); first += kPanel) {
    const std::size_t count = std::min(kPanel, which.size() - first);
    std::fill(panel.begin(), panel.end(), 0.0);
    for (std::size_t s = 0; s < count; ++s) {
      const std::size_t i = std::size_t(which[first + s]);
      for (std::int64_t p = sparse_->indptr[i]; p < sparse_->indptr[i + 1]; ++p)
        panel[std::size_t(sparse_->indices[p]) * kPanel + s] = sparse_->values[p];
    }
    for (std::size_t j = 0; j < rows_; ++j) {
      const std::int64_t begin = sparse_->indptr[j], end = sparse_->indptr[j + 1];
      double products[kPanel];
      distance_kernels().sparse_products(std::size_t(end - begin), sparse_->indices.data() + begin,
                                         sparse_->values.data() + begin, panel.data(), products);
      for (std::size_t s = 0; s < count; ++s) {
        const std::size_t i = std::size_t(which[first + s]);
        const double shifted = products[s] - double(dimension_) * shift_[i] * shift_[j];
        out[(first + s) * rows_ + j] = shifted * scale_[i] * scale_[j];
      }
    }
  }
}

double Distances::pair(std::size_t i, std::size_t j) const {
  return dense_ ? distance_kernels().squared_distance(dimension_, scaled(i), scaled(j)) : sparse_pair(i, j);
}

/// Two ascending lists of columns merged; what neither stores differs by the shifts alone.
double Distances::sparse_pair(std::size_t i, std::size_t j) const {
  std::int64_t p = sparse_->indptr[i], r = sparse_->indptr[j];
  const std::int64_t p_end = sparse_->indptr[i + 1], r_end = sparse_->indptr[j + 1];
  double sum = 0;
  std::size_t stored = 0;
  for (; p < p_end || r < r_end; ++stored) {
    const std::int32_t column_i = p < p_end ? sparse_->indices[p] : INT32_MAX;
    const std::int32_t column_j = r < r_end ? sparse_->indices[r] : INT32_MAX;
    const double x = column_i <= column_j ? sparse_->values[p++] : 0;
    const double y = column_j <= column_i ? sparse_->values[r++] : 0;
    const double difference = (x - shift_[i]) * scale_[i] - (y - shift_[j]) * scale_[j];
    sum += difference * difference;
  }
  const double elsewhere = shift_[i] * scale_[i] - shift_[j] * scale_[j];
  return sum + double(dimension_ - stored) * elsewhere * elsewhere;
}

double Distances::in_unit(double squared) const {
  return metric_ == Metric::euclidean ? std::sqrt(squared) : squared / 2;
}

}  // namespace espalier
