#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "base/random.h"
#include "quality/evaluate.h"

using namespace espalier;

namespace {

Score score(const QualityReport& report, std::size_t row, const std::string& name) {
  for (std::size_t c = 0; c < report.columns.size(); ++c)
    if (report.columns[c].name == name) return report.rows[row].scores[c];
  FAIL("no column " << name);
  return {};
}

bool has_column(const QualityReport& report, const std::string& name) {
  for (const QualityColumn& column : report.columns)
    if (column.name == name) return true;
  return false;
}

Matrix line(const std::vector<float>& places) {
  Matrix points(places.size(), 1);
  for (std::size_t i = 0; i < places.size(); ++i) points(i, 0) = places[i];
  return points;
}

QualityReport score_line(const std::vector<float>& places, const std::vector<std::int32_t>& labels,
                         const QualityOptions& options, const std::vector<std::uint8_t>& split = {}) {
  const Samples data = line(places);
  QualityView view;
  view.data = &data;
  view.labels = labels;
  view.split = split;
  return evaluate_quality(view, options, Control{});
}

/// Two clusters in 20 dimensions and a noisy map of them.
struct Clusters {
  Samples data;
  Matrix map;
  std::vector<std::int32_t> labels;
  explicit Clusters(std::size_t n) : data(Matrix(n, 20)), map(n, 2) {
    const Random random(31, 1);
    Matrix& points = std::get<Matrix>(data);
    for (std::size_t i = 0; i < n; ++i) {
      labels.push_back(std::int32_t(i % 3) - (i % 10 == 9));
      for (std::size_t c = 0; c < 20; ++c)
        points(i, c) = float(std::round(8 * random.normal(i * 20 + c)) + 12 * double(i % 3));
      for (std::size_t c = 0; c < 2; ++c) map(i, c) = points(i, c) + points(i, c + 2);
    }
  }
  QualityView view() const {
    QualityView view;
    view.data = &data;
    view.embeddings = {{&map, 1.5, 2.25, "q = 1.5"}};
    view.labels = labels;
    return view;
  }
};

}  // namespace

TEST_CASE("leave-one-out, resubstitution and split vote as worked by hand") {
  // places 0 1 2 | 10 11 | 3: classes 0 0 1 | 1 1 | 0
  const std::vector<float> places = {0, 1, 2, 10, 11, 3};
  const std::vector<std::int32_t> labels = {0, 0, 1, 1, 1, 0};
  QualityOptions options;
  options.neighbors = {1, 3};
  // k = 1: 0->1 right; 1->0 (tie 0, 2: smaller index) right; 2->1 (tie 1, 5) wrong; 3->4 right; 4->3 right; 5->2 wrong.
  QualityReport report = score_line(places, labels, options);
  CHECK_EQ(score(report, 0, "accuracy").value, doctest::Approx(4.0 / 6));
  CHECK_EQ(score(report, 0, "hit").value, doctest::Approx(4.0 / 6));
  // k = 3: 0: 1 2 5 = 0 1 0; 1: 0 2 5 = 0 1 0; 2: 1 5 0 = 0 0 0 wrong; 3: 4 5 2 = 1 0 1; 4: 3 5 2 = 1 0 1; 5: 2 1 0 = 1
  // 0 0.
  CHECK_EQ(score(report, 1, "accuracy").value, doctest::Approx(5.0 / 6));
  CHECK_EQ(score(report, 1, "hit").value, doctest::Approx((2 + 2 + 0 + 2 + 2 + 2) / 18.0));

  options.mode = VoteMode::resubstitution;
  report = score_line(places, labels, options);
  CHECK_EQ(score(report, 0, "accuracy").value, 1);  // everybody is their own nearest neighbour
  // k = 3 with oneself: 2: 2 1 5 = 1 0 0 wrong; 5: 5 2 1 = 0 1 0 right.
  CHECK_EQ(score(report, 1, "accuracy").value, doctest::Approx(5.0 / 6));
  CHECK_EQ(report.mode, "resubstitution");

  options.mode = VoteMode::split;
  // Training 0 1 2 3; 4 -> 3 right, 5 -> 2 wrong. k = 3: 4: 3 2 1 = 1 1 0 right; 5: 2 1 0 = 1 0 0 right.
  report = score_line(places, labels, options, {0, 0, 0, 0, 1, 1});
  CHECK_EQ(score(report, 0, "accuracy").value, doctest::Approx(0.5));
  CHECK_EQ(score(report, 1, "accuracy").value, 1);
  CHECK_THROWS_AS(score_line(places, labels, options), DataError);  // no split
  CHECK_THROWS_AS(score_line(places, labels, options, {0, 0, 0, 0, 0, 0}), DataError);
  CHECK_THROWS_AS(score_line(places, labels, options, {0, 0, 1, 1, 1, 1}), DataError);  // two voters, k = 3
}

