#pragma once
/// Principal components of samples: the directions of largest variance, and the samples' coordinates along them.

#include <cstdint>
#include <vector>

#include "base/control.h"
#include "tensor/matrix.h"

namespace espalier {

struct PcaOptions {
  int components = 50;     ///< 1 <= components <= min(N, d)
  std::uint64_t seed = 0;  ///< of the randomised method's start
  int rounds = 30;         ///< of the randomised method at most; a few serve where the axes only have to be good
};

/// scores = (samples - mean) axes', columns uncorrelated, variances descending. In each axis the loading of largest
/// magnitude is positive (the first of equals), so signs do not depend on the method.
struct Pca {
  Matrix scores;                 ///< N x c
  Matrix axes;                   ///< c x d, orthonormal rows
  std::vector<float> mean;       ///< d
  std::vector<double> variance;  ///< c, of each score: divided by N - 1
  double total_variance = 0;     ///< of all d coordinates
};

/// Eigenvectors of the covariance, or of the Gram matrix where there are fewer samples than coordinates, or randomised
/// subspace iteration (Halko, Martinsson, Tropp 2011, arXiv 0909.4061), whichever costs least for the shape. Sparse
/// samples are centred implicitly and made dense only in blocks of rows. Same bytes for any number of threads. Throws
/// UsageError for a number of components out of range, Stopped where control says so. Progress stage: "components".
Pca principal_components(const Samples&, const PcaOptions&, const Control& = {});

/// Scores of other samples of the same dimension on the same axes; the given samples' own scores come out again.
Matrix project(const Pca&, const Samples&, const Control& = {});

}  // namespace espalier
