#pragma once
/// The centred B-spline that spreads a point over grid nodes, in every direction alike.

#include <array>
#include <cstddef>

namespace espalier {

/// B-spline of degree points - 1, points = 4 (cubic) or 6 (quintic). A point at x = i + f, 0 <= f < 1, touches the
/// nodes i - points / 2 + 1 ... i + points / 2; node j of these has the weight sum_e coefficient[e][j] f^e.
class BSpline {
 public:
  static constexpr int kMostPoints = 6;
  using Weights = std::array<double, kMostPoints>;

  explicit BSpline(int points);

  int points() const { return points_; }
  double coefficient(int power, int node) const { return coefficients_[std::size_t(power)][std::size_t(node)]; }
  Weights weights(double f) const;
  /// d weights / d f.
  Weights slopes(double f) const;
  /// Fourier transform of the weights at the nodes, at `angle` radians a node: real, positive, 1 at 0.
  double transform(double angle) const;

 private:
  int points_;
  std::array<Weights, kMostPoints> coefficients_{};
};

}  // namespace espalier
