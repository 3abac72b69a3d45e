#pragma once
/// The q-Gaussian kernel of Abe, Miyao, Kurita (ICPR 2020, arXiv 2012.00999) in the scale in which it is never
/// singular.
///
/// The paper's r_ij ~ (1 + (q-1)/(3-q) |y_i - y_j|^2)^(-1/(q-1)), 1 <= q < 3. With u = y / sqrt(3 - q) and a = q - 1,
///
///     w(d^2) = (1 + a d^2)^(-1/a),   a = 0: exp(-d^2),   d^2 = |u_i - u_j|^2
///
/// which is the `df` of FIt-SNE and the `dof` of openTSNE at df = 1/a, and reaches q >= 3. All of embed/ works in u.

#include <cmath>

namespace espalier {

/// Below this a the kernel is taken as the Gaussian limit.
inline constexpr double kGaussianLimit = 1e-9;

/// w - 1 for squared distance d2 >= 0; exact where d2 is tiny, and exp(-log1p(a d2)/a) near q = 1.
inline double kernel_minus_one(double d2, double a) {
  return std::expm1(a < kGaussianLimit ? -d2 : -std::log1p(a * d2) / a);
}

inline double kernel_value(double d2, double a) { return std::exp(a < kGaussianLimit ? -d2 : -std::log1p(a * d2) / a); }

/// -log w(d2).
inline double kernel_cost(double d2, double a) { return a < kGaussianLimit ? d2 : std::log1p(a * d2) / a; }

/// Paper coordinates per unit of u: y = sqrt(3 - q) u; 1 where the paper's scale does not exist (q >= 3).
inline double paper_scale(double q) { return q < 3 ? std::sqrt(3 - q) : 1; }

}  // namespace espalier
