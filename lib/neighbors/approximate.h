#pragma once
/// Approximate search for very many samples: a forest of random-projection trees, refined by neighbour descent.

#include "base/control.h"
#include "neighbors/graph.h"
#include "neighbors/rows.h"

namespace espalier {

/// Fills the graph (allocated, N x k), order and the recall measured on sampled rows included.
///
/// Every sample first meets those that share a leaf with it in one of several trees; then, in rounds, the neighbours of
/// its neighbours (Dong, Moses, Li 2011), until the measured recall reaches `recall` or rounds bring nothing more. Rows
/// are improved against a snapshot of the last round, each by itself, so the result is the same bytes for any number of
/// threads. Cost: about O(N^1.1 d). Memory: one copy of dense data, 8 k + 600 bytes per sample.
void search_approximately(const PreparedRows& rows, std::uint64_t seed, double recall, NeighborGraph& graph,
                          const Control&);

}  // namespace espalier
