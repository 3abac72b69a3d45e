#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "base/random.h"
#include "embed/repulsion.h"

using namespace espalier;

namespace {

using Layout = std::vector<float>;

/// Clusters of unit width whose centres fill a box of side `spread`: what a finished embedding looks like.
Layout clustered(std::size_t n, int dims, double spread, std::uint64_t seed) {
  const std::size_t clusters = 12;
  const Random random(seed, 0);
  Layout layout(n * std::size_t(dims));
  for (std::size_t i = 0; i < layout.size(); ++i) {
    const std::size_t centre = (i / std::size_t(dims)) % clusters * std::size_t(dims) + i % std::size_t(dims);
    layout[i] = float(spread * (random.uniform(1000000 + centre) - 0.5) + spread / 25 * random.normal(i));
  }
  return layout;
}

struct Deviation {
  double force;      ///< root mean square error over root mean square force
  double partition;  ///< relative
};

/// grad phi and Z in plain double loops.
struct Oracle {
  std::vector<double> gradient;
  double partition;

  Oracle(const Layout& layout, int dims, double a) : gradient(layout.size()) {
    partition = exact_repulsion_plain(layout.data(), layout.size() / std::size_t(dims), dims, a, gradient.data());
  }
  Deviation of(double z, const Layout& other) const {
    double wrong = 0, all = 0;
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      wrong += (other[i] - gradient[i]) * (other[i] - gradient[i]);
      all += gradient[i] * gradient[i];
    }
    return {std::sqrt(wrong / all), std::fabs(z / partition - 1)};
  }
};

}  // namespace

TEST_CASE("vectorised all pairs agree with plain double loops for every kernel, dimension and spread") {
  for (int dims : {1, 2, 3})
    for (double a : {0.0, 0.01, 0.1, 0.5, 1.0, 1.5, 1.9, 3.0})
      for (double spread : {1e-4, 1.0, 60.0}) {
        CAPTURE(dims);
        CAPTURE(a);
        CAPTURE(spread);
        const Layout layout = clustered(301, dims, spread, 7);
        Layout gradient(layout.size());
        const auto repulsion = make_repulsion(301, {.a = a, .dims = dims, .method = RepulsionMethod::exact});
        const double z = repulsion->evaluate(layout.data(), 301, gradient.data());
        const Deviation error = Oracle(layout, dims, a).of(z, gradient);
        CHECK_LT(error.force, 1e-5);
        CHECK_LT(error.partition, 2e-6);
        CHECK_LT(std::fabs(exact_partition(layout.data(), 301, dims, a) / z - 1), 2e-6);
      }
}

TEST_CASE("layouts of one, two and identical points repel as they should") {
  float one[2] = {3, 4}, gradient[20];
  const auto repulsion = make_repulsion(1, {.a = 1});
  CHECK_EQ(repulsion->evaluate(one, 1, gradient), doctest::Approx(0));
  CHECK_EQ(gradient[0], 0);
  const float two[4] = {0, 0, 1, 0};
  CHECK_EQ(repulsion->evaluate(two, 2, gradient), doctest::Approx(1));  // 2 w(1), w = 1 / 2
  CHECK_EQ(gradient[0], doctest::Approx(0.5));                          // -2 w^2 (0 - 1)
  CHECK_EQ(gradient[2], doctest::Approx(-0.5));
  const Layout same(20, 2.5f);
  CHECK_EQ(repulsion->evaluate(same.data(), 10, gradient), doctest::Approx(90));
  for (float g : gradient) CHECK_EQ(g, 0);
}

TEST_CASE("a layout that diverged is refused by name") {
  Layout layout = clustered(100, 2, 10, 1), gradient(200);
  for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -1e30f}) {
    layout[77] = bad;
    CHECK_THROWS_AS(make_repulsion(100, {})->evaluate(layout.data(), 100, gradient.data()), DataError);
    CHECK_THROWS_AS(exact_partition(layout.data(), 100, 2, 1), DataError);
  }
}

TEST_CASE("the grid agrees with all pairs within the stated errors from early to late layouts") {
  struct Stage {
    double spread, cubic, quintic;
  };
  const std::size_t n = 600;
  for (int dims : {1, 2, 3})
    for (double q : {1.0, 1.1, 1.5, 2.0, 2.5, 2.9})
      for (const Stage& stage : {Stage{1e-4, 5e-5, 5e-5}, Stage{1, 5e-5, 5e-5}, Stage{20, 6e-3, 3e-3},
                                 Stage{dims == 3 ? 25.0 : 80.0, 13e-3, 6e-3}}) {
        CAPTURE(dims);
        CAPTURE(q);
        CAPTURE(stage.spread);
        const Layout layout = clustered(n, dims, stage.spread, 11);
        const Oracle oracle(layout, dims, q - 1);
        Layout gradient(layout.size());
        for (Spline spline : {Spline::cubic, Spline::quintic}) {
          const auto grid =
              make_repulsion(n, {.a = q - 1, .dims = dims, .method = RepulsionMethod::grid, .spline = spline});
          const double z = grid->evaluate(layout.data(), n, gradient.data());
          const Deviation error = oracle.of(z, gradient);
          CHECK_LT(error.force, spline == Spline::cubic ? stage.cubic : stage.quintic);
          CHECK_LT(error.partition, 2e-4);
        }
      }
}

