#include "tensor/pca.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/parallel.h"
#include "base/random.h"
#include "tensor/blas.h"

extern "C" void dsyevd_(const char* job, const char* half, const int* n, double* a, const int* lda, double* values,
                        double* work, const int* work_size, int* integers, const int* integers_size, int* info);

namespace espalier {

namespace {

constexpr std::size_t kRowBlock = 256;

/// The mean that is subtracted, and a power of two that brings deviations to about 1, so that squares of any scale fit
/// single precision. `residual` is what rounding the mean to float left, in scaled units.
struct Center {
  std::vector<float> mean;
  std::vector<double> residual;
  float scale = 1;
  double total = 0;  ///< sum of squared scaled deviations
};

template <class Visit>
void visit_stored(const Samples& samples, std::size_t i, Visit&& visit) {
  if (const auto* dense = std::get_if<Matrix>(&samples)) {
    const float* x = dense->row(i);
    for (std::size_t t = 0; t < dense->cols(); ++t) visit(t, x[t]);
    return;
  }
  const auto& sparse = std::get<SparseMatrix>(samples);
  for (std::int64_t p = sparse.indptr[i]; p < sparse.indptr[i + 1]; ++p)
    visit(std::size_t(sparse.indices[p]), sparse.values[p]);
}

/// Rows per chunk where every chunk has d (or d x l) sums of its own: few enough chunks to bound the memory.
std::size_t chunk_rows(std::size_t n, std::size_t sums) {
  const std::size_t chunks = std::clamp<std::size_t>((std::size_t(1) << 26) / sums, 1, 32);
  return std::max<std::size_t>((n + chunks - 1) / chunks, 64);
}

Center find_center(const Samples& samples) {
  const std::size_t n = sample_count(samples), d = dimension(samples), rows = chunk_rows(n, d);
  const std::size_t chunks = (n + rows - 1) / rows;
  std::vector<std::vector<double>> sums(chunks);
  std::vector<float> largest(chunks);
  parallel_ranges(n, rows, [&](std::size_t begin, std::size_t end, int) {
    std::vector<double>& sum = sums[begin / rows];
    sum.assign(d, 0);
    float& most = largest[begin / rows];
    for (std::size_t i = begin; i < end; ++i)
      visit_stored(samples, i, [&](std::size_t t, float v) { sum[t] += v, most = std::max(most, std::fabs(v)); });
  });
  std::vector<double> mean(d, 0);
  for (const auto& sum : sums)
    for (std::size_t t = 0; t < d; ++t) mean[t] += sum[t] / double(n);
  Center center{{mean.begin(), mean.end()}, std::vector<double>(d), 1, 0};

  // Deviations of the stored values and of the columns' zeros bound what has to fit.
  std::vector<float> deviations(chunks);
  parallel_ranges(n, rows, [&](std::size_t begin, std::size_t end, int) {
    float& most = deviations[begin / rows];
    for (std::size_t i = begin; i < end; ++i)
      visit_stored(samples, i, [&](std::size_t t, float v) { most = std::max(most, std::fabs(v - center.mean[t])); });
  });
  float deviation = *std::max_element(deviations.begin(), deviations.end());
  if (std::holds_alternative<SparseMatrix>(samples))
    for (float m : center.mean) deviation = std::max(deviation, std::fabs(m));
  if (deviation > 0) center.scale = std::ldexp(1.0f, std::clamp(-std::ilogb(deviation), -126, 126));
  for (std::size_t t = 0; t < d; ++t) center.residual[t] = (mean[t] - center.mean[t]) * center.scale;

  center.total = parallel_sum(chunks, [&](std::size_t chunk, int) {
    double total = 0;
    for (std::size_t i = chunk * rows; i < std::min(n, (chunk + 1) * rows); ++i)
      visit_stored(samples, i, [&](std::size_t t, float v) {
        const double e = (v - mean[t]) * center.scale, zero = mean[t] * center.scale;
        total += std::holds_alternative<Matrix>(samples) ? e * e : e * e - zero * zero;
      });
    return total;
  });
  if (std::holds_alternative<SparseMatrix>(samples))
    for (double m : mean) center.total += double(n) * m * center.scale * m * center.scale;
  return center;
}

/// Centred and scaled rows, dense.
void centered_rows(const Samples& samples, const Center& center, std::size_t first, std::size_t count, float* out) {
  const std::size_t d = dimension(samples);
  dense_rows(samples, first, count, out);
  for (std::size_t r = 0; r < count; ++r, out += d)
    for (std::size_t t = 0; t < d; ++t) out[t] = (out[t] - center.mean[t]) * center.scale;
}

/// N x l: the centred samples times a d x l basis.
Matrix times(const Samples& samples, const Center& center, const Matrix& basis, const Control& control) {
  const std::size_t n = sample_count(samples), d = dimension(samples), l = basis.cols();
  Matrix out(n, l);
  const auto* sparse = std::get_if<SparseMatrix>(&samples);
  std::vector<double> shift(l, 0);  // what the mean contributes to every row
  if (sparse)
    for (std::size_t t = 0; t < d; ++t)
      for (std::size_t c = 0; c < l; ++c) shift[c] += double(center.mean[t]) * center.scale * basis(t, c);
  parallel_ranges(n, kRowBlock, [&](std::size_t begin, std::size_t end, int) {
    throw_if_stopped(control);
    if (!sparse) {
      Buffer<float> x((end - begin) * d);
      centered_rows(samples, center, begin, end - begin, x.data());
      gemm(Op::none, Op::none, end - begin, l, d, 1, x.data(), d, basis.data(), l, 0, out.row(begin), l);
      return;
    }
    for (std::size_t i = begin; i < end; ++i) {
      float* y = out.row(i);
      for (std::size_t c = 0; c < l; ++c) y[c] = float(-shift[c]);
      visit_stored(samples, i, [&](std::size_t t, float v) {
        const float scaled = v * center.scale;
        const float* b = basis.row(t);
        for (std::size_t c = 0; c < l; ++c) y[c] += scaled * b[c];
      });
    }
  });
  return out;
}

/// d x l: the transposed centred samples times N x l.
Matrix transposed_times(const Samples& samples, const Center& center, const Matrix& z, const Control& control) {
  const std::size_t n = sample_count(samples), d = dimension(samples), l = z.cols(), rows = chunk_rows(n, d * l);
  std::vector<Matrix> parts((n + rows - 1) / rows);
  const bool dense = std::holds_alternative<Matrix>(samples);
  parallel_ranges(n, rows, [&](std::size_t begin, std::size_t end, int) {
    Matrix part(d, l, 0.0f);
    Buffer<float> x(dense ? kRowBlock * d : 0);
    for (std::size_t first = begin; first < end; first += kRowBlock) {
      throw_if_stopped(control);
      const std::size_t count = std::min(kRowBlock, end - first);
      if (dense) {
        centered_rows(samples, center, first, count, x.data());
        gemm(Op::transpose, Op::none, d, l, count, 1, x.data(), d, z.row(first), l, 1, part.data(), l);
        continue;
      }
      for (std::size_t i = first; i < first + count; ++i)
        visit_stored(samples, i, [&](std::size_t t, float v) {
          for (std::size_t c = 0; c < l; ++c) part(t, c) += v * center.scale * z(i, c);
        });
    }
    parts[begin / rows] = std::move(part);
  });
  Matrix out = std::move(parts[0]);
  for (std::size_t p = 1; p < parts.size(); ++p)
    for (std::size_t e = 0; e < out.size(); ++e) out.data()[e] += parts[p].data()[e];
  if (dense) return out;
  std::vector<double> sum(l, 0);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t c = 0; c < l; ++c) sum[c] += z(i, c);
  for (std::size_t t = 0; t < d; ++t)
    for (std::size_t c = 0; c < l; ++c) out(t, c) -= float(double(center.mean[t]) * center.scale * sum[c]);
  return out;
}

/// Symmetric n x n, row-major, upper half given. On return row r of `a` is the eigenvector of values[r], largest first.
void eigen_decompose(std::vector<double>& a, std::size_t size, std::vector<double>& values) {
  const int n = int(size), ask = -1;
  values.resize(size);
  double work_size = 0;
  int integers_size = 0, info = 0;
  // LAPACK sees columns where we have rows: our upper half is its lower one, its eigenvectors' columns are our rows.
  prepare_blas();
  dsyevd_("V", "L", &n, a.data(), &n, values.data(), &work_size, &ask, &integers_size, &ask, &info);
  std::vector<double> work(std::size_t(work_size) + 1);
  std::vector<int> integers(std::size_t(integers_size) + 1);
  const int work_given = int(work.size()), integers_given = int(integers.size());
  dsyevd_("V", "L", &n, a.data(), &n, values.data(), work.data(), &work_given, integers.data(), &integers_given, &info);
  if (info != 0) throw BugError("eigenvalues of a {} x {} covariance do not converge (LAPACK info {})", n, n, info);
  std::reverse(values.begin(), values.end());
  for (std::size_t r = 0; r < size / 2; ++r)
    std::swap_ranges(a.begin() + std::ptrdiff_t(r * size), a.begin() + std::ptrdiff_t((r + 1) * size),
                     a.begin() + std::ptrdiff_t((size - 1 - r) * size));
}

/// Upper half of X'X, X the rows of a producer: slabs of rows by tiles of columns, slabs added in double precision.
template <class Fill>
std::vector<double> scatter(std::size_t n, std::size_t d, Fill&& fill, const Control& control) {
  const std::size_t slab_rows = std::clamp<std::size_t>((std::size_t(1) << 22) / d, 256, 8192);
  const std::size_t tile = d <= 256 ? 64 : 128, tiles = (d + tile - 1) / tile;
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (std::size_t i = 0; i < tiles; ++i)
    for (std::size_t j = i; j < tiles; ++j) pairs.emplace_back(i * tile, j * tile);
  std::vector<double> sums(d * d, 0);
  Buffer<float> slab(std::min(n, slab_rows) * d);
  for (std::size_t first = 0; first < n; first += slab_rows) {
    throw_if_stopped(control);
    const std::size_t count = std::min(slab_rows, n - first);
    parallel_ranges(count, kRowBlock, [&](std::size_t begin, std::size_t end, int) {
      fill(first + begin, end - begin, slab.data() + begin * d);
    });
    parallel_for(pairs.size(), [&](std::size_t p, int) {
      const auto [i, j] = pairs[p];
      const std::size_t m = std::min(tile, d - i), w = std::min(tile, d - j);
      std::vector<float> product(m * w);
      gemm(Op::transpose, Op::none, m, w, count, 1, slab.data() + i, d, slab.data() + j, d, 0, product.data(), w);
      for (std::size_t r = 0; r < m; ++r)
        for (std::size_t c = 0; c < w; ++c) sums[(i + r) * d + j + c] += product[r * w + c];
    });
    control.report("components", double(first + count), double(n));
  }
  return sums;
}

/// Columns made orthonormal by two rounds of Gram and Schmidt in double precision; a column that depends on those
/// before it is replaced by a random one.
void orthonormalize(Matrix& y, const Random& random) {
  const std::size_t d = y.rows(), l = y.cols();
  std::vector<std::vector<double>> columns(l, std::vector<double>(d));
  for (std::size_t t = 0; t < d; ++t)
    for (std::size_t c = 0; c < l; ++c) columns[c][t] = y(t, c);
  const auto dot = [d](const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (std::size_t t = 0; t < d; ++t) sum += a[t] * b[t];
    return sum;
  };
  for (std::size_t c = 0; c < l; ++c) {
    std::vector<double>& v = columns[c];
    double before = std::sqrt(dot(v, v));
    for (int round = 0; round < 2; ++round) {
      const std::size_t chunk = 4;
      std::vector<double> products(c);
      parallel_ranges(c, chunk, [&](std::size_t begin, std::size_t end, int) {
        for (std::size_t b = begin; b < end; ++b) products[b] = dot(columns[b], v);
      });
      for (std::size_t b = 0; b < c; ++b)
        for (std::size_t t = 0; t < d; ++t) v[t] -= products[b] * columns[b][t];
      const double length = std::sqrt(dot(v, v));
      if (!(length > 1e-7 * before)) {
        for (std::size_t t = 0; t < d; ++t) v[t] = random.normal((std::uint64_t(1) << 40) + c * d + t);
        before = std::sqrt(double(d));
        round = -1;
        continue;
      }
      for (double& x : v) x /= length;
      before = 1;
    }
  }
  for (std::size_t t = 0; t < d; ++t)
    for (std::size_t c = 0; c < l; ++c) y(t, c) = float(columns[c][t]);
}

/// c x d axes and their scaled variances x (N - 1), from the covariance.
Matrix axes_by_covariance(const Samples& samples, const Center& center, std::size_t components,
                          std::vector<double>& values, const Control& control) {
  const std::size_t n = sample_count(samples), d = dimension(samples);
  std::vector<double> sums = scatter(
      n, d,
      [&](std::size_t first, std::size_t count, float* out) { centered_rows(samples, center, first, count, out); },
      control);
  for (std::size_t i = 0; i < d; ++i)
    for (std::size_t j = i; j < d; ++j) sums[i * d + j] -= double(n) * center.residual[i] * center.residual[j];
  eigen_decompose(sums, d, values);
  Matrix axes(components, d);
  for (std::size_t e = 0; e < axes.size(); ++e) axes.data()[e] = float(sums[e]);
  return axes;
}

constexpr std::size_t kOversampling = 16;
constexpr double kTolerance = 1e-7;  ///< of each variance, as a share of the largest: where iteration stops

/// The same by subspace iteration: Q <- orthonormal(X'X Q) until the variances stand, then Rayleigh and Ritz.
Matrix axes_by_iteration(const Samples& samples, const Center& center, std::size_t components,
                         const PcaOptions& options, std::vector<double>& values, const Control& control) {
  const std::size_t n = sample_count(samples), d = dimension(samples);
  const std::size_t l = std::min(components + kOversampling, d);
  const Random random(options.seed, 0x9ca);
  Matrix q(d, l);
  for (std::size_t e = 0; e < q.size(); ++e) q.data()[e] = float(random.normal(e));
  std::vector<double> rotation, before;
  for (int iteration = 0; iteration < options.rounds; ++iteration) {
    orthonormalize(q, random);
    const Matrix z = times(samples, center, q, control);
    std::vector<double> mean(l, 0);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t c = 0; c < l; ++c) mean[c] += z(i, c) / double(n);
    rotation = scatter(
        n, l, [&](std::size_t first, std::size_t count, float* out) { std::copy_n(z.row(first), count * l, out); }, {});
    for (std::size_t i = 0; i < l; ++i)
      for (std::size_t j = i; j < l; ++j) rotation[i * l + j] -= double(n) * mean[i] * mean[j];
    eigen_decompose(rotation, l, values);
    double change = before.empty() ? 1 : 0;
    for (std::size_t c = 0; c < components && !before.empty(); ++c)
      change = std::max(change, std::fabs(values[c] - before[c]));
    control.report("components", iteration + 1, options.rounds);
    if (!before.empty() && change <= kTolerance * values[0]) break;
    before = values;
    if (iteration + 1 < options.rounds) q = transposed_times(samples, center, z, control);
  }
  Matrix axes(components, d);
  parallel_ranges(components, 1, [&](std::size_t c, std::size_t, int) {
    for (std::size_t t = 0; t < d; ++t) {
      double sum = 0;
      for (std::size_t b = 0; b < l; ++b) sum += rotation[c * l + b] * q(t, b);
      axes(c, t) = float(sum);
    }
  });
  return axes;
}

