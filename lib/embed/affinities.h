#pragma once
/// P: how much the samples belong together, from their distances.
///
///     p(j|i) = exp(-beta_i d_ij^2) / sum_l exp(-beta_i d_il^2),   entropy of row i = log(perplexity)
///     P = (p + p') / 2N
///
/// over the neighbours of i (van der Maaten and Hinton 2008). d is euclidean, and for cosine and correlation the
/// euclidean distance of the normalised rows, so that those metrics are the same as normalising first.

#include <cstdint>
#include <span>
#include <vector>

#include "base/control.h"
#include "neighbors/graph.h"
#include "tensor/buffer.h"
#include "tensor/matrix.h"

namespace espalier {

/// Compressed sparse rows, rows x rows: row i holds values[e] at column indices[e] for indptr[i] <= e < indptr[i + 1],
/// columns ascending. Symmetric, zero on the diagonal, and the sum over all is 1.
struct Affinities {
  std::size_t rows = 0;
  Buffer<std::int64_t> indptr;
  Buffer<std::int32_t> indices;
  Buffer<float> values;

  std::size_t edges() const { return indices.size(); }
};

struct AffinityOptions {
  std::vector<double> perplexities{30};  ///< effective neighbours, >= 1; of several, the mean p(j|i) is taken
  bool uniform = false;                  ///< p(j|i) = 1/k instead, without any perplexity
};

/// p(j|i) of every row of the graph, rows x k in the graph's order; each row sums to 1. A perplexity that k neighbours
/// cannot reach (>= k) is lowered to k / 3 with a note. Rows whose neighbours are all equally far get 1/k; of more
/// duplicates than the perplexity asks for, each gets an equal share. Works for queries against other samples too.
Buffer<float> conditional_affinities(const NeighborGraph&, const AffinityOptions&, const Control& = {});

/// P of a graph of samples among themselves. Throws DataError for indices out of range and distances that are negative
/// or not finite. Cost: about 10 sweeps over the edges and one sort of each row.
Affinities compute_affinities(const NeighborGraph&, const AffinityOptions&, const Control& = {});

/// p(j|i) of queries whose neighbours are rows of a map of `samples`: row samples + i is query i, columns ascending,
/// and the map's own rows are empty. Neither symmetric nor of sum 1: the matrix that embed/transform.h works with.
Affinities query_affinities(const NeighborGraph&, const AffinityOptions&, std::size_t samples, const Control& = {});

/// P from weights w_ij >= 0 that the user has: (w + w') over its sum, diagonal dropped. Throws DataError for a matrix
/// that is not square, has negative or infinite weights, or none at all.
Affinities affinities_from_weights(const SparseMatrix& weights);

/// P of all pairs, as in the authors' program: every other sample counts as a neighbour, distances are euclidean, and
/// entries are floored at 2.2e-16. Cost: N^2 d operations, 16 N^2 bytes.
Affinities dense_affinities(const Samples&, double perplexity, const Control& = {});

/// The same P with rows and columns in another order: new row p is old row order[p].
Affinities permute(const Affinities&, std::span<const std::int32_t> order);

/// An order in which samples that belong together stand near each other: breadth first through the affinities, from the
/// first sample not met yet. For graphs that come without one. Cost: one sweep over the edges, serial.
std::vector<std::int32_t> breadth_first_order(const Affinities&);

/// sum p log p, in nats: the part of KL(P||R) that does not depend on the layout.
double negative_entropy(const Affinities&);

}  // namespace espalier
