#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "base/error.h"
#include "base/parallel.h"
#include "base/random.h"
#include "neighbors/panel.h"
#include "neighbors/search.h"
#include "tensor/pca.h"

using namespace espalier;

namespace {

Matrix random_matrix(std::size_t n, std::size_t d, std::uint64_t seed) {
  const Random random(seed, 1);
  Matrix x(n, d);
  for (std::size_t e = 0; e < x.size(); ++e) x.data()[e] = float(random.normal(e));
  return x;
}

/// Ten centres 10 apart or so, points around them.
Matrix blobs(std::size_t n, std::size_t d, double spread, std::uint64_t seed) {
  const Random random(seed, 2);
  Matrix x(n, d);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t t = 0; t < d; ++t) {
      const double center = 5 * random.normal(1'000'000'000 + (random.below(i, 10)) * d + t);
      x(i, t) = float(center + spread * random.normal(5'000'000'000 + i * d + t));
    }
  return x;
}

/// Small whole numbers: many exact ties and duplicates.
Matrix integers(std::size_t n, std::size_t d, int most, std::uint64_t seed) {
  const Random random(seed, 3);
  Matrix x(n, d);
  for (std::size_t e = 0; e < x.size(); ++e) x.data()[e] = float(random.below(e, std::uint64_t(most) + 1));
  return x;
}

/// About one value in ten, some rows empty.
SparseMatrix random_sparse(std::size_t n, std::size_t d, std::uint64_t seed) {
  const Random random(seed, 4);
  SparseMatrix x{n, d, {0}, {}, {}};
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t t = 0; t < d; ++t)
      if (i % 17 != 5 && random.below(i * d + t, 10) == 0) {
        x.indices.push_back(std::int32_t(t));
        x.values.push_back(float(random.below(n * d + i * d + t, 50) + 1) / 8);
      }
    x.indptr.push_back(std::int64_t(x.values.size()));
  }
  return x;
}

Matrix made_dense(const Samples& samples) {
  Matrix x(sample_count(samples), dimension(samples));
  dense_rows(samples, 0, x.rows(), x.data());
  return x;
}

NeighborOptions exact(int k, Metric metric = Metric::euclidean) {
  NeighborOptions options;
  options.k = k;
  options.metric = metric;
  options.method = SearchMethod::exact;
  return options;
}

bool same_indices(const NeighborGraph& a, const NeighborGraph& b) {
  return a.rows == b.rows && a.k == b.k &&
         std::memcmp(a.indices.data(), b.indices.data(), a.indices.size() * sizeof(std::int32_t)) == 0;
}

bool same_bytes(const NeighborGraph& a, const NeighborGraph& b) {
  return same_indices(a, b) && std::memcmp(a.distances.data(), b.distances.data(), a.distances.size() * 4) == 0;
}

/// Same neighbours and distances as the oracle's.
void check_euclidean(const Samples& samples, int k) {
  const NeighborGraph found = find_neighbors(samples, exact(k));
  const NeighborGraph truth = find_neighbors_plain(samples, exact(k));
  CHECK(same_indices(found, truth));
  std::size_t wrong = 0;
  for (std::size_t e = 0; e < truth.distances.size(); ++e)
    wrong += !(std::fabs(double(found.distances[e]) - truth.distances[e]) <= 1e-6 * truth.distances[e]);
  CHECK_EQ(wrong, 0);
}

/// Distances as the oracle's; rows normalised in single precision may swap neighbours that are as good as tied.
void check_distances(const NeighborGraph& found, const NeighborGraph& truth, double tolerance) {
  REQUIRE_EQ(found.distances.size(), truth.distances.size());
  std::size_t wrong = 0, swapped = 0;
  for (std::size_t e = 0; e < truth.distances.size(); ++e) {
    wrong += !(std::fabs(double(found.distances[e]) - truth.distances[e]) <= tolerance);
    swapped += found.indices[e] != truth.indices[e];
  }
  CHECK_EQ(wrong, 0);
  CHECK_LE(swapped, truth.distances.size() / 1000);
}

Matrix changed(Matrix x, double factor, double shift) {
  for (std::size_t e = 0; e < x.size(); ++e) x.data()[e] = float(x.data()[e] * factor + shift);
  return x;
}

}  // namespace

