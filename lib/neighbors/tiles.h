#pragma once
/// Exact search between two sets, by matrix products of blocks of rows.

#include "base/control.h"
#include "neighbors/graph.h"
#include "neighbors/rows.h"

namespace espalier {

/// Fills graph.indices and graph.distances (allocated, queries x k). `same`: both sets are one, and a row is not its
/// own neighbour. Only blocks of rows are made dense.
void search_tiles(const PreparedRows& queries, const PreparedRows& base, bool same, NeighborGraph& graph,
                  const Control&);

}  // namespace espalier
