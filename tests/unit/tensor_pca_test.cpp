#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/parallel.h"
#include "base/random.h"
#include "tensor/pca.h"

using namespace espalier;

namespace {

/// Eigenvalues (descending) and eigenvectors (rows) of a symmetric matrix by Jacobi's rotations: the oracle.
void jacobi(std::vector<std::vector<double>> a, std::vector<double>& values,
            std::vector<std::vector<double>>& vectors) {
  const std::size_t n = a.size();
  vectors.assign(n, std::vector<double>(n, 0));
  for (std::size_t i = 0; i < n; ++i) vectors[i][i] = 1;
  for (int sweep = 0; sweep < 60; ++sweep)
    for (std::size_t p = 0; p < n; ++p)
      for (std::size_t q = p + 1; q < n; ++q) {
        if (std::fabs(a[p][q]) < 1e-300) continue;
        const double angle = 0.5 * std::atan2(2 * a[p][q], a[q][q] - a[p][p]);
        const double c = std::cos(angle), s = std::sin(angle);
        for (std::size_t t = 0; t < n; ++t) {
          const double x = a[t][p], y = a[t][q];
          a[t][p] = c * x - s * y, a[t][q] = s * x + c * y;
        }
        for (std::size_t t = 0; t < n; ++t) {
          const double x = a[p][t], y = a[q][t], u = vectors[p][t], v = vectors[q][t];
          a[p][t] = c * x - s * y, a[q][t] = s * x + c * y;
          vectors[p][t] = c * u - s * v, vectors[q][t] = s * u + c * v;
        }
      }
  std::vector<std::size_t> order(n);
  for (std::size_t i = 0; i < n; ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) { return a[i][i] > a[j][j]; });
  std::vector<std::vector<double>> sorted;
  for (std::size_t i : order) values.push_back(a[i][i]), sorted.push_back(vectors[i]);
  vectors = sorted;
}

/// Coordinates of falling spread, mixed by a random matrix, away from the origin.
Matrix mixed(std::size_t n, std::size_t d, double decay, double shift) {
  const Random random(3, d);
  Matrix x(n, d);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t t = 0; t < d; ++t) {
      double sum = shift;
      for (std::size_t s = 0; s < d; ++s)
        sum += std::pow(decay, double(s)) * random.normal(i * d + s) * random.normal(10'000'000 + s * d + t);
      x(i, t) = float(sum);
    }
  return x;
}

void check_against_jacobi(const Matrix& x, int components, double tolerance) {
  const std::size_t n = x.rows(), d = x.cols();
  std::vector<double> mean(d, 0), values;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t t = 0; t < d; ++t) mean[t] += x(i, t) / double(n);
  std::vector<std::vector<double>> covariance(d, std::vector<double>(d, 0)), vectors;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t s = 0; s < d; ++s)
      for (std::size_t t = 0; t < d; ++t) covariance[s][t] += (x(i, s) - mean[s]) * (x(i, t) - mean[t]) / double(n - 1);
  jacobi(covariance, values, vectors);
  double total = 0;
  for (double v : values) total += v;

  const Pca pca = principal_components(x, {components, 0});
  CHECK_EQ(pca.total_variance, doctest::Approx(total).epsilon(1e-5));
  for (std::size_t c = 0; c < std::size_t(components); ++c) {
    CAPTURE(c);
    CHECK_EQ(pca.variance[c], doctest::Approx(values[c]).epsilon(tolerance));
    std::size_t largest = 0;
    for (std::size_t t = 0; t < d; ++t)
      if (std::fabs(vectors[c][t]) > std::fabs(vectors[c][largest])) largest = t;
    const double sign = vectors[c][largest] < 0 ? -1 : 1;
    double worst_axis = 0, worst_score = 0;
    for (std::size_t t = 0; t < d; ++t)
      worst_axis = std::max(worst_axis, std::fabs(pca.axes(c, t) - sign * vectors[c][t]));
    for (std::size_t i = 0; i < n; ++i) {
      double score = 0;
      for (std::size_t t = 0; t < d; ++t) score += (x(i, t) - mean[t]) * sign * vectors[c][t];
      worst_score = std::max(worst_score, std::fabs(score - pca.scores(i, c)) / std::sqrt(values[0]));
    }
    CHECK_LT(worst_axis, tolerance);
    CHECK_LT(worst_score, 5 * tolerance);
  }
}

SparseMatrix made_sparse(const Matrix& x) {
  SparseMatrix s{x.rows(), x.cols(), {0}, {}, {}};
  for (std::size_t i = 0; i < x.rows(); ++i) {
    for (std::size_t t = 0; t < x.cols(); ++t)
      if (x(i, t) != 0) s.indices.push_back(std::int32_t(t)), s.values.push_back(x(i, t));
    s.indptr.push_back(std::int64_t(s.values.size()));
  }
  return s;
}

