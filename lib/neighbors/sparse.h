#pragma once
/// Exact search in sparse samples: 32 queries at a time are made dense, the rest stays as it is stored.

#include "base/control.h"
#include "neighbors/graph.h"
#include "neighbors/rows.h"

namespace espalier {

/// Fills graph.indices and graph.distances (allocated, queries x k). `same`: both sets are one, and a row is not its
/// own neighbour. Both sets must be sparse. Cost: O(queries x stored values of the base).
void search_sparse(const PreparedRows& queries, const PreparedRows& base, bool same, NeighborGraph& graph,
                   const Control&);

}  // namespace espalier
