#pragma once
/// Exact search between two sets, by matrix products of blocks of rows.

#include "base/control.h"
#include "neighbors/graph.h"
#include "neighbors/rows.h"

namespace espalier {

/// Half a relative rounding error of -|x - y|^2 / 2 = x.y - |x|^2/2 - |y|^2/2 in single precision over d places, in
/// units of |x|^2 + |y|^2: d roundings of the sum in the worst case, the rest for coordinates that were rotated in
/// single precision, which err like sqrt(d).
double score_slack(std::size_t d);

/// Largest power of two that brings lengths of at most `length` below 2^40: squares of floats of any scale neither
/// overflow nor vanish.
double score_scale(double length);

/// Added to every margin: covers what underflows.
inline constexpr double kTinySlack = 1e-30;

/// Fills graph.indices and graph.distances (allocated, queries x k). `same`: both sets are one, and a row is not its
/// own neighbour. Only blocks of rows are made dense.
void search_tiles(const PreparedRows& queries, const PreparedRows& base, bool same, NeighborGraph& graph,
                  const Control&);

}  // namespace espalier
