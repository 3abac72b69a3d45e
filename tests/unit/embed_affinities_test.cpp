#include <doctest/doctest.h>

#include <limits>
#include <string>

#include "base/error.h"
#include "base/parallel.h"
#include "embed/affinities.h"
#include "embed_samples.h"

using namespace espalier;
using namespace espalier::test;

namespace {

double entropy(const float* p, std::size_t k) {
  double h = 0;
  for (std::size_t j = 0; j < k; ++j)
    if (p[j] > 0) h -= double(p[j]) * std::log(double(p[j]));
  return h;
}

double value_at(const Affinities& p, std::size_t i, std::int32_t j) {
  for (std::int64_t e = p.indptr[i]; e < p.indptr[i + 1]; ++e)
    if (p.indices[e] == j) return p.values[e];
  return 0;
}

/// beta by bisection in double precision, then p.
std::vector<double> plain_row(const float* distances, std::size_t k, double perplexity) {
  double low = 0, high = 1;
  std::vector<double> p(k);
  const auto reach = [&](double beta) {
    double sum = 0, h = 0;
    for (std::size_t j = 0; j < k; ++j)
      sum += p[j] = std::exp(-beta * (std::pow(double(distances[j]), 2) - std::pow(double(distances[0]), 2)));
    for (double& x : p) {
      x /= sum;
      if (x > 0) h -= x * std::log(x);
    }
    return h;
  };
  while (reach(high) > std::log(perplexity)) high *= 2;
  for (int step = 0; step < 200; ++step)
    (reach((low + high) / 2) > std::log(perplexity) ? low : high) = (low + high) / 2;
  return p;
}

void check_is_affinity(const Affinities& p) {
  double sum = 0;
  for (std::size_t i = 0; i < p.rows; ++i)
    for (std::int64_t e = p.indptr[i]; e < p.indptr[i + 1]; ++e) {
      sum += p.values[e];
      if (e > p.indptr[i]) REQUIRE_LT(p.indices[e - 1], p.indices[e]);
      REQUIRE_NE(p.indices[e], std::int32_t(i));
      REQUIRE_EQ(double(p.values[e]), value_at(p, p.indices[e], std::int32_t(i)));
    }
  CHECK_EQ(sum, doctest::Approx(1).epsilon(1e-5));
}

}  // namespace

TEST_CASE("every row of the conditional affinities has the perplexity asked for") {
  for (double scale : {1e-12, 1.0, 1e12}) {
    Matrix x = blobs(203, 5, 3, 8);
    for (std::size_t t = 0; t < x.size(); ++t) x.data()[t] *= float(scale);
    const NeighborGraph graph = nearest(x, 90);
    for (double perplexity : {2.0, 30.0, 80.0}) {
      const Buffer<float> p = conditional_affinities(graph, {{perplexity}});
      for (std::size_t i = 0; i < graph.rows; ++i) {
        CHECK_EQ(entropy(&p[i * graph.k], graph.k), doctest::Approx(std::log(perplexity)).epsilon(2e-5));
        const std::vector<double> plain = plain_row(&graph.distances[i * graph.k], graph.k, perplexity);
        for (std::size_t j = 0; j < graph.k; ++j) REQUIRE_LT(std::fabs(p[i * graph.k + j] - plain[j]), 2e-4);
      }
    }
  }
}

TEST_CASE("affinities are symmetric, sum to 1 and have ascending columns, whatever the neighbours") {
  const NeighborGraph graph = nearest(blobs(700, 4, 5, 6), 30);
  check_is_affinity(compute_affinities(graph, {{10}}));
  check_is_affinity(compute_affinities(graph, {{2, 5, 10}}));
  check_is_affinity(compute_affinities(graph, {{30}, true}));
}

TEST_CASE("affinities are (p(j|i) + p(i|j)) / 2N") {
  const Matrix x = blobs(60, 3, 2, 4);
  const NeighborGraph graph = nearest(x, 12);
  const Buffer<float> conditional = conditional_affinities(graph, {{4}});
  std::vector<double> plain(60 * 60, 0.0);
  for (std::size_t i = 0; i < 60; ++i)
    for (std::size_t j = 0; j < 12; ++j) {
      plain[i * 60 + graph.indices[i * 12 + j]] += conditional[i * 12 + j] / 120.0;
      plain[graph.indices[i * 12 + j] * 60 + i] += conditional[i * 12 + j] / 120.0;
    }
  const Affinities p = compute_affinities(graph, {{4}});
  for (std::size_t i = 0; i < 60; ++i)
    for (std::int32_t j = 0; j < 60; ++j) CHECK_EQ(value_at(p, i, j), doctest::Approx(plain[i * 60 + j]).epsilon(1e-4));
}

