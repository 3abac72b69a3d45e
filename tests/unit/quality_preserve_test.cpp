#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/random.h"
#include "quality/evaluate.h"
#include "quality/preserve.h"
#include "quality/ranking.h"

using namespace espalier;

namespace {

Matrix random_points(std::size_t rows, std::size_t cols, std::uint64_t stream) {
  const Random random(11, stream);
  Matrix points(rows, cols);
  for (std::size_t v = 0; v < points.size(); ++v) points.data()[v] = float(random.normal(v));
  return points;
}

/// Integers of a small range: many equal distances.
Matrix grid_points(std::size_t rows, std::size_t cols, std::uint64_t stream) {
  const Random random(12, stream);
  Matrix points(rows, cols);
  for (std::size_t v = 0; v < points.size(); ++v) points.data()[v] = float(random.below(v, 4));
  return points;
}

double squared_distance(const Matrix& points, std::size_t i, std::size_t j) {
  double sum = 0;
  for (std::size_t c = 0; c < points.cols(); ++c) {
    const double difference = double(points(i, c)) - double(points(j, c));
    sum += difference * difference;
  }
  return sum;
}

/// rank[i][j] = 1 + the samples other than i that are nearer to i than j, or as near and of smaller index.
std::vector<std::vector<int>> ranks_of(const Matrix& points) {
  const std::size_t n = points.rows();
  std::vector ranks(n, std::vector<int>(n, 0));
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      if (j == i) continue;
      int rank = 1;
      for (std::size_t other = 0; other < n; ++other) {
        if (other == i || other == j) continue;
        const double to_other = squared_distance(points, i, other), to_j = squared_distance(points, i, j);
        rank += to_other < to_j || (to_other == to_j && other < j);
      }
      ranks[i][j] = rank;
    }
  return ranks;
}

/// The co-ranking matrix: Q[a][b] counts pairs of rank a in the data and b in the embedding. Measures by their sums
/// over Q.
struct Coranking {
  int n;
  std::vector<std::vector<double>> q;

  Coranking(const Matrix& data, const Matrix& map) : n(int(data.rows())), q(n, std::vector<double>(n, 0)) {
    const auto rho = ranks_of(data), r = ranks_of(map);
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j)
        if (i != j) ++q[rho[i][j]][r[i][j]];
  }
  double factor(int k) const {
    return 2 * k < n ? 2.0 / (double(n) * k * (2 * n - 3 * k - 1)) : 2.0 / (double(n) * (n - k) * (n - k - 1));
  }
  double trustworthiness(int k) const {
    double sum = 0;
    for (int rho = k + 1; rho < n; ++rho)
      for (int r = 1; r <= k; ++r) sum += (rho - k) * q[rho][r];
    return k == n - 1 ? 1 : 1 - factor(k) * sum;
  }
  double continuity(int k) const {
    double sum = 0;
    for (int rho = 1; rho <= k; ++rho)
      for (int r = k + 1; r < n; ++r) sum += (r - k) * q[rho][r];
    return k == n - 1 ? 1 : 1 - factor(k) * sum;
  }
  double qnx(int k) const {
    double sum = 0;
    for (int rho = 1; rho <= k; ++rho)
      for (int r = 1; r <= k; ++r) sum += q[rho][r];
    return sum / (double(k) * n);
  }
  double rnx(int k) const { return ((n - 1) * qnx(k) - k) / (n - 1 - k); }
  double auc() const {
    double sum = 0, total = 0;
    for (int k = 1; k <= n - 2; ++k) sum += rnx(k) / k, total += 1.0 / k;
    return sum / total;
  }
  double mrre(int k, bool of_embedding) const {
    double sum = 0, worst = 0;
    for (int rho = 1; rho < n; ++rho)
      for (int r = 1; r < n; ++r) {
        const int defining = of_embedding ? r : rho;
        if (defining <= k) sum += q[rho][r] * std::abs(rho - r) / double(defining);
      }
    for (int a = 1; a <= k; ++a) worst += std::abs(n - 2 * a + 1) / double(a);
    return sum / (n * worst);
  }
};

std::size_t column(const QualityReport& report, const std::string& name) {
  for (std::size_t c = 0; c < report.columns.size(); ++c)
    if (report.columns[c].name == name) return c;
  FAIL("no column " << name);
  return 0;
}

Score score(const QualityReport& report, std::size_t row, const std::string& name) {
  return report.rows[row].scores[column(report, name)];
}

double value(const QualityReport& report, std::size_t row, const std::string& name) {
  return score(report, row, name).value;
}

QualityReport evaluate(const Samples& data, const Matrix& map, const QualityOptions& options) {
  QualityView view;
  view.data = &data;
  view.embeddings = {{&map, {}, {}, ""}};
  return evaluate_quality(view, options, Control{});
}

}  // namespace