/// Whether the covariance and its eigenvectors cost less than the iteration, which takes about ten rounds. The
/// decomposition runs on one thread and at a fraction of the product's speed.
bool covariance_is_cheaper(const Samples& samples, std::size_t components, int most_rounds) {
  const double n = double(sample_count(samples)), d = double(dimension(samples));
  const double l = std::min(double(components + kOversampling), d), rounds = std::min(10, most_rounds);
  if (d <= 64) return true;
  const auto* sparse = std::get_if<SparseMatrix>(&samples);
  const double entries = sparse ? 8 * double(sparse->values.size()) : n * d;  // a gathered entry costs as much as eight
  return d <= 16384 && n * d * d + 60 * d * d * d < rounds * (4 * entries * l + 4 * d * l * l);
}

void fix_signs(Matrix& axes) {
  for (std::size_t c = 0; c < axes.rows(); ++c) {
    float* axis = axes.row(c);
    const float* largest =
        std::max_element(axis, axis + axes.cols(), [](float a, float b) { return std::fabs(a) < std::fabs(b); });
    if (*largest < 0)
      for (std::size_t t = 0; t < axes.cols(); ++t) axis[t] = -axis[t];
  }
}

Matrix scores_on(const Matrix& axes, const Samples& samples, const Center& center, const Control& control) {
  Matrix basis(axes.cols(), axes.rows());
  for (std::size_t c = 0; c < axes.rows(); ++c)
    for (std::size_t t = 0; t < axes.cols(); ++t) basis(t, c) = axes(c, t);
  return times(samples, center, basis, control);
}

}  // namespace