TEST_CASE("a smaller step brings the grid nearer to all pairs") {
  const Layout layout = clustered(900, 2, 60, 5);
  const Oracle oracle(layout, 2, 1);
  Layout gradient(layout.size());
  double last = 1;
  for (double step : {1.0, 0.5, 0.25}) {
    const auto grid = make_repulsion(900, {.method = RepulsionMethod::grid, .step = step, .spline = Spline::cubic});
    const double z = grid->evaluate(layout.data(), 900, gradient.data());
    const double error = oracle.of(z, gradient).force;
    CHECK_LT(error, last / 2);
    last = error;
  }
}

TEST_CASE("the net force on a layout is about zero, by all pairs and by the grid") {
  const Layout layout = clustered(3000, 2, 60, 3);
  Layout gradient(layout.size());
  for (RepulsionMethod method : {RepulsionMethod::exact, RepulsionMethod::grid}) {
    make_repulsion(3000, {.method = method})->evaluate(layout.data(), 3000, gradient.data());
    double net = 0, size = 0;
    for (std::size_t i = 0; i < layout.size(); i += 2) {
      net += gradient[i];
      size += std::fabs(gradient[i]);
    }
    CHECK_LT(std::fabs(net), 1e-4 * size);
  }
}

TEST_CASE("repulsion is the same bytes for 1, 2 and 4 threads, and after any earlier layout") {
  for (int dims : {1, 2, 3}) {
    CAPTURE(dims);
    const std::size_t n = 12000;
    const Layout layout = clustered(n, dims, 30, 2), other = clustered(n, dims, 27, 2);
    const double partition = exact_partition(layout.data(), 1000, dims, 0.5);
    for (RepulsionMethod method : {RepulsionMethod::exact, RepulsionMethod::grid}) {
      const std::size_t used = method == RepulsionMethod::exact ? 1000 : n;
      const RepulsionOptions options = {.a = 0.5, .dims = dims, .method = method};
      Layout first(used * std::size_t(dims)), again(first.size());
      const double z = make_repulsion(used, options)->evaluate(layout.data(), used, first.data());
      for (int count : {1, 2, 4}) {
        set_threads(count);
        const auto repulsion = make_repulsion(used, options);
        repulsion->evaluate(other.data(), used, again.data());
        CHECK_EQ(repulsion->evaluate(layout.data(), used, again.data()), z);
        CHECK_EQ(again, first);
        CHECK_EQ(exact_partition(layout.data(), 1000, dims, 0.5), partition);
      }
      set_threads(1);
    }
  }
}

TEST_CASE("exact and fine partitions agree with plain double loops") {
  for (int dims : {1, 2, 3})
    for (double a : {0.0, 0.3, 1.0, 1.9}) {
      CAPTURE(dims);
      CAPTURE(a);
      const Layout layout = clustered(1500, dims, 12, 9);
      std::vector<double> gradient(layout.size());
      const double z = exact_repulsion_plain(layout.data(), 1500, dims, a, gradient.data());
      CHECK_EQ(exact_partition(layout.data(), 1500, dims, a), doctest::Approx(z).epsilon(2e-6));
      CHECK_EQ(fine_partition(layout.data(), 1500, dims, a), doctest::Approx(z).epsilon(2e-5));
    }
}

TEST_CASE("moving a layout as a whole moves no force") {
  Layout layout = clustered(2500, 2, 40, 4);
  for (float& u : layout) u = std::round(u * 1024) / 1024;  // so that the shift below is exact
  Layout moved = layout, at_rest(layout.size()), afterwards(layout.size());
  for (float& u : moved) u += 32;
  const auto grid = make_repulsion(2500, {.a = 0.5, .method = RepulsionMethod::grid});
  const double z = grid->evaluate(layout.data(), 2500, at_rest.data());
  CHECK_EQ(grid->evaluate(moved.data(), 2500, afterwards.data()), z);
  CHECK_EQ(at_rest, afterwards);
}

TEST_CASE("the grid serves one, two, identical and far-flung points without strain") {
  for (int dims : {1, 2, 3})
    for (Spline spline : {Spline::cubic, Spline::quintic}) {
      CAPTURE(dims);
      const auto grid = make_repulsion(9, {.a = 0.5, .dims = dims, .method = RepulsionMethod::grid, .spline = spline});
      Layout layout(9 * std::size_t(dims), 7.25f), gradient(layout.size());
      CHECK_EQ(grid->evaluate(layout.data(), 0, gradient.data()), 0);
      CHECK_EQ(grid->evaluate(layout.data(), 1, gradient.data()), doctest::Approx(0));
      CHECK_LT(std::fabs(gradient[0]), 1e-5);
      CHECK_EQ(grid->evaluate(layout.data(), 9, gradient.data()), doctest::Approx(72));
      for (float g : gradient) CHECK_LT(std::fabs(g), 1e-5);
      layout[0] += 1;
      const double w = std::pow(1.5, -2.0);
      CHECK_EQ(grid->evaluate(layout.data(), 2, gradient.data()), doctest::Approx(2 * w));
      CHECK_EQ(gradient[0], doctest::Approx(-2 * w / 1.5).epsilon(1e-3));
      layout[0] = 1e14f;
      CHECK(std::isfinite(grid->evaluate(layout.data(), 9, gradient.data())));
      for (float g : gradient) CHECK(std::isfinite(g));
      layout[0] = 1e30f;
      CHECK_THROWS_AS(grid->evaluate(layout.data(), 9, gradient.data()), DataError);
      layout[0] = std::numeric_limits<float>::quiet_NaN();
      CHECK_THROWS_AS(grid->evaluate(layout.data(), 9, gradient.data()), DataError);
    }
}