TEST_CASE("a tied vote goes to the class of the nearer neighbour, even if it is not the smaller class") {
  QualityOptions options;
  options.neighbors = {2, 4};
  // Sample 0 at 0: neighbours at 1 (class 7), 2 (class 3), 3 (class 3), 4 (class 7): ties at k = 2 and k = 4, both
  // to 7.
  options.confusion = true;
  const QualityReport report = score_line({0, 1, 2, 3, 4}, {7, 7, 3, 3, 7}, options);
  // k = 2: 0: 7 3 -> 7 right. 1 at 1: 0 and 2 tie, smaller index first: 7 3 -> 7 right. 2: 1 3 = 7 3 -> 7 wrong.
  // 3: 2 4 = 3 7 -> 3 right. 4: 3 2 = 3 3 -> 3 wrong.
  CHECK_EQ(score(report, 0, "accuracy").value, doctest::Approx(3.0 / 5));
  std::int64_t taken = 0;
  for (const ConfusionCell& cell : report.rows[0].confusion)
    if (cell.truth == "3" && cell.predicted == "7") taken = cell.samples;
  CHECK_EQ(taken, 1);
  // k = 4, all others: 0: 7 3 3 7 -> nearest 7. 1: 7 3 3 7 -> 7. 2: 7 3 7 7 wrong. 3: 3 7 7 7 wrong. 4: 3 3 7 7 -> 3
  // wrong.
  CHECK_EQ(score(report, 1, "accuracy").value, doctest::Approx(2.0 / 5));
}

TEST_CASE("samples of unknown class neither vote nor are scored") {
  QualityOptions options;
  options.neighbors = {1};
  const QualityReport with = score_line({0, 0.5f, 1, 9, 9.5f, 10}, {0, -1, 0, 1, -1, 1}, options);
  CHECK_EQ(score(with, 0, "accuracy").value, 1);
  const QualityReport without = score_line({0, 1, 9, 10}, {0, 0, 1, 1}, options);
  CHECK_EQ(score(with, 0, "silhouette").value, doctest::Approx(score(without, 0, "silhouette").value));
}

TEST_CASE("per-class accuracy and the confusion table agree with the accuracy") {
  const Clusters clusters(90);
  QualityOptions options;
  options.per_class = options.confusion = true;
  options.neighbors = {5};
  QualityView view = clusters.view();
  const std::vector<std::string> names = {"ant", "bee", "cat"};
  view.label_names = names;
  const QualityReport report = evaluate_quality(view, options, Control{});
  double right = 0, all = 0;
  std::map<std::string, double> of_class, right_of_class;
  for (const ConfusionCell& cell : report.rows[0].confusion) {
    all += double(cell.samples);
    of_class[cell.truth] += double(cell.samples);
    if (cell.truth == cell.predicted) right += double(cell.samples), right_of_class[cell.truth] += double(cell.samples);
  }
  std::size_t known = 0;
  for (auto label : clusters.labels) known += label >= 0;
  CHECK_EQ(all, double(known));
  CHECK_EQ(score(report, 0, "accuracy").value, doctest::Approx(right / all));
  CHECK_LT(right, all);
  for (const std::string& name : names)
    CHECK_EQ(score(report, 0, "accuracy:" + name).value, doctest::Approx(right_of_class[name] / of_class[name]));
}

TEST_CASE("sparse samples score as dense ones, and 1, 2 and 4 threads give the same numbers") {
  const Clusters clusters(300);
  QualityOptions options;
  options.neighbors = {3, 40};
  options.anchors = 130;
  const std::string one = to_json(evaluate_quality(clusters.view(), options, Control{}));
  for (int count : {2, 4}) {
    set_threads(count);
    CHECK_EQ(to_json(evaluate_quality(clusters.view(), options, Control{})), one);
  }
  set_threads(1);
  const Matrix& dense = std::get<Matrix>(clusters.data);
  SparseMatrix sparse{dense.rows(), dense.cols(), {0}, {}, {}};
  for (std::size_t i = 0; i < dense.rows(); ++i) {
    for (std::size_t c = 0; c < dense.cols(); ++c)
      if (dense(i, c) != 0) sparse.indices.push_back(std::int32_t(c)), sparse.values.push_back(dense(i, c));
    sparse.indptr.push_back(std::int64_t(sparse.values.size()));
  }
  const Samples samples = sparse;
  QualityView view = clusters.view();
  view.data = &samples;
  CHECK_EQ(to_json(evaluate_quality(view, options, Control{})), one);
}

