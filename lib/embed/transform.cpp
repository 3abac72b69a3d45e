#include "embed/transform.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "embed/attraction.h"
#include "embed/descent.h"
#include "embed/repulsion.h"

namespace espalier {

namespace {

constexpr std::size_t kRowsPerChunk = 512;

/// The value at which half of the weight is reached.
float weighted_median(std::vector<std::pair<float, float>>& value_weight) {
  std::sort(value_weight.begin(), value_weight.end());
  float total = 0, sum = 0;
  for (const auto& [value, weight] : value_weight) total += weight;
  for (const auto& [value, weight] : value_weight)
    if ((sum += weight) >= total / 2) return value;
  return value_weight.back().first;
}

/// Writes the medians of the neighbours' places behind the map: rows [n, n + queries) of the layout.
void start_at_medians(const Affinities& p, std::size_t n, std::size_t m, float* layout) {
  parallel_ranges(p.rows - n, kRowsPerChunk, [&](std::size_t begin, std::size_t end, int) {
    std::vector<std::pair<float, float>> value_weight;
    for (std::size_t i = n + begin; i < n + end; ++i)
      for (std::size_t c = 0; c < m; ++c) {
        value_weight.clear();
        for (std::int64_t e = p.indptr[i]; e < p.indptr[i + 1]; ++e)
          value_weight.emplace_back(layout[std::size_t(p.indices[e]) * m + c], p.values[e]);
        layout[i * m + c] = weighted_median(value_weight);
      }
  });
}

}  // namespace

Buffer<float> transform(const NeighborGraph& graph, const AffinityOptions& affinities, std::span<const float> map,
                        const TransformOptions& options, const Control& control) {
  const std::size_t m = std::size_t(options.dims), n = map.size() / m, queries = graph.rows, at = n * m;
  if (map.size() % m != 0) throw BugError("a map of {} numbers in {} dimensions", map.size(), options.dims);
  const Affinities p = query_affinities(graph, affinities, n, control);
  const Attraction attraction(p, options.a, options.dims);
  Buffer<float> layout((n + queries) * m);
  std::copy(map.begin(), map.end(), layout.begin());
  start_at_medians(p, n, m, layout.data());

  RepulsionOptions repulsion_options;
  repulsion_options.a = options.a;
  repulsion_options.dims = options.dims;
  const auto together = make_repulsion(n + queries, repulsion_options);
  const auto apart = make_repulsion(queries, repulsion_options);
  Buffer<float> grad_phi((n + queries) * m), grad_among((queries)*m), next(queries * m);
  Buffer<float> velocity(queries * m, 0.0f), gains(queries * m, 1.0f);
  const double partition = make_repulsion(n, repulsion_options)->evaluate(layout.data(), n, grad_phi.data());
  const Descent descent = {
      1, float(double(n) / (2 * partition)), float(options.rate), float(options.momentum), 0.2f, 0.8f, 0.01f, 1};
  for (int iteration = 0; iteration < options.iterations; ++iteration) {
    throw_if_stopped(control);
    control.report("place", iteration, options.iterations);
    // phi is a sum over samples, so what the map alone does is what all do less what the new samples do.
    together->evaluate(layout.data(), n + queries, grad_phi.data());
    apart->evaluate(&layout[at], queries, grad_among.data());
    parallel_ranges(queries, kRowsPerChunk, [&](std::size_t begin, std::size_t end, int) {
      const std::size_t from = begin * m, count = (end - begin) * m;
      std::vector<float> force(count);
      attraction.force(layout.data(), n + begin, n + end, force.data());
      for (std::size_t t = from; t < end * m; ++t) grad_phi[at + t] -= grad_among[t];
      descent_kernels().step(descent, end - begin, options.dims, force.data(), &grad_phi[at + from], &layout[at + from],
                             &velocity[from], &gains[from], &next[from]);
    });
    std::copy(next.begin(), next.end(), &layout[at]);
  }
  control.report("place", options.iterations, options.iterations);
  std::copy(&layout[at], &layout[at] + queries * m, next.begin());
  return next;
}

}  // namespace espalier