TEST_CASE("exact neighbours are those of brute force in double precision") {
  for (std::size_t n : {2, 33, 1000})
    for (std::size_t d : {1, 3, 20, 50, 130}) {
      CAPTURE(n);
      CAPTURE(d);
      check_euclidean(random_matrix(n, d, n + d), int(std::min<std::size_t>(n - 1, 17)));
    }
}

TEST_CASE("exact neighbours of clustered samples are those of brute force") {
  for (double spread : {3.0, 0.1, 1e-5}) check_euclidean(blobs(1500, 12, spread, 3), 30);
  check_euclidean(blobs(1500, 70, 1e-3, 4), 90);
}

TEST_CASE("every other sample can be a neighbour: k = N - 1") {
  check_euclidean(random_matrix(2, 5, 1), 1);
  check_euclidean(random_matrix(65, 5, 1), 64);
  check_euclidean(random_matrix(700, 5, 1), 699);
}

TEST_CASE("ties go to the smaller index, and a sample is its own neighbour only through a duplicate") {
  check_euclidean(integers(1000, 2, 3, 1), 40);
  check_euclidean(integers(1000, 4, 2, 2), 100);
  check_euclidean(integers(900, 1, 5, 3), 20);
  check_euclidean(Matrix(500, 7, 3.25f), 60);
  check_euclidean(Matrix(33, 1, 0.0f), 32);
}

TEST_CASE("exact means exact far from the origin and at tiny and huge scales") {
  check_euclidean(changed(random_matrix(600, 8, 5), 1, 1000), 15);
  check_euclidean(changed(random_matrix(600, 8, 5), 1e-4, 1), 15);
  check_euclidean(changed(random_matrix(600, 8, 6), 1e-18, 0), 15);
  check_euclidean(changed(random_matrix(600, 8, 6), 1e-30, 0), 15);
  check_euclidean(changed(random_matrix(600, 8, 7), 1e18, 0), 15);
  check_euclidean(changed(random_matrix(600, 8, 7), 1e30, 0), 15);
  Matrix outlier = random_matrix(600, 8, 8);
  outlier(17, 3) = 1e9f;
  check_euclidean(outlier, 15);
}

TEST_CASE("a search that rotates leaves the first principal component scores") {
  const Matrix x = blobs(3000, 20, 1, 5);
  NeighborOptions options;
  options.k = 10;
  const Matrix leading = find_neighbors(x, options).leading, scores = principal_components(x, {3}).scores;
  REQUIRE_EQ(leading.rows(), 3000);
  REQUIRE_EQ(leading.cols(), 3);
  double farthest = 0;
  for (std::size_t e = 0; e < scores.size(); ++e)
    farthest = std::max(farthest, double(std::abs(leading.data()[e] - scores.data()[e])));
  CHECK_LT(farthest, 1e-3);
  options.metric = Metric::cosine;
  CHECK(find_neighbors(x, options).leading.empty());
}

TEST_CASE("cosine and correlation distances are those of their definitions") {
  for (Metric metric : {Metric::cosine, Metric::correlation})
    for (std::size_t d : {3, 40}) {
      const Samples x = changed(random_matrix(800, d, 9), 2, 0.5);
      check_distances(find_neighbors(x, exact(20, metric)), find_neighbors_plain(x, exact(20, metric)), 3e-7);
    }
}

