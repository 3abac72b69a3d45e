#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/error.h"
#include "plot/axes.h"
#include "plot/curves.h"

using namespace espalier;

namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();

const std::string kLog =
    "epoch\trate\tloss\taccuracy\ttest_loss\ttest_accuracy\tzero_weights\tzero_kernels\n"
    "1\t0.2\t2.3\t0.1\t2.2\t0.12\t0\t0\n"
    "2\t0.1\t0.9\t0.6\t-\t-\t0.3\t0.1\n"
    "3\t0\t0.02\t0.99\t0.3\t0.9\t0.8\t0.5\n";

std::vector<std::string> labels_of_ticks(const Axis& axis) {
  std::vector<std::string> labels;
  for (const Tick& tick : ticks_of(axis)) labels.push_back(tick.label);
  return labels;
}

std::vector<std::string> titles(const std::vector<CurvePanel>& panels) {
  std::vector<std::string> out;
  for (const CurvePanel& panel : panels) out.push_back(panel.title);
  return out;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("an axis holds its numbers with little room to spare, and ignores what is not there") {
  const Axis axis = axis_over({3, kNothing, 5, 4}, Scale::automatic);
  CHECK(axis.share(3) == doctest::Approx(0.03 / 1.06));
  CHECK(axis.share(5) == doctest::Approx(1.03 / 1.06));
  CHECK_FALSE(axis.logarithmic);
}

TEST_CASE("an axis of positive numbers that come near 0 begins at 0") {
  CHECK(axis_over({1, 100}, Scale::linear).share(0) == doctest::Approx(0.03 / 1.06));
  CHECK(axis_over({60, 100}, Scale::linear).least > 50);
  CHECK(axis_over({-1, 100}, Scale::linear).share(-1) == doctest::Approx(0.03 / 1.06));
}

TEST_CASE("an axis over one number, equal numbers or none has a length, and ticks") {
  for (const std::vector<double>& numbers :
       {std::vector<double>{}, {kNothing}, {0}, {7, 7}, {-2}, {1, 1 + 1e-15}, {1e-30}, {1e29, -1e29}}) {
    for (const Scale scale : {Scale::linear, Scale::logarithmic}) {
      const Axis axis = axis_over(numbers, scale);
      CHECK(axis.most > axis.least);
      const std::vector<Tick> ticks = ticks_of(axis);
      CHECK(ticks.size() >= 1);
      CHECK(ticks.size() <= 12);
      for (const double x : numbers)
        if (std::isfinite(x) && (x > 0 || !axis.logarithmic)) {
          CHECK(axis.share(x) >= 0);
          CHECK(axis.share(x) <= 1);
        }
    }
  }
}

TEST_CASE("a logarithmic axis is even in ratios and leaves out what has no logarithm") {
  const Axis axis = axis_over({0, -3, 0.01, 100}, Scale::logarithmic);
  REQUIRE(axis.logarithmic);
  CHECK(axis.share(1) == doctest::Approx(0.5));
  CHECK(axis.share(10) - axis.share(1) == doctest::Approx(axis.share(1) - axis.share(0.1)));
  CHECK_FALSE(axis_over({0, -3}, Scale::logarithmic).logarithmic);
}

TEST_CASE("ticks of a logarithmic axis are round numbers, few, and inside") {
  CHECK(labels_of_ticks({0.01, 100, true}) == Names{"0.01", "0.1", "1", "10", "100"});
  CHECK(labels_of_ticks({0.3, 6, true}) == Names{"0.5", "1", "2", "5"});
  CHECK(labels_of_ticks({1e-12, 1, true}) == Names{"1e-12", "1e-10", "1e-8", "1e-6", "0.0001", "0.01", "1"});
  CHECK(labels_of_ticks({6, 9, true}) == Names{"6", "6.5", "7", "7.5", "8", "8.5", "9"});
}

TEST_CASE("numbers of ticks are short") {
  CHECK(tick_label(0) == "0");
  CHECK(tick_label(0.25) == "0.25");
  CHECK(tick_label(-3) == "-3");
  CHECK(tick_label(1e-5) == "1e-5");
  CHECK(tick_label(2000) == "2000");
  CHECK(tick_label(270000) == "270k");
  CHECK(tick_label(1.5e6) == "1.5M");
  CHECK(tick_label(4.1e10) == "41G");
  CHECK(tick_label(-1e20) == "-1e20");
}

TEST_CASE("decades are seen in positive numbers only") {
  CHECK(spans_decades({2.3, 0.05}));
  CHECK_FALSE(spans_decades({2.3, 0.5}));
  CHECK_FALSE(spans_decades({2.3, 0}));
  CHECK_FALSE(spans_decades({}));
}

TEST_CASE("what a training logs shares panels: accuracy, loss, shares, rate, in this order") {
  const std::vector<NumberTable> tables = {parse_table(kLog, "a.tsv")};
  const std::vector<CurvePanel> panels = curve_panels(tables, {});
  CHECK(titles(panels) == Names{"accuracy", "loss", "share", "rate"});
  CHECK(panels[0].labels == Names{"training", "test"});
  REQUIRE(panels[0].curves.size() == 2);
  CHECK(panels[0].curves[0].x == std::vector<double>{1, 2, 3});
  CHECK(panels[0].curves[0].y == std::vector<double>{0.1, 0.6, 0.99});
  CHECK(panels[0].curves[1].y[2] == 0.9);
  CHECK(std::isnan(panels[0].curves[1].y[1]));
  CHECK(panels[1].is_loss);
  CHECK(panels[2].labels == Names{"zero weights", "zero kernels"});
}

TEST_CASE("of several tables each share has a panel, with a curve for each table that has the column") {
  const std::vector<NumberTable> tables = {parse_table(kLog, "a.tsv"), parse_table("epoch\trate\n1\t0.5\n", "b.tsv")};
  const std::vector<CurvePanel> panels = curve_panels(tables, {});
  CHECK(titles(panels) == Names{"accuracy", "loss", "zero_weights", "zero_kernels", "rate"});
  CHECK(panels[2].curves.size() == 1);
  REQUIRE(panels[4].curves.size() == 2);
  CHECK(panels[4].curves[1].table == 1);
}

TEST_CASE("columns that are named are drawn, each once, over the column that is named") {
  const std::vector<NumberTable> tables = {parse_table(kLog, "a.tsv")};
  CurveOptions options;
  options.x = "zero_weights";
  options.y = {"test_accuracy", "rate", "rate"};
  const std::vector<CurvePanel> panels = curve_panels(tables, options);
  CHECK(titles(panels) == Names{"test_accuracy", "rate"});
  CHECK(panels[1].curves.size() == 1);
  CHECK(panels[0].curves[0].x == std::vector<double>{0, 0.3, 0.8});
}

TEST_CASE("a column that is named must be in each table") {
  const std::vector<NumberTable> tables = {parse_table(kLog, "a.tsv"), parse_table("epoch\trate\n1\t0.5\n", "b.tsv")};
  CurveOptions options;
  options.y = {"loss"};
  CHECK_THROWS_WITH_AS(curve_panels(tables, options), "b.tsv: has no column 'loss': there are epoch, rate", DataError);
  options.y = {};
  options.x = "step";
  CHECK_THROWS_AS(curve_panels(tables, options), DataError);
}

TEST_CASE("a column that is a number in all rows but one is not passed over") {
  const std::vector<NumberTable> tables = {parse_table("epoch\tloss\n1\t2\n2\toops\n", "a.tsv")};
  CHECK_THROWS_WITH_AS(curve_panels(tables, {}), "a.tsv: line 3, column 'loss': 'oops' is not a number", DataError);
}

TEST_CASE("a table whose only numbers are those along the axis has nothing to draw") {
  const std::vector<NumberTable> tables = {parse_table("epoch\tname\n1\ta\n", "a.tsv")};
  CHECK_THROWS_AS(curve_panels(tables, {}), DataError);
}

TEST_CASE("curves are the same bytes every time, in each format, and one row is enough") {
  for (const std::string& text : {kLog, std::string("epoch\tloss\n1\t2\n")})
    for (const PictureFormat format : {PictureFormat::png, PictureFormat::svg, PictureFormat::pdf}) {
      const std::vector<NumberTable> tables = {parse_table(text, "a.tsv"), parse_table(text, "b.tsv")};
      CurveOptions options;
      options.format = format;
      options.dpi = 60;
      const auto once = draw_curves(tables, options);
      CHECK(once.size() > 1000);
      CHECK(once == draw_curves(tables, options));
    }
}

TEST_CASE("curves without room are refused as a wrong option") {
  const std::vector<NumberTable> tables = {parse_table(kLog, "a.tsv")};
  CurveOptions options;
  options.width = 30;
  options.columns = 3;
  CHECK_THROWS_AS(draw_curves(tables, options), UsageError);
}
