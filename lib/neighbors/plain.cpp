/// The oracle: the definitions of the metrics, written out.
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "neighbors/search.h"

namespace espalier {

namespace {

std::vector<double> row_of(const Samples& samples, std::size_t i) {
  std::vector<float> x(dimension(samples));
  dense_rows(samples, i, 1, x.data());
  return {x.begin(), x.end()};
}

double cosine_distance(const std::vector<double>& x, const std::vector<double>& y) {
  double xx = 0, yy = 0;
  for (double v : x) xx += v * v;
  for (double v : y) yy += v * v;
  if (xx == 0 || yy == 0) return xx == yy ? 0 : 1;
  double sum = 0;
  for (std::size_t t = 0; t < x.size(); ++t) {
    const double e = x[t] / std::sqrt(xx) - y[t] / std::sqrt(yy);
    sum += e * e;
  }
  return sum / 2;
}

/// Minus its mean; exactly zero where all values are equal.
std::vector<double> centered(std::vector<double> x) {
  if (std::all_of(x.begin(), x.end(), [&](double v) { return v == x[0]; })) return std::vector<double>(x.size(), 0.0);
  double mean = 0;
  for (double v : x) mean += v / double(x.size());
  for (double& v : x) v -= mean;
  return x;
}

double distance(Metric metric, const std::vector<double>& x, const std::vector<double>& y) {
  if (metric == Metric::cosine) return cosine_distance(x, y);
  if (metric == Metric::correlation) return cosine_distance(centered(x), centered(y));
  double sum = 0;
  for (std::size_t t = 0; t < x.size(); ++t) sum += (x[t] - y[t]) * (x[t] - y[t]);
  return std::sqrt(sum);
}

NeighborGraph search(const Samples& queries, const Samples& base, bool same, const NeighborOptions& options) {
  NeighborGraph graph = allocate_graph(sample_count(queries), sample_count(base) - same, options);
  std::vector<std::vector<double>> rows;
  for (std::size_t j = 0; j < sample_count(base); ++j) rows.push_back(row_of(base, j));
  for (std::size_t i = 0; i < graph.rows; ++i) {
    const std::vector<double> x = row_of(queries, i);
    std::vector<std::pair<double, std::int32_t>> found;
    for (std::size_t j = 0; j < rows.size(); ++j)
      if (!(same && i == j)) found.emplace_back(distance(options.metric, x, rows[j]), std::int32_t(j));
    std::sort(found.begin(), found.end());
    for (std::size_t c = 0; c < graph.k; ++c) {
      graph.distances[i * graph.k + c] = float(found[c].first);
      graph.indices[i * graph.k + c] = found[c].second;
    }
  }
  return graph;
}

}  // namespace

NeighborGraph find_neighbors_plain(const Samples& samples, const NeighborOptions& options) {
  return search(samples, samples, true, options);
}

NeighborGraph find_neighbors_between_plain(const Samples& queries, const Samples& base,
                                           const NeighborOptions& options) {
  return search(queries, base, false, options);
}

}  // namespace espalier