TEST_CASE("a row without direction is at distance 1 from all others and 0 from its like") {
  Matrix x = random_matrix(60, 4, 10);
  for (std::size_t t = 0; t < 4; ++t) x(7, t) = x(30, t) = 0;
  const NeighborGraph cosine = find_neighbors(x, exact(59, Metric::cosine));
  CHECK_EQ(cosine.indices[7 * 59], 30);
  CHECK_EQ(cosine.distances[7 * 59], 0);
  for (std::size_t c = 1; c < 59; ++c) CHECK_EQ(cosine.distances[7 * 59 + c], doctest::Approx(1).epsilon(1e-6));
  for (std::size_t t = 0; t < 4; ++t) x(7, t) = 0.1f, x(30, t) = -3;
  const NeighborGraph correlation = find_neighbors(x, exact(59, Metric::correlation));
  CHECK_EQ(correlation.indices[7 * 59], 30);
  CHECK_EQ(correlation.distances[7 * 59], 0);
  CHECK_EQ(correlation.distances[7 * 59 + 1], doctest::Approx(1).epsilon(1e-6));
}

TEST_CASE("sparse samples have the neighbours of the same samples made dense") {
  const Samples sparse = random_sparse(700, 90, 11);
  const Samples dense = made_dense(sparse);
  CHECK(same_bytes(find_neighbors(sparse, exact(25)), find_neighbors(dense, exact(25))));
  check_euclidean(sparse, 25);
  for (Metric metric : {Metric::cosine, Metric::correlation}) {
    const NeighborGraph truth = find_neighbors_plain(dense, exact(25, metric));
    const NeighborGraph found = find_neighbors(sparse, exact(25, metric));
    std::size_t wrong = 0;
    for (std::size_t e = 0; e < truth.distances.size(); ++e)
      wrong += !(std::fabs(double(found.distances[e]) - truth.distances[e]) <= 3e-7);
    CHECK_EQ(wrong, 0);
  }
}

TEST_CASE("a selection bound is reached by k values at least, and by hardly more") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const Random random(3, 0);
  for (const std::size_t count : {1, 7, 96, 1000})
    for (const std::size_t k : {1, 5, 90}) {
      CAPTURE(count);
      CAPTURE(k);
      std::vector<float> values(count);
      for (std::size_t i = 0; i < count; ++i) values[i] = i % 5 == 4 ? -infinity : -1e9f * float(random.uniform(i));
      const std::size_t finite = count - count / 5;
      const float bound = panel_kernels().reached_by(values.data(), count, k);
      const auto reached =
          std::size_t(std::count_if(values.begin(), values.end(), [&](float v) { return v >= bound; }));
      if (k > finite) {
        CHECK(bound == -infinity);
      } else {
        CHECK(bound > -infinity);
        CHECK(reached >= k);
        CHECK(reached <= k + 3);
      }
    }
  const std::vector<float> equal(50, -2.5f);
  CHECK(panel_kernels().reached_by(equal.data(), equal.size(), 20) == -2.5f);
}

TEST_CASE("exact neighbours are the same bytes with 1, 2 and 4 threads") {
  const Samples dense = blobs(3000, 20, 2, 12), sparse = random_sparse(1200, 60, 12);
  for (const Samples* samples : {&dense, &sparse}) {
    set_threads(1);
    const NeighborGraph one = find_neighbors(*samples, exact(30));
    for (int count : {2, 4}) {
      set_threads(count);
      const NeighborGraph more = find_neighbors(*samples, exact(30));
      CHECK(same_bytes(one, more));
      CHECK(one.order == more.order);
    }
  }
  set_threads(1);
}

TEST_CASE("approximate neighbours reach a recall of 0.95, measured truly, and their distances are exact") {
  const Samples x = blobs(20000, 20, 1, 18);
  NeighborOptions options = exact(30);
  const NeighborGraph truth = find_neighbors(x, options);
  options.method = SearchMethod::approximate;
  set_threads(2);
  const NeighborGraph found = find_neighbors(x, options);
  set_threads(1);
  std::size_t hits = 0, unordered = 0, wrong = 0;
  for (std::size_t i = 0; i < found.rows; ++i) {
    const std::int32_t *f = found.indices.data() + i * 30, *t = truth.indices.data() + i * 30;
    for (std::size_t a = 0; a < 30; ++a) {
      const auto* same = std::find(t, t + 30, f[a]);
      hits += same != t + 30;
      wrong += same != t + 30 && truth.distances[i * 30 + std::size_t(same - t)] != found.distances[i * 30 + a];
      wrong += f[a] == std::int32_t(i) || std::count(f, f + 30, f[a]) != 1;
      unordered += a > 0 && found.distances[i * 30 + a - 1] > found.distances[i * 30 + a];
    }
  }
  const double recall = double(hits) / double(found.indices.size());
  CHECK_GE(recall, 0.95);
  CHECK_EQ(found.recall, doctest::Approx(recall).epsilon(0.02));
  CHECK_FALSE(found.exact);
  CHECK_EQ(wrong, 0);
  CHECK_EQ(unordered, 0);
}

