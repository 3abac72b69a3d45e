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

Deviation deviation_from_plain(const Layout& layout, int dims, double a, double partition, const Layout& gradient) {
  std::vector<double> oracle(layout.size());
  const double z = exact_repulsion_plain(layout.data(), layout.size() / std::size_t(dims), dims, a, oracle.data());
  double wrong = 0, all = 0;
  for (std::size_t i = 0; i < oracle.size(); ++i) {
    wrong += (gradient[i] - oracle[i]) * (gradient[i] - oracle[i]);
    all += oracle[i] * oracle[i];
  }
  return {std::sqrt(wrong / all), std::fabs(partition / z - 1)};
}

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
        const Deviation error = deviation_from_plain(layout, dims, a, z, gradient);
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
