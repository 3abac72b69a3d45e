#pragma once
/// Exact search among the samples themselves, by panels of 32 samples that stand near each other.

#include "base/control.h"
#include "neighbors/graph.h"
#include "neighbors/rows.h"

namespace espalier {

/// Fills indices, distances and order of the graph (allocated, N x k). Rows must be dense.
///
/// Samples stand in kd order, most spread coordinates first. A first threshold for each comes from the panels around
/// it. Then pairs of panels are skipped whose bounding boxes lie too far apart, and scores of the others are summed
/// only as long as one of them can still pass; each score serves both of its samples. Cost: O(N^2 d) at worst, far less
/// where the data have structure. Memory: two copies of the data and about (k + 96) * 8 bytes per sample.
void search_panels(const PreparedRows& rows, NeighborGraph& graph, const Control&);

}  // namespace espalier