/// Mostly zeros, a few strong directions so that axes are well defined.
Matrix mostly_zero(std::size_t n, std::size_t d) {
  const Random random(5, d);
  Matrix x(n, d, 0.0f);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t topic = random.below(i, 3);
    for (std::size_t t = 0; t < d; ++t)
      if (random.below(n + i * d + t, 12) == 0)
        x(i, t) = float((t % 3 == topic ? double(10 + 5 * topic) : 0.5) * random.uniform(7 * n * d + i * d + t));
  }
  return x;
}

double largest_difference(const Matrix& a, const Matrix& b) {
  double worst = 0;
  for (std::size_t e = 0; e < a.size(); ++e) worst = std::max(worst, std::fabs(double(a.data()[e]) - b.data()[e]));
  return worst;
}

}  // namespace

TEST_CASE("principal components by covariance are those of Jacobi's rotations") {
  check_against_jacobi(mixed(300, 12, 0.7, 3), 8, 1e-4);
  check_against_jacobi(mixed(50, 3, 0.5, -200), 2, 1e-4);
  check_against_jacobi(mixed(40, 1, 0.5, 1), 1, 1e-4);
}

TEST_CASE("principal components by iteration are those of Jacobi's rotations") {
  check_against_jacobi(mixed(60, 90, 0.8, 2), 5, 1e-3);  // fewer samples than dimensions
}

TEST_CASE("principal components keep their meaning at tiny and huge scales") {
  for (double factor : {1e-25, 1e25}) {
    Matrix x = mixed(200, 6, 0.6, 1);
    const Pca plain = principal_components(x, {3, 0});
    for (std::size_t e = 0; e < x.size(); ++e) x.data()[e] = float(x.data()[e] * factor);
    const Pca scaled = principal_components(x, {3, 0});
    for (std::size_t c = 0; c < 3; ++c)
      CHECK_EQ(scaled.variance[c] / factor / factor, doctest::Approx(plain.variance[c]).epsilon(1e-4));
    CHECK_LT(largest_difference(plain.axes, scaled.axes), 1e-3);
  }
}

TEST_CASE("sparse samples have the principal components of the same samples made dense") {
  for (std::size_t d : {40, 300}) {
    const Matrix x = mostly_zero(250, d);
    const Pca dense = principal_components(x, {3, 1}), sparse = principal_components(made_sparse(x), {3, 1});
    CHECK_LT(largest_difference(dense.axes, sparse.axes), 2e-3);
    CHECK_LT(largest_difference(dense.scores, sparse.scores), 2e-3 * std::sqrt(dense.total_variance));
    CHECK_EQ(dense.total_variance, doctest::Approx(sparse.total_variance).epsilon(1e-5));
  }
}

TEST_CASE("projecting the samples themselves gives their scores again, dense or sparse") {
  const Matrix x = mostly_zero(200, 30);
  const Pca pca = principal_components(x, {4, 0});
  CHECK_EQ(largest_difference(project(pca, x), pca.scores), 0);
  CHECK_LT(largest_difference(project(pca, made_sparse(x)), pca.scores), 1e-3);
  CHECK_THROWS_AS(project(pca, Matrix(3, 31, 0.0f)), UsageError);
}

TEST_CASE("principal components are the same bytes with 1, 2 and 4 threads") {
  const Matrix tall = mixed(2000, 9, 0.9, 0), wide = mostly_zero(300, 400);
  const Samples cases[] = {tall, wide, made_sparse(wide)};
  for (const Samples& samples : cases) {
    set_threads(1);
    const Pca one = principal_components(samples, {5, 2});
    for (int count : {2, 4}) {
      set_threads(count);
      const Pca more = principal_components(samples, {5, 2});
      CHECK_EQ(std::memcmp(one.scores.data(), more.scores.data(), one.scores.size() * 4), 0);
      CHECK_EQ(std::memcmp(one.axes.data(), more.axes.data(), one.axes.size() * 4), 0);
      CHECK(one.variance == more.variance);
    }
  }
  set_threads(1);
}

TEST_CASE("constant samples have components without variance, and axes that are orthonormal all the same") {
  for (std::size_t d : {5, 100}) {
    const Pca pca = principal_components(Matrix(20, d, 2.5f), {4, 0});
    CHECK_EQ(pca.total_variance, 0);
    for (std::size_t a = 0; a < 4; ++a) {
      CHECK_EQ(pca.variance[a], 0);
      for (std::size_t b = 0; b < 4; ++b) {
        double product = 0;
        for (std::size_t t = 0; t < d; ++t) product += double(pca.axes(a, t)) * pca.axes(b, t);
        CHECK_EQ(product, doctest::Approx(a == b).epsilon(1e-5));
      }
    }
  }
}

TEST_CASE("a number of components out of range is a usage error") {
  CHECK_THROWS_AS(principal_components(Matrix(5, 3, 1.0f), {4, 0}), UsageError);
  CHECK_THROWS_AS(principal_components(Matrix(5, 3, 1.0f), {0, 0}), UsageError);
}
