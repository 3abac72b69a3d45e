#pragma once
/// Repulsion by the faster of two ways: every pair is summed, or unit charges are spread on a grid with B-splines,
/// convolved with w by one Fourier transform, and phi and grad phi read at the points (see embed/potential.h).

#include <memory>

#include "embed/potential.h"
#include "embed/repulsion_exact.h"

namespace espalier {

/// automatic: for each layout anew the one that serves it better, see make_repulsion.
enum class RepulsionMethod { automatic, exact, grid };
enum class Spline { automatic, cubic, quintic };

struct RepulsionOptions {
  double a = 1;  ///< q - 1, >= 0
  int dims = 2;  ///< 1, 2 or 3
  RepulsionMethod method = RepulsionMethod::automatic;
  double step = 1.0 / 3;              ///< grid step, in u
  Spline spline = Spline::automatic;  ///< automatic: quintic below kQuinticSamples, where it shows
  int min_nodes = 32;                 ///< along the longest side; smaller layouts get a smaller step
  int max_nodes = 0;  ///< along the longest side; larger layouts get a larger step. 0: 16384, 700, 208 in 1, 2, 3 dims
};

inline constexpr std::size_t kQuinticSamples = 20000;

/// `n` is the number of samples that the automatic choice of splines is made for. The automatic method sums all pairs
/// where that costs no more than the grid, which grows with the layout, not with n; in two dimensions up to three times
/// as much, because the points of a wide layout are too few for the grid's errors to cancel (its KL ends 1 to 4 %
/// higher for 3,000 samples at q = 2.5).
std::unique_ptr<Repulsion> make_repulsion(std::size_t n, const RepulsionOptions&);

/// Z by a grid of step 1/8 with quintic splines, coarser beyond 2^18, 4096 and 192 nodes a side in 1, 2, 3 dimensions
/// (400 MB); for n beyond what all pairs can serve.
double fine_partition(const float* layout, std::size_t n, int dims, double a);

}  // namespace espalier
