#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "base/random.h"
#include "quality/distances.h"
#include "quality/global.h"
#include "quality/ranking.h"

using namespace espalier;

namespace {

Matrix random_points(std::size_t rows, std::size_t cols, std::uint64_t stream, double zeros = 0) {
  const Random random(21, stream);
  Matrix points(rows, cols);
  for (std::size_t v = 0; v < points.size(); ++v)
    points.data()[v] = random.uniform(2 * points.size() + v) < zeros ? 0.0f : float(random.normal(v));
  return points;
}

SparseMatrix to_sparse(const Matrix& dense) {
  SparseMatrix sparse{dense.rows(), dense.cols(), {0}, {}, {}};
  for (std::size_t i = 0; i < dense.rows(); ++i) {
    for (std::size_t c = 0; c < dense.cols(); ++c)
      if (dense(i, c) != 0) sparse.indices.push_back(std::int32_t(c)), sparse.values.push_back(dense(i, c));
    sparse.indptr.push_back(std::int64_t(sparse.values.size()));
  }
  return sparse;
}

/// The textbook: euclidean squared; 2 (1 - cosine); 2 (1 - Pearson's correlation).
double plain_distance(const Matrix& points, std::size_t i, std::size_t j, Metric metric) {
  const std::size_t d = points.cols();
  double mean_i = 0, mean_j = 0, ii = 0, jj = 0, ij = 0, squared = 0;
  for (std::size_t c = 0; c < d && metric == Metric::correlation; ++c) {
    mean_i += points(i, c) / double(d);
    mean_j += points(j, c) / double(d);
  }
  for (std::size_t c = 0; c < d; ++c) {
    const double x = points(i, c) - mean_i, y = points(j, c) - mean_j;
    ii += x * x, jj += y * y, ij += x * y, squared += (x - y) * (x - y);
  }
  return metric == Metric::euclidean ? squared : 2 - 2 * ij / std::sqrt(ii * jj);
}

std::vector<double> all_distances(const Distances& distances) {
  std::vector<std::int32_t> all(distances.rows());
  std::iota(all.begin(), all.end(), 0);
  std::vector<double> out(all.size() * all.size());
  distances.from(all, out.data());
  return out;
}

}  // namespace

TEST_CASE("distances of every metric are the textbook's, dense and sparse, in few and many dimensions") {
  for (std::size_t d : {1, 2, 3, 16, 17, 60, 300})
    for (Metric metric : {Metric::euclidean, Metric::cosine, Metric::correlation}) {
      if (metric == Metric::correlation && d < 3) continue;
      const Matrix points = random_points(70, d, d, d >= 16 ? 0.6 : 0);
      const Samples dense = points, sparse = to_sparse(points);
      const Distances from_dense(dense, metric, "", "/data"), from_sparse(sparse, metric, "", "/data");
      const auto dense_all = all_distances(from_dense), sparse_all = all_distances(from_sparse);
      double worst = 0;
      for (std::size_t i = 0; i < 70; ++i)
        for (std::size_t j = 0; j < 70; ++j) {
          const double plain = plain_distance(points, i, j, metric),
                       scale = (metric == Metric::euclidean ? 1e-8 * plain : 1e-6) + 1e-14;
          for (double found :
               {dense_all[i * 70 + j], sparse_all[i * 70 + j], from_dense.pair(i, j), from_sparse.pair(i, j)})
            worst = std::max(worst, std::abs(found - plain) / scale);
        }
      CAPTURE(d);
      CAPTURE(int(metric));
      CHECK_LT(worst, 1);
    }
}

TEST_CASE("close neighbours far from the origin keep their order") {
  Matrix points = random_points(60, 40, 1);
  for (std::size_t v = 0; v < points.size(); ++v) points.data()[v] = 1000 + points.data()[v] / 1024;
  for (std::size_t c = 0; c < 40; ++c) points(0, c) = -1e6f;  // and an outlier that moves the mean
  const Samples dense = points, sparse = to_sparse(points);
  for (const Samples* samples : {&dense, &sparse}) {
    const auto found = all_distances(Distances(*samples, Metric::euclidean, "", "/data"));
    for (std::size_t i = 0; i < 60; ++i)
      for (std::size_t j = 0; j < 60; ++j)
        CHECK_EQ(found[i * 60 + j], doctest::Approx(plain_distance(points, i, j, Metric::euclidean)).epsilon(1e-8));
  }
}

TEST_CASE("equal distances between integers come out equal") {
  Matrix points(50, 64);
  const Random random(3, 3);
  for (std::size_t v = 0; v < points.size(); ++v) points.data()[v] = float(random.below(v, 17));
  const Samples samples = points;
  const auto found = all_distances(Distances(samples, Metric::euclidean, "", "/data"));
  for (std::size_t i = 0; i < 50; ++i)
    for (std::size_t j = 0; j < 50; ++j) CHECK_EQ(found[i * 50 + j], plain_distance(points, i, j, Metric::euclidean));
}

TEST_CASE("a row that is not finite is refused by number") {
  Matrix points = random_points(5, 20, 9);
  for (float bad : {NAN, INFINITY}) {
    points(3, 7) = bad;
    const Samples samples = points;
    for (Metric metric : {Metric::euclidean, Metric::cosine, Metric::correlation})
      CHECK_THROWS_WITH_AS(Distances(samples, metric, "f.h5", "/data"), "f.h5: /data row 3 holds NaN or infinity",
                           DataError);
  }
}