TEST_CASE("approximate neighbours of sparse samples are nearly those of the exact search, for every metric") {
  const Samples x = random_sparse(1500, 12, 21);
  for (Metric metric : {Metric::euclidean, Metric::cosine, Metric::correlation}) {
    NeighborOptions options = exact(15, metric);
    const NeighborGraph truth = find_neighbors(x, options);
    options.method = SearchMethod::approximate;
    const NeighborGraph found = find_neighbors(x, options);
    std::size_t hits = 0;  // by distance: there are many ties
    for (std::size_t e = 0; e < found.distances.size(); ++e)
      hits += found.distances[e] <= truth.distances[e / 15 * 15 + 14];
    CHECK_GE(double(hits) / double(found.distances.size()), 0.94);
    std::vector<std::int32_t> order = found.order;
    std::sort(order.begin(), order.end());
    for (std::size_t p = 0; p < order.size(); ++p) REQUIRE_EQ(order[p], std::int32_t(p));
  }
}

TEST_CASE("approximate neighbours are the same bytes with 1, 2 and 4 threads, and exact where samples are few") {
  const Samples x = blobs(3000, 9, 2, 19);
  NeighborOptions options = exact(20);
  options.method = SearchMethod::approximate;
  options.recall = 0.999;
  set_threads(1);
  const NeighborGraph one = find_neighbors(x, options);
  for (int count : {2, 4}) {
    set_threads(count);
    CHECK(same_bytes(one, find_neighbors(x, options)));
  }
  set_threads(1);
  for (std::size_t n : {2, 33, 200}) {
    const Samples few = random_matrix(n, 3, 20);
    options.k = int(n - 1);
    CHECK(same_indices(find_neighbors(few, options), find_neighbors_plain(few, options)));
  }
}

TEST_CASE("neighbours between two sets are those of brute force, dense or sparse") {
  const Samples base = random_sparse(500, 40, 13), queries = random_sparse(77, 40, 14);
  const Samples dense_base = made_dense(base), dense_queries = made_dense(queries);
  const NeighborGraph truth = find_neighbors_between_plain(queries, base, exact(12));
  for (const Samples* q : {&queries, &dense_queries})
    for (const Samples* b : {&base, &dense_base}) {
      const NeighborGraph found = find_neighbors_between(*q, *b, exact(12));
      CHECK(same_indices(found, truth));
      check_distances(found, truth, 1e-5);
    }
  const Samples one = random_matrix(1, 40, 15);
  CHECK(same_indices(find_neighbors_between(queries, one, exact(1)),
                     find_neighbors_between_plain(queries, one, exact(1))));
}

TEST_CASE("a number of neighbours out of range is a usage error that says the range") {
  const Samples x = random_matrix(10, 2, 16);
  CHECK_THROWS_AS(find_neighbors(x, exact(10)), UsageError);
  CHECK_THROWS_AS(find_neighbors(x, exact(0)), UsageError);
  CHECK_THROWS_AS(find_neighbors_between(x, x, exact(11)), UsageError);
  CHECK_THROWS_AS(find_neighbors_between(random_matrix(10, 3, 1), x, exact(1)), UsageError);
}

TEST_CASE("a search that is asked to stop stops") {
  const Samples x = random_matrix(500, 4, 17);
  const std::atomic<bool> stop{true};
  Control control;
  control.stop = &stop;
  CHECK_THROWS_AS(find_neighbors(x, exact(5), control), Stopped);
}
