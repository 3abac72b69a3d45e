#include "embed/problem.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/parallel.h"
#include "base/stage.h"
#include "embed/initialization.h"
#include "tensor/pca.h"

namespace espalier {

namespace {

constexpr std::size_t kFewestSamples = 4;
constexpr int kNeighborsPerPerplexity = 3;
constexpr double kCountsPerCell = 10'000;

/// Layouts of fewer samples stay near the processor in any order of rows.
constexpr std::size_t kBeyondCache = 50'000;

std::size_t row_count(const ProblemInput& input) {
  if (input.affinities) return input.affinities->rows;
  if (input.graph) return input.graph->rows;
  if (!input.samples) throw BugError("an embedding problem without samples, graph and affinities");
  return sample_count(*input.samples);
}

int neighbors_wanted(const ProblemOptions& options, const std::vector<double>& perplexities, std::size_t n,
                     const std::string& name) {
  if (options.uniform_neighbors > 0) {
    if (std::size_t(options.uniform_neighbors) >= n)
      throw DataError(name, "", "{} neighbours are asked for, {} samples have at most {}", options.uniform_neighbors, n,
                      n - 1);
    return options.uniform_neighbors;
  }
  const double largest = *std::max_element(perplexities.begin(), perplexities.end());
  return int(std::min<double>(double(n - 1), std::ceil(kNeighborsPerPerplexity * largest)));
}

NeighborGraph search(const Samples& samples, const ProblemOptions& options, int k, const Control& control) {
  const Stage stage(control, "neighbours");
  NeighborOptions neighbor_options;
  neighbor_options.k = k;
  neighbor_options.metric = options.metric;
  neighbor_options.method = options.search;
  neighbor_options.seed = options.seed;
  return find_neighbors(samples, neighbor_options, control);
}

/// The leading components of the samples, for the start; of data with fewer dimensions than the map, what there is.
Matrix start_scores(const Samples& samples, int dims, std::uint64_t seed, const Control& control) {
  const Stage stage(control, "start");
  PcaOptions options;
  options.components = int(std::min({std::size_t(dims), sample_count(samples), dimension(samples)}));
  options.seed = seed;
  return principal_components(samples, options, control).scores;
}

Buffer<float> make_start(Start start, const ProblemInput& input, const Samples* samples, const Matrix& leading,
                         const ProblemOptions& options, std::size_t n, const Control& control) {
  if (start == Start::embedding) {
    if (!input.layout) throw DataError(input.name, "/embedding", "is missing, a start is needed");
    return given_start(*input.layout, options.dims, input.units_per_u);
  }
  if (start == Start::random) return random_start(n, options.dims, options.seed);
  if (!samples) throw DataError(input.name, "", "holds no samples to take the start's components of");
  if (leading.cols() >= std::size_t(options.dims)) return pca_start(leading, options.dims, options.seed);
  return pca_start(start_scores(*samples, options.dims, options.seed, control), options.dims, options.seed);
}

Buffer<float> reorder(const Buffer<float>& rows, std::span<const std::int32_t> order, int dims) {
  Buffer<float> out(rows.size());
  for (std::size_t p = 0; p < order.size(); ++p)
    std::copy_n(&rows[std::size_t(order[p]) * std::size_t(dims)], dims, &out[p * std::size_t(dims)]);
  return out;
}

void normalize_row(float* values, std::size_t count, const std::string& name) {
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (values[i] < 0)
      throw DataError(name, "", "has the count {}: --counts needs counts, which are not negative", values[i]);
    sum += double(values[i]);
  }
  if (sum == 0) return;
  for (std::size_t i = 0; i < count; ++i) values[i] = float(std::log1p(double(values[i]) * kCountsPerCell / sum));
}

}  // namespace

std::vector<double> usable_perplexities(std::vector<double> asked, std::size_t n, const std::string& name,
                                        const Control& control) {
  if (n < kFewestSamples) throw DataError(name, "", "{} samples, an embedding needs at least {}", n, kFewestSamples);
  const double most = std::floor(double(n - 1) / kNeighborsPerPerplexity);
  if (asked.empty()) {
    if (kDefaultPerplexity > most)
      control.tell(
          fmt::format("perplexity lowered from {} to {}, as there are only {} samples", kDefaultPerplexity, most, n));
    return {std::min(kDefaultPerplexity, most)};
  }
  for (double perplexity : asked)
    if (perplexity > most)
      throw DataError(name, "", "{} samples are too few for perplexity {}; at most {}", n, perplexity, most);
  return asked;
}