TEST_CASE("a row without direction is at distance 1 from the others") {
  Matrix points = random_points(6, 30, 9);
  for (std::size_t c = 0; c < 30; ++c) points(2, c) = points(4, c) = 0;
  const Samples dense = points, sparse = to_sparse(points);
  for (const Samples* samples : {&dense, &sparse})
    for (Metric metric : {Metric::cosine, Metric::correlation}) {
      const Distances distances(*samples, metric, "", "/data");
      const auto all = all_distances(distances);
      for (std::size_t j : {0, 1, 3, 5}) CHECK_EQ(distances.in_unit(all[2 * 6 + j]), doctest::Approx(1).epsilon(1e-6));
      CHECK_EQ(all[2 * 6 + 4], 0);
    }
}

TEST_CASE("a sorted row stands in order of distance, equal ones by index, self left out") {
  const Random random(5, 5);
  RowSorter sorter;
  for (int round = 0; round < 6; ++round) {
    const std::size_t n = 700, self = 123;
    std::vector<double> distances(n);
    for (std::size_t j = 0; j < n; ++j) {
      const double u = random.uniform(std::uint64_t(round) * n + j);
      switch (round) {
        case 0:
          distances[j] = u;
          break;
        case 1:
          distances[j] = std::floor(u * 5);
          break;  // many ties
        case 2:
          distances[j] = 1 + u * 1e-12;
          break;  // equal in single precision
        case 3:
          distances[j] = std::pow(10, 60 * (u - 0.5));
          break;
        case 4:
          distances[j] = 0;
          break;
        default:
          distances[j] = 1e200 * u;
          break;  // infinite in single precision
      }
    }
    std::vector<std::int32_t> expected;
    for (std::size_t j = 0; j < n; ++j)
      if (j != self) expected.push_back(std::int32_t(j));
    std::stable_sort(expected.begin(), expected.end(), [&](auto i, auto j) { return distances[i] < distances[j]; });
    std::vector<std::int32_t> order(n - 1);
    sorter.sort(distances, self, order);
    CHECK_EQ(order, expected);
  }
}

TEST_CASE("correlations are those worked by hand") {
  const std::vector<double> x = {1, 2, 3, 4}, y = {1, 3, 2, 5}, flat(4, 7.0);
  // Deviations of y from 2.75: -1.75 .25 -.75 2.25; sum xy = 5.5, sum xx = 5, sum yy = 8.75.
  CHECK_EQ(pearson(x, y), doctest::Approx(5.5 / std::sqrt(5 * 8.75)));
  CHECK(std::isnan(pearson(x, flat)));
  CHECK_EQ(mean_ranks(std::vector<double>{5, 1, 5, 0, 5}), std::vector<double>{4, 2, 4, 1, 4});
  // Spearman by 1 - 6 sum d^2 / (n (n^2 - 1)): ranks 1 2 3 4 and 1 3 2 4, d^2 sums to 2.
  CHECK_EQ(pearson(mean_ranks(x), mean_ranks(y)), doctest::Approx(1 - 12.0 / 60));
}

TEST_CASE("pairs are all of them where few, else uniform over i < j; triplets are distinct") {
  const auto all = sample_pairs(7, 21, 0);
  REQUIRE_EQ(all.size(), 21);
  for (std::size_t p = 1; p < all.size(); ++p) CHECK(all[p - 1] < all[p]);
  std::vector<int> seen(49, 0);
  for (std::uint64_t seed = 0; seed < 1000; ++seed)
    for (const auto& [i, j] : sample_pairs(7, 20, seed)) {
      REQUIRE_LT(i, j);
      ++seen[std::size_t(i * 7 + j)];
    }
  for (const auto& [i, j] : all) CHECK_LT(std::abs(seen[std::size_t(i * 7 + j)] - 20000 / 21), 160);
  std::vector<int> places(125, 0);
  for (const Triplet& t : sample_triplets(5, 60000, 1)) ++places[std::size_t(t.anchor * 25 + t.first * 5 + t.second)];
  for (int i = 0; i < 5; ++i)
    for (int j = 0; j < 5; ++j)
      for (int k = 0; k < 5; ++k) {
        const bool distinct = i != j && j != k && i != k;
        const int count = places[std::size_t(i * 25 + j * 5 + k)];
        if (distinct)
          CHECK_LT(std::abs(count - 1000), 160);
        else
          CHECK_EQ(count, 0);
      }
}

TEST_CASE("a silhouette worked by hand") {
  Matrix line(5, 1);
  for (std::size_t i = 0; i < 5; ++i) line(i, 0) = std::vector<float>{0, 1, 4, 6, 100}[i];
  const Samples samples = line;
  const Distances distances(samples, Metric::euclidean, "", "/embedding");
  const std::vector<std::int32_t> classes = {0, 0, 1, 1, -1};
  const std::vector<std::int64_t> members = {2, 2};
  const auto all = all_distances(distances);
  std::vector<double> sums;
  const auto of = [&](std::size_t i) {
    return silhouette(distances, {all.data() + i * 5, 5}, i, classes, members, sums);
  };
  CHECK_EQ(of(0), doctest::Approx((5.0 - 1) / 5));    // a = 1; b = (4 + 6) / 2
  CHECK_EQ(of(1), doctest::Approx((4.0 - 1) / 4));    // a = 1; b = (3 + 5) / 2
  CHECK_EQ(of(2), doctest::Approx((3.5 - 2) / 3.5));  // a = 2; b = (4 + 3) / 2
  CHECK(std::isnan(of(4)));
  const std::vector<std::int32_t> alone = {0, 1, 1, 1, -1};
  CHECK_EQ(silhouette(distances, {all.data(), 5}, 0, alone, std::vector<std::int64_t>{1, 3}, sums), 0);
}
