#pragma once
/// Repulsion by the faster of two ways: every pair is summed, or unit charges are spread on a grid with B-splines,
/// convolved with w by one Fourier transform, and phi and grad phi read at the points (see embed/potential.h).

#include <memory>

#include "embed/potential.h"
#include "embed/repulsion_exact.h"

namespace espalier {

enum class RepulsionMethod { automatic, exact, grid };
enum class Spline { automatic, cubic, quintic };

struct RepulsionOptions {
  double a = 1;                                         ///< q - 1, >= 0
  int dims = 2;                                         ///< 1, 2 or 3
  RepulsionMethod method = RepulsionMethod::automatic;  ///< automatic: exact below exact_samples()
  double step = 1.0 / 3;                                ///< grid step, in u
  Spline spline = Spline::automatic;                    ///< automatic: quintic below kQuinticSamples, where it shows
  int min_nodes = 32;                                   ///< along the longest side; smaller layouts get a smaller step
  int max_nodes = 0;  ///< along the longest side; larger layouts get a larger step. 0: 16384, 700, 208 in 1, 2, 3 dims
};

/// Below this all pairs cost less than the grid: in three dimensions a grid fine enough for a late layout has 208 nodes
/// a side, and a step coarse enough to be fast costs 2 % of the KL from q = 2 up.
constexpr std::size_t exact_samples(int dims) { return dims == 3 ? 8000 : 1000; }

/// The method that automatic stands for; any other is itself.
constexpr RepulsionMethod method_used(RepulsionMethod method, std::size_t n, int dims) {
  if (method != RepulsionMethod::automatic) return method;
  return n < exact_samples(dims) ? RepulsionMethod::exact : RepulsionMethod::grid;
}

inline constexpr std::size_t kQuinticSamples = 20000;

/// `n` is the number of samples that the automatic choices are made for.
std::unique_ptr<Repulsion> make_repulsion(std::size_t n, const RepulsionOptions&);

/// Z by a grid of step 1/8 with quintic splines, coarser beyond 2^18, 4096 and 192 nodes a side in 1, 2, 3 dimensions
/// (400 MB); for n beyond what all pairs can serve.
double fine_partition(const float* layout, std::size_t n, int dims, double a);

}  // namespace espalier