TEST_CASE("several perplexities give the mean of their conditional affinities") {
  const NeighborGraph graph = nearest(blobs(100, 4, 2, 5), 45);
  const Buffer<float> narrow = conditional_affinities(graph, {{5}}), wide = conditional_affinities(graph, {{15}}),
                      both = conditional_affinities(graph, {{5, 15}});
  for (std::size_t e = 0; e < both.size(); ++e)
    CHECK_EQ(both[e], doctest::Approx((narrow[e] + wide[e]) / 2).epsilon(1e-5));
}

TEST_CASE("uniform affinities give each neighbour 1/k") {
  for (float p : conditional_affinities(nearest(blobs(50, 3, 2, 5), 8), {{30}, true})) CHECK_EQ(p, 0.125f);
}

TEST_CASE("equal distances and duplicates get equal shares") {
  NeighborGraph graph = nearest(blobs(40, 3, 2, 5), 20);
  for (float& d : graph.distances) d = 3;
  for (float p : conditional_affinities(graph, {{5}})) CHECK_EQ(p, doctest::Approx(1 / 20.0));

  const Matrix x(40, 3, 7.0f);  // all samples coincide
  for (float p : conditional_affinities(nearest(x, 20), {{5}})) CHECK_EQ(p, doctest::Approx(1 / 20.0));

  for (std::size_t i = 0; i < 40; ++i)  // ten duplicates, more than the perplexity, then others
    for (std::size_t j = 0; j < 20; ++j) graph.distances[i * 20 + j] = j < 10 ? 0 : 1;
  const Buffer<float> p = conditional_affinities(graph, {{5}});
  for (std::size_t e = 0; e < p.size(); ++e) CHECK_EQ(p[e], doctest::Approx(e % 20 < 10 ? 0.1 : 0).epsilon(1e-4));
}

TEST_CASE("a perplexity beyond the neighbours is lowered with a note") {
  const NeighborGraph graph = nearest(blobs(10, 3, 1, 0), 9);
  std::string noted;
  Control control;
  control.note = [&](std::string_view text) { noted = text; };
  const Buffer<float> p = conditional_affinities(graph, {{30}}, control);
  CHECK_EQ(entropy(&p[0], 9), doctest::Approx(std::log(3)).epsilon(1e-4));
  CHECK_NE(noted.find("lowered to 3"), std::string::npos);
  CHECK_THROWS_AS(conditional_affinities(graph, {{0.5}}), UsageError);
  CHECK_THROWS_AS(conditional_affinities(graph, {{}}), UsageError);
}

TEST_CASE("affinities of all pairs are those of a graph with all neighbours") {
  const Matrix x = blobs(150, 6, 3, 5);
  const Affinities dense = dense_affinities(x, 20), sparse = compute_affinities(nearest(x, 149), {{20}});
  check_is_affinity(dense);
  REQUIRE_EQ(dense.edges(), 150 * 149);
  for (std::size_t e = 0; e < dense.edges(); ++e) {
    REQUIRE_EQ(dense.indices[e], sparse.indices[e]);
    REQUIRE_GE(dense.values[e], 2.2e-16f);
    REQUIRE_LT(std::fabs(dense.values[e] - sparse.values[e]), 2e-4 / 150);
  }
}

TEST_CASE("cosine affinities are euclidean ones of normalised rows") {
  Matrix x = blobs(80, 4, 2, 5);
  for (std::size_t i = 0; i < 80; ++i) {
    double norm = 0;
    for (std::size_t t = 0; t < 4; ++t) norm += std::pow(x(i, t), 2);
    for (std::size_t t = 0; t < 4; ++t) x(i, t) /= float(std::sqrt(norm));
  }
  const NeighborGraph euclidean = nearest(x, 30);
  NeighborGraph cosine = euclidean;
  cosine.metric = Metric::cosine;
  for (float& d : cosine.distances) d = d * d / 2;
  const Buffer<float> p = conditional_affinities(euclidean, {{10}}), r = conditional_affinities(cosine, {{10}});
  for (std::size_t e = 0; e < p.size(); ++e) CHECK_LT(std::fabs(p[e] - r[e]), 1e-5);
}

