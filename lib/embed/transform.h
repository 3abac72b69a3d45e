#pragma once
/// New samples in a map that exists and stays as it is. A new sample x comes to rest where it would if it were one more
/// row of the map:
///
///     G_x = sum_j p(j|x) (x - u_j) / (1 + a d_xj^2) + N grad phi(x) / (2 Z) = 0
///
/// with p(j|x) over its neighbours among the map's samples, phi and Z of the map alone: new samples do not see each
/// other.

#include <span>

#include "base/control.h"
#include "embed/affinities.h"

namespace espalier {

struct TransformOptions {
  double a = 1;          ///< q - 1, of the map
  int dims = 2;          ///< of the map
  int iterations = 100;  ///< from the weighted median of the neighbours' places
  double rate = 0.5;
  double momentum = 0.5;
};

/// Places of the graph's samples (graph.rows x dims, in u), whose neighbours are rows of `map` (N x dims, in u, centred
/// or not). Reports stage "place". Throws Stopped when stopped. Cost: per iteration, the repulsion of the map and the
/// new samples together.
Buffer<float> transform(const NeighborGraph&, const AffinityOptions&, std::span<const float> map,
                        const TransformOptions&, const Control& = {});

}  // namespace espalier
