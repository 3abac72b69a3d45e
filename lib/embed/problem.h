#pragma once
/// From samples to what the optimiser works on: affinities, a start, and an order in which neighbours lie close in
/// memory. A sweep over q shares one problem.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/control.h"
#include "embed/affinities.h"
#include "neighbors/search.h"
#include "tensor/buffer.h"
#include "tensor/matrix.h"

namespace espalier {

enum class Start { automatic, pca, random, embedding };

inline constexpr double kDefaultPerplexity = 30;

struct ProblemOptions {
  std::vector<double> perplexities;  ///< effective neighbours; empty: kDefaultPerplexity, or fewer where N is small
  int uniform_neighbors = 0;         ///< > 0: uniform affinities over that many nearest neighbours instead
  Metric metric = Metric::euclidean;
  SearchMethod search = SearchMethod::automatic;
  int pca = 0;                     ///< > 0: project to that many principal components first
  bool counts = false;             ///< raw single-cell counts: normalise first, see normalize_counts
  int dims = 2;                    ///< dimensions of the map: 1, 2 or 3
  Start start = Start::automatic;  ///< pca, or random where there are no samples
  bool all_pairs = false;          ///< P over all pairs of samples, as in the authors' program
  std::uint64_t seed = 0;
};

/// Rows of all members stand in `order`: row p is sample order[p].
struct Problem {
  Affinities affinities;
  Buffer<float> start;  ///< rows x dims, in the scale u
  std::vector<std::int32_t> order;
  std::vector<double> perplexities;  ///< as used; empty where affinities were given or uniform
  std::size_t neighbors = 0;         ///< per sample, where affinities are uniform
  int components = 0;                ///< that the samples were projected to; 0: embedded as they are
  Start start_kind = Start::pca;     ///< as used, never automatic
  NeighborGraph graph;               ///< in the order of the samples; empty where affinities were given
  bool exact_neighbors = true;
  double recall = 1;
};

/// What the problem is made from: samples, a graph or affinities, in the user's order of rows. With Start::embedding,
/// `layout` is N x dims in units of which `units_per_u` make one of the scale u.
struct ProblemInput {
  std::string name;  ///< the file, for messages
  const Samples* samples = nullptr;
  std::optional<NeighborGraph> graph;
  std::optional<Affinities> affinities;
  const Matrix* layout = nullptr;
  double units_per_u = 1;
};

/// Needs samples, a graph or affinities. Throws DataError for fewer than 4 samples, or fewer than three for each unit
/// of a perplexity that was asked for; Stopped where control says so.
Problem make_problem(ProblemInput, const ProblemOptions&, const Control&);

/// The perplexities to use for n samples (see make_problem).
std::vector<double> usable_perplexities(std::vector<double> asked, std::size_t n, const std::string& name,
                                        const Control&);

/// Scales every row to a sum of 10,000 and takes log(1 + x), the usual treatment of single-cell counts. Throws
/// DataError for a negative count; empty rows stay zero.
Samples normalize_counts(Samples, const std::string& name);

}  // namespace espalier
