#pragma once
/// What a search for neighbours takes, for the estimates of the tools that begin with one.

#include "neighbors/metric.h"

namespace espalier {

/// Bytes at the most, beside the samples themselves (`samples` bytes of `rows`), while the k nearest neighbours of each
/// are found, as measured: its own copies of the samples, one more where the metric normalises them, and candidates.
/// tests/bench/RESULTS.md holds it against runs.
inline double bytes_of_search(double samples, double rows, double k, Metric metric) {
  constexpr double kCopies = 1.8, kOfNeighbor = 16.5, kOfSample = 950;
  return (kCopies + (metric == Metric::euclidean ? 0 : 1)) * samples + (kOfSample + kOfNeighbor * k) * rows;
}

}  // namespace espalier
