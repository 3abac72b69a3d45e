#pragma once
/// The settings of the authors' program (arXiv 2012.00999), to be run through the same optimiser: P of all pairs
/// (dense_affinities), all pairs in the repulsion, 250 iterations of exaggeration 12 at momentum 0.5, then 750 at 0.8,
/// rate 200 for y and dC/dy of the paper, no bound on a step. Its floor of 2.2e-16 under R is below what the gradient
/// shows in single precision and is left out.

#include "embed/optimizer.h"

namespace espalier {

/// 1 <= q < 3, or UsageError: the paper's scale does not exist beyond.
OptimizerOptions reference_schedule(double q, int dims);

}  // namespace espalier