Samples normalize_counts(Samples samples, const std::string& name) {
  if (auto* dense = std::get_if<Matrix>(&samples)) {
    parallel_ranges(dense->rows(), 1024, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t i = begin; i < end; ++i) normalize_row(dense->row(i), dense->cols(), name);
    });
  } else {
    auto& sparse = std::get<SparseMatrix>(samples);
    parallel_ranges(sparse.rows, 1024, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t i = begin; i < end; ++i)
        normalize_row(sparse.values.data() + sparse.indptr[i], std::size_t(sparse.indptr[i + 1] - sparse.indptr[i]),
                      name);
    });
  }
  return samples;
}

namespace {

/// The samples as they are embedded: as given, or in `transformed`, with counts normalised and projected.
const Samples* prepare_samples(const ProblemInput& input, const ProblemOptions& options, std::size_t n,
                               Samples& transformed, Problem& problem, const Control& control) {
  const Samples* samples = input.samples;
  if (!samples) return nullptr;
  if (options.counts) {
    transformed = normalize_counts(*samples, input.name);
    samples = &transformed;
  }
  if (options.pca == 0) return samples;
  if (std::size_t(options.pca) >= std::min(n, dimension(*samples))) {
    control.tell(
        fmt::format("{} components are no fewer than the data has: they are embedded as they are", options.pca));
    return samples;
  }
  const Stage stage(control, "components");
  transformed = principal_components(*samples, {options.pca, options.seed}, control).scores;
  problem.components = options.pca;
  return &transformed;
}

/// The perplexities for a graph that was given: its k is a limit as N is.
std::vector<double> perplexities_within(const NeighborGraph& graph, const ProblemOptions& options, std::size_t n,
                                        const std::string& name, const Control& control) {
  const double most = std::max(1.0, std::floor(double(graph.k) / kNeighborsPerPerplexity));
  for (double perplexity : options.perplexities)
    if (perplexity > most)
      throw DataError(name, "/neighbors", "{} neighbours are too few for perplexity {}; at most {}", graph.k,
                      perplexity, most);
  std::vector<double> usable = usable_perplexities(options.perplexities, n, name, control);
  if (usable[0] > most && options.perplexities.empty()) {
    control.tell(
        fmt::format("perplexity lowered from {} to {}, as the graph has {} neighbours", usable[0], most, graph.k));
    usable = {most};
  }
  return usable;
}

/// P from what the input has: given, over all pairs, or over nearest neighbours, given or found here.
void set_affinities(Problem& problem, ProblemInput& input, const Samples* samples, const ProblemOptions& options,
                    const Control& control) {
  if (input.affinities) {
    problem.affinities = std::move(*input.affinities);
    return;
  }
  if (options.all_pairs && samples) {
    const Stage stage(control, "affinities");
    problem.affinities = dense_affinities(*samples, problem.perplexities.at(0), control);
    return;
  }
  const std::size_t n = row_count(input);
  problem.graph =
      input.graph ? std::move(*input.graph)
                  : search(*samples, options, neighbors_wanted(options, problem.perplexities, n, input.name), control);
  problem.exact_neighbors = problem.graph.exact;
  problem.recall = problem.graph.recall;
  if (options.uniform_neighbors > 0) problem.neighbors = problem.graph.k;
  const Stage stage(control, "affinities");
  problem.affinities =
      compute_affinities(problem.graph, {problem.perplexities, options.uniform_neighbors > 0}, control);
}

}  // namespace

Problem make_problem(ProblemInput input, const ProblemOptions& options, const Control& control) {
  const std::size_t n = row_count(input);
  if (n < kFewestSamples)
    throw DataError(input.name, "", "{} samples, an embedding needs at least {}", n, kFewestSamples);
  Problem problem;
  if (!input.affinities && options.uniform_neighbors == 0)
    problem.perplexities = input.graph ? perplexities_within(*input.graph, options, n, input.name, control)
                                       : usable_perplexities(options.perplexities, n, input.name, control);
  Samples transformed;
  const Samples* samples = prepare_samples(input, options, n, transformed, problem, control);
  set_affinities(problem, input, samples, options, control);
  throw_if_stopped(control);

  problem.order = problem.graph.order;
  if (problem.order.empty() && n >= kBeyondCache) problem.order = breadth_first_order(problem.affinities);
  if (problem.order.empty()) {
    problem.order.resize(n);
    std::iota(problem.order.begin(), problem.order.end(), 0);
  }
  problem.affinities = permute(problem.affinities, problem.order);
  problem.start_kind = options.start;
  if (options.start == Start::automatic) problem.start_kind = samples ? Start::pca : Start::random;
  problem.start = reorder(make_start(problem.start_kind, input, samples, problem.graph.leading, options, n, control),
                          problem.order, options.dims);
  throw_if_stopped(control);
  return problem;
}

}  // namespace espalier