TEST_CASE("rank measures are those of a plain co-ranking matrix, ties and all") {
  struct Case {
    Matrix data, map;
  };
  Case cases[] = {{random_points(90, 30, 1), random_points(90, 2, 2)},
                  {grid_points(61, 20, 3), grid_points(61, 2, 4)},
                  {random_points(60, 3, 5), random_points(60, 1, 6)}};
  QualityOptions options;
  for (Case& c : cases) {
    const int n = int(c.data.rows());
    options.neighbors = {1, 5, 20, n / 2, n - 2, n - 1};
    const Coranking plain(c.data, c.map);
    const QualityReport report = evaluate(c.data, c.map, options);
    for (std::size_t row = 0; row < options.neighbors.size(); ++row) {
      const int k = options.neighbors[row];
      CAPTURE(k);
      CHECK_EQ(value(report, row, "trustworthiness"), doctest::Approx(plain.trustworthiness(k)).epsilon(1e-12));
      CHECK_EQ(value(report, row, "continuity"), doctest::Approx(plain.continuity(k)).epsilon(1e-12));
      CHECK_EQ(value(report, row, "qnx"), doctest::Approx(plain.qnx(k)).epsilon(1e-12));
      CHECK_EQ(value(report, row, "recall"), doctest::Approx(plain.qnx(k)).epsilon(1e-12));
      CHECK_EQ(value(report, row, "lcmc"), doctest::Approx(plain.qnx(k) - double(k) / (n - 1)).epsilon(1e-10));
      if (k < n - 1)
        CHECK_EQ(value(report, row, "rnx"), doctest::Approx(plain.rnx(k)).epsilon(1e-10));
      else
        CHECK(std::isnan(value(report, row, "rnx")));
      CHECK_EQ(value(report, row, "mrre_data"), doctest::Approx(plain.mrre(k, false)).epsilon(1e-12));
      CHECK_EQ(value(report, row, "mrre_embedding"), doctest::Approx(plain.mrre(k, true)).epsilon(1e-12));
      CHECK_EQ(value(report, row, "auc"), doctest::Approx(plain.auc()).epsilon(1e-10));
    }
  }
}

TEST_CASE("an anchor worked by hand has the scores of the definitions") {
  // data order of the anchor: samples 1 2 3 4; map order: 3 2 1 4. So rho = (1, 2, 3, 4), r = (3, 2, 1, 4).
  const std::vector<std::int32_t> data_order = {1, 2, 3, 4}, map_order = {3, 2, 1, 4};
  const std::vector<std::int32_t> data_rank = {0, 1, 2, 3, 4}, map_rank = {0, 3, 2, 1, 4};
  const RankPair pair{data_order, data_rank, map_order, map_rank};
  const RankScores scores(5);
  std::vector<double> out(kRankScores);
  const auto at = [&](RankScore s) { return out[std::size_t(s)]; };
  scores.at(pair, 2, out);
  // k = 2, N = 5: the map's neighbours are 3 (rho 3, an intruder by 1) and 2; the factor is 2 / (2 (10 - 6 - 1)) = 1/3.
  CHECK_EQ(at(RankScore::trustworthiness), doctest::Approx(1 - 1.0 / 3));
  // The data's neighbours are 1 (r 3, lost by 1) and 2.
  CHECK_EQ(at(RankScore::continuity), doctest::Approx(1 - 1.0 / 3));
  CHECK_EQ(at(RankScore::qnx), doctest::Approx(0.5));  // they share sample 2
  CHECK_EQ(at(RankScore::lcmc), doctest::Approx(0));   // 1/2 - 2/4
  CHECK_EQ(at(RankScore::rnx), doctest::Approx(0));    // (4 * 1/2 - 2) / (4 - 2)
  // |3 - 1| / 1 + |2 - 2| / 2 = 2 over |5 - 2 + 1| / 1 + |5 - 4 + 1| / 2 = 5, from either side.
  CHECK_EQ(at(RankScore::mrre_embedding), doctest::Approx(2.0 / 5));
  CHECK_EQ(at(RankScore::mrre_data), doctest::Approx(2.0 / 5));
  // R_NX(1) = (4 * 0 - 1) / 3, R_NX(2) = 0, R_NX(3) = (4 * 1 - 3) / 1; weights 1, 1/2, 1/3.
  CHECK_EQ(scores.auc(pair), doctest::Approx((-1.0 / 3 + 1.0 / 3) / (1 + 0.5 + 1.0 / 3)));
}

