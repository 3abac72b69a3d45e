#pragma once
/// Repulsion of q-SNE as the gradient of one potential.
///
/// With w of embed/kernel.h, grad_i w(|u_i - u_j|^2) = -2 w / (1 + a d^2) (u_i - u_j), so that all repulsion follows
/// from
///
///     phi(u_i) = sum_{j != i} w(|u_i - u_j|^2),   Z = sum_i phi(u_i)
///
/// In G = (dC/du) / 4 = sum_j (p_ij - w_ij / Z) (u_i - u_j) / (1 + a d^2), the part with 1 / Z is grad phi(u_i) / (2
/// Z). Layouts are n x dims floats, row-major, in the scale u.

#include <cstddef>

namespace espalier {

class Repulsion {
 public:
  virtual ~Repulsion() = default;

  /// Writes grad phi (n x dims) and returns Z. Throws DataError when a coordinate is not finite or beyond kFarthest.
  /// The same bytes for any number of threads. n may differ from call to call.
  virtual double evaluate(const float* layout, std::size_t n, float* gradient) = 0;
};

/// Coordinates beyond this have no finite square distance in floats: the optimisation has diverged.
inline constexpr float kFarthest = 1e15f;

/// Throws DataError unless every coordinate is finite and within kFarthest.
void require_bounded(const float* layout, std::size_t n, int dims);

}  // namespace espalier
