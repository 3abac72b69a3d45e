#pragma once
/// What a network costs on this machine.

#include <functional>
#include <vector>

#include "nn/executor.h"

namespace espalier {

/// Floating-point operations a second that all threads reach together in registers alone: the peak that shares are
/// taken of. Takes about a tenth of a second.
double measure_peak(const std::function<double()>& clock);

/// Seconds for a forward pass over a batch in evaluation: the median of passes during about `budget` seconds, three at
/// least, after one that is not counted.
struct LayerTimes {
  double batch = 0;
  std::vector<double> of_layer;  ///< parts that are views of others take none
};
LayerTimes measure_forward(const Architecture&, Parameters&, std::size_t images, double budget,
                           const std::function<double()>& clock);

}  // namespace espalier
