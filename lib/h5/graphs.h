#pragma once
/// Neighbour graphs and affinities in files, so that they need not be computed again.
///
/// Ours: /neighbors/indices and /neighbors/distances, N x k, nearest first; /affinities/{data,indices,indptr}, CSR.
/// In AnnData: obsp/qsne_distances and obsp/qsne_affinities, csr_matrix groups, named in uns/qsne by distances_key and
/// connectivities_key, where scanpy looks for them (neighbors_key="qsne").

#include <optional>
#include <string>

#include "embed/affinities.h"
#include "h5/anndata.h"
#include "h5/layout.h"
#include "neighbors/graph.h"

namespace espalier {

/// The graph in `path`, or where `path` is empty in /neighbors, then in obsp/qsne_distances; nothing where there is
/// none. `path` names a group of indices and distances, or a sparse N x N matrix of distances with the same number of
/// entries in each row (scanpy's obsp/distances). DataError for indices out of range, a sample that is its own
/// neighbour, one that occurs twice, distances that are negative, not finite or not ascending, an unknown metric.
std::optional<NeighborGraph> read_neighbors(const H5File&, const std::string& path = "");

/// P in `path`, or in /affinities, then in obsp/qsne_affinities; nothing where there is none. DataError where it is not
/// square, has columns that do not ascend, a diagonal, a value that is not positive, or pairs that differ by more than
/// 1e-4 of their size, or where its sum is further than 1e-3 from 1; nothing is normalised. A `path` that the user
/// named and that is no affinities group of ours (scanpy's obsp/connectivities) holds weights instead: see
/// affinities_from_weights.
std::optional<Affinities> read_affinities(const H5File&, const std::string& path = "");

/// Where these two are found; empty where there is none.
std::string neighbors_path(const H5File&, const std::string& path = "");
std::string affinities_path(const H5File&, const std::string& path = "");

/// `settings` become attributes: how the samples were treated before distances were taken.
void write_neighbors(H5File&, Convention, const NeighborGraph&, const Settings& settings);
/// The same, e.g. with the perplexity.
void write_affinities(H5File&, Convention, const Affinities&, const Settings& settings);

}  // namespace espalier
