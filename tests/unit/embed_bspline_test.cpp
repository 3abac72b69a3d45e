#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "embed/bspline.h"

using namespace espalier;

TEST_CASE("B-spline weights add up to one, their slopes to zero, and the slopes are the weights' derivative") {
  for (int points : {4, 6}) {
    const BSpline spline(points);
    for (double f : {0.0, 0.2, 0.5, 0.97}) {
      const auto weights = spline.weights(f), slopes = spline.slopes(f);
      const auto above = spline.weights(f + 1e-5), below = spline.weights(f - 1e-5);
      double sum = 0, slope_sum = 0, centre = 0;
      for (std::size_t node = 0; node < std::size_t(points); ++node) {
        sum += weights[node];
        slope_sum += slopes[node];
        centre += weights[node] * (double(node) - points / 2 + 1);
        CHECK_EQ(slopes[node], doctest::Approx((above[node] - below[node]) / 2e-5).epsilon(1e-6));
      }
      CHECK_EQ(sum, doctest::Approx(1));
      CHECK_EQ(slope_sum, doctest::Approx(0));
      CHECK_EQ(centre, doctest::Approx(f));  // the spline stands on the point
    }
  }
}

TEST_CASE("the transform of the cubic B-spline is (4 + 2 cos w) / 6 and that of the quintic is positive") {
  for (double angle : {0.0, 0.7, 2.0, std::numbers::pi}) {
    CHECK_EQ(BSpline(4).transform(angle), doctest::Approx((4 + 2 * std::cos(angle)) / 6));
    CHECK_EQ(BSpline(6).transform(angle), doctest::Approx((66 + 52 * std::cos(angle) + 2 * std::cos(2 * angle)) / 120));
  }
}
