#include "quality/distances.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/parallel.h"
#include "quality/kernels.h"
#include "tensor/blas.h"

namespace espalier {

namespace {

constexpr std::size_t kDirectDimensions = 16;
constexpr double kLostDigits = 1e-6;
constexpr std::size_t kRowsPerChunk = 1024;
constexpr std::size_t kTileValues = std::size_t(1) << 18;  // 2 MiB of doubles: a tile stays in the second-level cache

}  // namespace

Distances::Distances(const Samples& samples, Metric metric, const std::string& file, const std::string& name)
    : prepared_(samples, metric),
      metric_(metric),
      shared_(prepared_.cols() - (metric != Metric::euclidean)),
      norm_(rows()),
      sum_(prepared_.sparse() ? rows() : 0) {
  measure_rows(file, name);
  if (prepared_.cols() <= kDirectDimensions)
    lay_out_columns();
  else if (prepared_.dense())
    move_origin();
}

/// Squared length of every row about zero, and the sums that sparse products need.
void Distances::measure_rows(const std::string& file, const std::string& name) {
  parallel_ranges(rows(), kRowsPerChunk, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) {
      double squares = 0;
      if (const Matrix* dense = prepared_.dense()) {
        for (std::size_t c = 0; c < prepared_.cols(); ++c) squares += double(dense->row(i)[c]) * dense->row(i)[c];
      } else {
        const SparseMatrix& sparse = *prepared_.sparse();
        for (std::int64_t p = sparse.indptr[i]; p < sparse.indptr[i + 1]; ++p) {
          squares += double(sparse.values[p]) * sparse.values[p];
          if (std::size_t(sparse.indices[p]) < shared_) sum_[i] += sparse.values[p];
        }
        const double offset = prepared_.offset(i);
        squares += 2 * offset * sum_[i] + double(shared_) * offset * offset;
      }
      if (!std::isfinite(squares)) throw DataError(file, name, "row {} holds NaN or infinity", i);
      norm_[i] = squares;
    }
  });
}

void Distances::lay_out_columns() {
  columns_.resize(prepared_.cols() * rows());
  std::vector<float> row(prepared_.cols());
  for (std::size_t i = 0; i < rows(); ++i) {
    prepared_.fill(i, 1, row.data());
    for (std::size_t c = 0; c < row.size(); ++c) columns_[c * rows() + i] = row[c];
  }
}

/// Puts the origin into the sample nearest to the mean.
void Distances::move_origin() {
  const Matrix& samples = *prepared_.dense();
  const std::size_t d = prepared_.cols();
  std::vector<double> mean(d, 0);
  for (std::size_t i = 0; i < rows(); ++i)
    for (std::size_t c = 0; c < d; ++c) mean[c] += samples.row(i)[c];
  for (double& m : mean) m /= double(rows());
  const auto measure = [&](const std::vector<double>& origin) {
    parallel_ranges(rows(), kRowsPerChunk, [&](std::size_t begin, std::size_t end, int) {
      std::vector<double> moved(d);
      for (std::size_t i = begin; i < end; ++i) {
        distance_kernels().move_row(d, samples.row(i), origin.data(), moved.data());
        norm_[i] = 0;
        for (double x : moved) norm_[i] += x * x;
      }
    });
  };
  measure(mean);
  const std::size_t nearest = std::size_t(std::min_element(norm_.begin(), norm_.end()) - norm_.begin());
  origin_.assign(samples.row(nearest), samples.row(nearest) + d);
  measure(origin_);
}

void Distances::from(std::span<const std::int32_t> which, double* out) const {
  const std::size_t n = rows();
  if (!columns_.empty()) {
    std::fill(out, out + which.size() * n, 0.0);
    for (std::size_t a = 0; a < which.size(); ++a)
      for (std::size_t c = 0; c < prepared_.cols(); ++c) {
        const double* column = columns_.data() + c * n;
        distance_kernels().add_squared_differences(n, column, column[which[a]], out + a * n);
      }
    return;
  }
  if (prepared_.dense())
    products_dense(which, out);
  else
    products_sparse(which, out);
  for (std::size_t a = 0; a < which.size(); ++a) {
    const std::size_t i = std::size_t(which[a]);
    double* row = out + a * n;
    for (std::size_t j = 0; j < n; ++j) {
      const double size = norm_[i] + norm_[j];
      row[j] = size - 2 * row[j];
      if (!(row[j] >= kLostDigits * size)) row[j] = pair(i, j);
    }
  }
}

/// out[a][j] = x_a . x_j, by tiles of columns j.
void Distances::products_dense(std::span<const std::int32_t> which, double* out) const {
  const Matrix& samples = *prepared_.dense();
  const std::size_t d = prepared_.cols(), tile = std::clamp<std::size_t>(kTileValues / d, 16, 256);
  Buffer<double> anchors(which.size() * d), others(tile * d);
  const auto load = [&](std::size_t i, double* to) {
    distance_kernels().move_row(d, samples.row(i), origin_.data(), to);
  };
  for (std::size_t a = 0; a < which.size(); ++a) load(std::size_t(which[a]), anchors.data() + a * d);
  for (std::size_t first = 0; first < rows(); first += tile) {
    const std::size_t count = std::min(tile, rows() - first);
    for (std::size_t j = 0; j < count; ++j) load(first + j, others.data() + j * d);
    gemm(Op::none, Op::transpose, which.size(), count, d, 1.0, anchors.data(), d, others.data(), d, 0.0, out + first,
         rows());
  }
}

/// The same for sparse samples: kPanel anchors at a time made dense, side by side, and every row run over them. With
/// offsets o: sum over shared columns of (x + o_x)(y + o_y) = x.y + o_x sum(y) + o_y sum(x) + o_x o_y shared.
void Distances::products_sparse(std::span<const std::int32_t> which, double* out) const {
  const SparseMatrix& sparse = *prepared_.sparse();
  Buffer<double> panel(prepared_.cols() * kPanel);
  for (std::size_t first = 0; first < which.size(); first += kPanel) {
    const std::size_t count = std::min(kPanel, which.size() - first);
    std::fill(panel.begin(), panel.end(), 0.0);
    for (std::size_t s = 0; s < count; ++s) {
      const std::size_t i = std::size_t(which[first + s]);
      for (std::int64_t p = sparse.indptr[i]; p < sparse.indptr[i + 1]; ++p)
        panel[std::size_t(sparse.indices[p]) * kPanel + s] = sparse.values[p];
    }
    for (std::size_t j = 0; j < rows(); ++j) {
      const std::int64_t begin = sparse.indptr[j], end = sparse.indptr[j + 1];
      double products[kPanel];
      distance_kernels().sparse_products(std::size_t(end - begin), sparse.indices.data() + begin,
                                         sparse.values.data() + begin, panel.data(), products);
      const double offset_j = prepared_.offset(j);
      for (std::size_t s = 0; s < count; ++s) {
        const std::size_t i = std::size_t(which[first + s]);
        const double offset_i = prepared_.offset(i);
        out[(first + s) * rows() + j] =
            products[s] + offset_i * sum_[j] + offset_j * sum_[i] + offset_i * offset_j * double(shared_);
      }
    }
  }
}

double Distances::in_unit(double squared) const {
  return metric_ == Metric::euclidean ? std::sqrt(squared) : squared / 2;
}

}  // namespace espalier