TEST_CASE("a map that keeps all distances is perfect, and a random one is no better than chance") {
  QualityOptions options;
  options.neighbors = {1, 7, 150};
  const Matrix points = random_points(400, 2, 20);
  Matrix wide(400, 25, 0.0f);  // the same plane, turned into 25 dimensions by powers of two: distances double exactly
  for (std::size_t i = 0; i < 400; ++i) wide(i, 3) = 2 * points(i, 0), wide(i, 17) = 2 * points(i, 1);
  const QualityReport perfect = evaluate(wide, points, options);
  const QualityReport chance = evaluate(random_points(400, 25, 21), points, options);
  for (std::size_t row = 0; row < 3; ++row) {
    for (const char* name :
         {"trustworthiness", "continuity", "qnx", "rnx", "auc", "recall", "pearson", "spearman", "triplets"})
      CHECK_EQ(value(perfect, row, name), doctest::Approx(1).epsilon(1e-12));
    for (const char* name : {"mrre_data", "mrre_embedding"}) CHECK_EQ(value(perfect, row, name), 0);
    CHECK_LT(std::abs(value(chance, row, "rnx")), 0.05);
    CHECK_LT(std::abs(value(chance, row, "lcmc")), 0.05);
    CHECK_LT(std::abs(value(chance, row, "auc")), 0.05);
    CHECK_LT(std::abs(value(chance, row, "trustworthiness") - 0.5), 0.06);
    CHECK_LT(std::abs(value(chance, row, "pearson")), 0.1);
    CHECK_LT(std::abs(value(chance, row, "triplets") - 0.5), 0.05);
  }
}

TEST_CASE("sampled anchors estimate what all anchors give, within their standard errors") {
  const Samples data = random_points(600, 20, 30);
  Matrix map(600, 2);
  for (std::size_t i = 0; i < 600; ++i)
    for (std::size_t c = 0; c < 2; ++c) map(i, c) = std::get<Matrix>(data)(i, c);
  QualityOptions options;
  options.neighbors = {5, 30};
  const QualityReport all = evaluate(data, map, options);
  options.anchors = 600;
  CHECK_EQ(to_json(evaluate(data, map, options)), to_json(all));
  options.anchors = 0;
  CHECK_EQ(to_json(evaluate(data, map, options)), to_json(all));
  options.anchors = 150;
  const char* names[] = {"trustworthiness", "continuity", "qnx", "rnx", "auc", "mrre_data", "mrre_embedding"};
  int outside = 0, seen = 0;
  for (options.seed = 0; options.seed < 20; ++options.seed) {
    const QualityReport some = evaluate(data, map, options);
    CHECK_EQ(some.anchors, 150);
    for (const char* name : names) {
      const Score estimate = score(some, 0, name);
      CHECK_GT(estimate.error, 0);
      outside += std::abs(estimate.value - value(all, 0, name)) > 2 * estimate.error;
      ++seen;
    }
    CHECK_EQ(value(some, 0, "recall"), value(all, 0, "recall"));  // never sampled
  }
  CHECK_LT(outside, seen / 7);  // 5 % of normal draws lie outside of two standard errors
}

TEST_CASE("anchors are distinct, ascending, and each row is as likely as any other") {
  std::vector<int> drawn(40, 0);
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    const auto rows = sample_rows(40, 10, seed);
    REQUIRE_EQ(rows.size(), 10);
    CHECK(std::is_sorted(rows.begin(), rows.end()));
    CHECK(std::adjacent_find(rows.begin(), rows.end()) == rows.end());
    for (auto row : rows) ++drawn[std::size_t(row)];
  }
  for (int count : drawn) CHECK_LT(std::abs(count - 1000), 150);  // standard deviation 27
}

TEST_CASE("a graph is held against the exact neighbours") {
  const std::size_t n = 80, k = 4;
  const Samples data = random_points(n, 18, 40);
  const auto ranks = ranks_of(std::get<Matrix>(data));
  NeighborGraph graph;
  graph.rows = n;
  graph.k = k;
  graph.indices = Buffer<std::int32_t>(n * k);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j)
      if (j != i && ranks[i][j] <= int(k)) graph.indices[i * k + std::size_t(ranks[i][j]) - 1] = std::int32_t(j);
  for (std::size_t i = 0; i < n; i += 2)  // every other row loses its third neighbour to the sample of rank 5
    for (std::size_t j = 0; j < n; ++j)
      if (ranks[i][j] == 5) graph.indices[i * k + 2] = std::int32_t(j);
  const Matrix map = random_points(n, 2, 41);
  QualityView view;
  view.data = &data;
  view.embeddings = {{&map, {}, {}, ""}};
  view.graph = &graph;
  QualityOptions options;
  options.neighbors = {2, 4, 5};
  const QualityReport report = evaluate_quality(view, options, Control{});
  CHECK_EQ(value(report, 0, "graph_recall"), 1);
  CHECK_EQ(value(report, 1, "graph_recall"), doctest::Approx(1 - 0.25 / 2));
  CHECK(std::isnan(value(report, 2, "graph_recall")));  // the graph has 4 neighbours
}