TEST_CASE("what is missing is left out with a note, what is wrong is refused") {
  const Clusters clusters(60);
  QualityOptions options;
  options.neighbors = {5};
  QualityView view = clusters.view();
  view.labels = {};
  QualityReport report = evaluate_quality(view, options, Control{});
  CHECK_FALSE(has_column(report, "accuracy"));
  CHECK(has_column(report, "auc"));
  CHECK_EQ(report.notes.size(), 1);
  const std::vector<std::int32_t> one_class(60, 4), unknown(60, -1);
  view.labels = one_class;
  CHECK_FALSE(has_column(evaluate_quality(view, options, Control{}), "accuracy"));
  view.labels = unknown;
  CHECK_FALSE(has_column(evaluate_quality(view, options, Control{}), "accuracy"));

  view = clusters.view();
  view.data = nullptr;
  report = evaluate_quality(view, options, Control{});
  CHECK(has_column(report, "accuracy"));
  CHECK_FALSE(has_column(report, "qnx"));

  view = clusters.view();
  view.embeddings.clear();
  report = evaluate_quality(view, options, Control{});
  CHECK_EQ(report.rows[0].title, "data");
  CHECK(has_column(report, "silhouette"));
  CHECK_FALSE(has_column(report, "qnx"));
  view.labels = {};
  CHECK_THROWS_AS(evaluate_quality(view, options, Control{}), DataError);

  view = clusters.view();
  for (int k : {0, 60, 61}) {
    options.neighbors = {5, k};
    CHECK_THROWS_AS(evaluate_quality(view, options, Control{}), DataError);
  }
  options.neighbors = {5};
  view.labels = view.labels.first(59);
  CHECK_THROWS_AS(evaluate_quality(view, options, Control{}), DataError);
  const Matrix short_map(59, 2, 0.0f), single(1, 2, 0.0f);
  view = clusters.view();
  view.embeddings.push_back({&short_map, {}, {}, ""});
  CHECK_THROWS_AS(evaluate_quality(view, options, Control{}), DataError);
  QualityView lonely;
  lonely.embeddings = {{&single, {}, {}, ""}};
  CHECK_THROWS_AS(evaluate_quality(lonely, options, Control{}), DataError);
  CHECK_THROWS_AS(evaluate_quality(QualityView{}, options, Control{}), DataError);
}

TEST_CASE("a collapsed map is scored by index order, not refused") {
  const Clusters clusters(50);
  const Matrix collapsed(50, 2, 3.0f);
  QualityView view = clusters.view();
  view.embeddings = {{&collapsed, {}, {}, "point"}};
  QualityOptions options;
  options.neighbors = {4};
  const QualityReport report = evaluate_quality(view, options, Control{});
  CHECK_EQ(score(report, 0, "silhouette").value, 0);
  CHECK(std::isnan(score(report, 0, "pearson").value));
  CHECK_LT(score(report, 0, "qnx").value, 0.3);
}

TEST_CASE("a sweep has a row for each map and k, in a table and in JSON") {
  const Clusters clusters(60);
  QualityView view = clusters.view();
  view.embeddings.push_back({&clusters.map, 2.0, {}, "q\t= 2"});
  QualityOptions options;
  options.neighbors = {2, 9};
  options.anchors = 30;
  const QualityReport report = evaluate_quality(view, options, Control{});
  REQUIRE_EQ(report.rows.size(), 4);
  CHECK_EQ(report.rows[1].q.value(), 1.5);
  CHECK_EQ(report.rows[2].k, 2);
  const std::string table = to_table(report);
  CHECK(table.starts_with(
      "map\tq\tkl\tk\taccuracy\thit\tsilhouette\tsilhouette_se\ttrustworthiness\ttrustworthiness_se\t"));
  std::vector<std::size_t> tabs(1, 0);
  for (char c : table)
    if (c == '\n')
      tabs.push_back(0);
    else
      tabs.back() += c == '\t';
  REQUIRE_EQ(tabs, std::vector<std::size_t>{tabs[0], tabs[0], tabs[0], tabs[0], tabs[0], 0});
  const auto json = nlohmann::json::parse(to_json(report));
  CHECK_EQ(json["anchors"], 30);
  CHECK_EQ(json["rows"].size(), 4);
  CHECK_EQ(json["rows"][1]["measures"]["auc"].get<double>(), score(report, 1, "auc").value);
  CHECK_EQ(json["rows"][1]["standard_errors"]["auc"].get<double>(), score(report, 1, "auc").error);
  CHECK_FALSE(json["rows"][2].contains("kl"));
}

TEST_CASE("thresholds are reached by every row or not at all, errors from below") {
  QualityReport report;
  report.columns = {{"accuracy", false, false}, {"mrre_data", true, false}, {"rnx", false, false}};
  for (double value : {0.5, 0.75}) {
    QualityRow row;
    row.title = "map";
    row.k = 5;
    row.scores = {{value, NAN}, {value, NAN}, {NAN, NAN}};
    report.rows.push_back(row);
  }
  const auto missed = [&](const char* name, double value) {
    const Threshold threshold{name, value};
    return shortfalls(report, {&threshold, 1}).size();
  };
  CHECK_EQ(missed("accuracy", 0.5), 0);
  CHECK_EQ(missed("accuracy", 0.6), 1);
  CHECK_EQ(missed("accuracy", 0.8), 2);
  CHECK_EQ(missed("mrre_data", 0.75), 0);
  CHECK_EQ(missed("mrre_data", 0.7), 1);
  CHECK_EQ(missed("rnx", -1), 2);  // NaN reaches nothing
  CHECK_THROWS_AS(missed("auc", 0), DataError);
  CHECK_THROWS_AS(missed("accuracies", 0), UsageError);
}
