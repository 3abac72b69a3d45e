#include "embed/bspline.h"

#include <cmath>

namespace espalier {

namespace {

double binomial(int n, int k) {
  double product = 1;
  for (int i = 0; i < k; ++i) product *= double(n - i) / (i + 1);
  return product;
}

}  // namespace

/// With P points the spline is sum_k (-1)^k C(P, k) (t - k)_+^(P-1) / (P-1)!, t in [0, P]. Node j lies at t = f +
/// P-1-j, where the terms k <= P-1-j are on; each is expanded in powers of f.
BSpline::BSpline(int points) : points_(points) {
  const int degree = points - 1;
  const double factorial = std::tgamma(points);
  for (int node = 0; node < points; ++node)
    for (int k = 0; k <= degree - node; ++k)
      for (int power = 0; power <= degree; ++power)
        coefficients_[std::size_t(power)][std::size_t(node)] += (k % 2 ? -1 : 1) * binomial(points, k) *
                                                                binomial(degree, power) / factorial *
                                                                std::pow(double(degree - node - k), degree - power);
}

BSpline::Weights BSpline::weights(double f) const {
  Weights sum{};
  for (int power = points_ - 1; power >= 0; --power)
    for (int node = 0; node < points_; ++node)
      sum[std::size_t(node)] = sum[std::size_t(node)] * f + coefficient(power, node);
  return sum;
}

BSpline::Weights BSpline::slopes(double f) const {
  Weights sum{};
  for (int power = points_ - 1; power >= 1; --power)
    for (int node = 0; node < points_; ++node)
      sum[std::size_t(node)] = sum[std::size_t(node)] * f + power * coefficient(power, node);
  return sum;
}

double BSpline::transform(double angle) const {
  const Weights at_node = weights(0);
  double sum = 0;
  for (int node = 0; node < points_; ++node)
    sum += at_node[std::size_t(node)] * std::cos(angle * (node - points_ / 2 + 1));
  return sum;
}

}  // namespace espalier