TEST_CASE("weights of the user become affinities, or are refused") {
  const SparseMatrix weights{3, 3, {0, 2, 3, 4}, {0, 1, 2, 0}, {5, 2, 1, 1}};  // a diagonal entry among them
  const Affinities p = affinities_from_weights(weights);
  check_is_affinity(p);
  CHECK_EQ(value_at(p, 0, 1), doctest::Approx(0.25));
  CHECK_EQ(value_at(p, 0, 2), doctest::Approx(0.125));
  CHECK_THROWS_AS(affinities_from_weights({2, 3, {0, 0, 0}, {}, {}}), DataError);
  CHECK_THROWS_AS(affinities_from_weights({2, 2, {0, 0, 0}, {}, {}}), DataError);
  CHECK_THROWS_AS(affinities_from_weights({2, 2, {0, 1, 1}, {1}, {-1}}), DataError);
}

TEST_CASE("a graph with indices or distances that cannot be is refused") {
  const NeighborGraph graph = nearest(blobs(30, 3, 2, 5), 9);
  for (std::int32_t index : {-1, 30}) {
    NeighborGraph wrong = graph;
    wrong.indices[100] = index;
    CHECK_THROWS_AS(compute_affinities(wrong, {{3}}), DataError);
  }
  for (float distance : {-1.0f, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    NeighborGraph wrong = graph;
    wrong.distances[100] = distance;
    CHECK_THROWS_AS(compute_affinities(wrong, {{3}}), DataError);
  }
}

TEST_CASE("permuted affinities hold the same values at permuted places") {
  const Affinities p = compute_affinities(nearest(blobs(90, 3, 2, 5), 9), {{3}});
  std::vector<std::int32_t> order(90);
  for (std::size_t i = 0; i < 90; ++i) order[i] = std::int32_t(i * 7 % 90);
  const Affinities q = permute(p, order);
  check_is_affinity(q);
  for (std::size_t i = 0; i < 90; ++i)
    for (std::int32_t j = 0; j < 90; ++j) CHECK_EQ(value_at(q, i, j), value_at(p, order[i], order[j]));
}

TEST_CASE("a breadth-first order brings those who belong together near each other, and leaves nobody out") {
  // Two chains, whose links stand anywhere.
  constexpr std::int32_t kLinks = 50;
  SparseMatrix chains{2 * kLinks, 2 * kLinks, {0}, {}, {}};
  const auto link_at = [](std::int32_t row) { return row * 37 % (2 * kLinks); };
  std::vector<std::int32_t> row_of(2 * kLinks);
  for (std::int32_t row = 0; row < 2 * kLinks; ++row) row_of[std::size_t(link_at(row))] = row;
  for (std::int32_t row = 0; row < 2 * kLinks; ++row) {
    if ((link_at(row) + 1) % kLinks != 0) {
      chains.indices.push_back(row_of[std::size_t(link_at(row) + 1)]);
      chains.values.push_back(1);
    }
    chains.indptr.push_back(std::int64_t(chains.values.size()));
  }
  const Affinities p = affinities_from_weights(chains);
  const std::vector<std::int32_t> order = breadth_first_order(p);
  std::vector<std::int32_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (std::int32_t row = 0; row < 2 * kLinks; ++row) REQUIRE_EQ(sorted[std::size_t(row)], row);
  const Affinities q = permute(p, order);
  for (std::size_t i = 0; i < q.rows; ++i)
    for (std::int64_t e = q.indptr[i]; e < q.indptr[i + 1]; ++e) CHECK_LE(std::abs(q.indices[e] - std::int32_t(i)), 2);
}

TEST_CASE("affinities are the same bytes with 1, 2 and 4 threads") {
  const NeighborGraph graph = nearest(blobs(1500, 4, 5, 6), 15);
  std::vector<Affinities> all;
  for (int count : {1, 2, 4}) {
    set_threads(count);
    all.push_back(compute_affinities(graph, {{5}}));
  }
  set_threads(1);
  for (int other : {1, 2}) {
    CHECK(same_bytes(all[0].indices, all[other].indices));
    CHECK(same_bytes(all[0].values, all[other].values));
  }
}
