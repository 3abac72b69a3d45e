#pragma once
/// Choosing q without labels: the map that keeps the neighbourhoods of all sizes best.

#include <vector>

#include "base/control.h"
#include "neighbors/metric.h"
#include "tensor/matrix.h"

namespace espalier {

/// What `-q auto` tries.
inline const std::vector<double> kCandidates{1, 1.1, 1.5, 2, 2.5, 2.9};

/// Samples on which a map is judged: a standard error of the area of about .002.
inline constexpr int kJudges = 2000;

/// The area under R_NX(k) over k with weights 1/k (Lee et al. 2015, see quality/preserve.h) of each map of the samples,
/// on kJudges of them drawn with `seed`; the same ones for every map. Larger is better.
std::vector<double> neighborhood_areas(const Samples&, Metric, const std::vector<const Matrix*>& maps,
                                       std::uint64_t seed, const Control&);

}  // namespace espalier