Pca principal_components(const Samples& samples, const PcaOptions& options, const Control& control) {
  const std::size_t n = sample_count(samples), d = dimension(samples);
  if (options.components < 1 || std::size_t(options.components) > std::min(n, d))
    throw UsageError("{} principal components asked for, expected 1 to {} ({} samples of {} dimensions)",
                     options.components, std::min(n, d), n, d);
  const auto components = std::size_t(options.components);
  const Center center = find_center(samples);
  Pca pca;
  std::vector<double> values;
  pca.axes = covariance_is_cheaper(samples, components, options.rounds)
                 ? axes_by_covariance(samples, center, components, values, control)
                 : axes_by_iteration(samples, center, components, options, values, control);
  fix_signs(pca.axes);
  pca.mean = center.mean;
  const double unit = double(center.scale) * center.scale * std::max(1.0, double(n) - 1);
  for (std::size_t c = 0; c < components; ++c) pca.variance.push_back(std::max(0.0, values[c]) / unit);
  pca.total_variance = center.total / unit;
  pca.scores = project(pca, samples, control);
  return pca;
}

Matrix project(const Pca& pca, const Samples& samples, const Control& control) {
  if (dimension(samples) != pca.axes.cols())
    throw UsageError("samples have {} dimensions, the principal axes {}", dimension(samples), pca.axes.cols());
  const Center unscaled{pca.mean, {}, 1, 0};
  return scores_on(pca.axes, samples, unscaled, control);
}

}  // namespace espalier
