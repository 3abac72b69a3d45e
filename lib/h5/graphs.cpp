#include "h5/graphs.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "h5/samples.h"
#include "h5/sparse.h"

namespace espalier {

namespace {

constexpr const char* kNeighbors = "/neighbors";
constexpr const char* kAffinities = "/affinities";
constexpr const char* kObspDistances = "/obsp/qsne_distances";
constexpr const char* kObspAffinities = "/obsp/qsne_affinities";
constexpr double kSymmetryTolerance = 1e-4, kSumTolerance = 1e-3;

Metric read_metric(const H5File& file, const std::string& group) {
  const std::optional<std::string> name = file.text_attribute(group, "metric");
  if (!name) return Metric::euclidean;
  for (std::size_t i = 0; i < kMetricNames.size(); ++i)
    if (*name == kMetricNames[i]) return Metric(i);
  throw DataError(file.name(), group, "has metric {}, known are euclidean, cosine and correlation", *name);
}

NeighborGraph read_lists(const H5File& file, const std::string& group) {
  const std::string indices = group + "/indices", distances = group + "/distances";
  const DatasetInfo info = file.info(indices);
  if (info.shape.size() != 2)
    throw DataError(file.name(), indices, "has {} axes, N x k is expected", info.shape.size());
  if (file.info(distances).shape != info.shape)
    throw DataError(file.name(), distances, "does not have the shape of indices, {} x {}", info.shape[0],
                    info.shape[1]);
  NeighborGraph graph;
  graph.rows = info.shape[0];
  graph.k = info.shape[1];
  graph.indices = Buffer<std::int32_t>(info.count());
  graph.distances = Buffer<float>(info.count());
  file.read_rows(indices, 0, graph.rows, graph.indices.data());
  file.read_rows(distances, 0, graph.rows, graph.distances.data());
  return graph;
}

/// Each row of a sparse matrix by distance, equal ones by index.
NeighborGraph read_matrix(const H5File& file, const std::string& group) {
  const SparseMatrix matrix = read_sparse(file, sparse_part(file, group));
  if (matrix.rows != matrix.cols)
    throw DataError(file.name(), group, "is {} x {}, not square", matrix.rows, matrix.cols);
  NeighborGraph graph;
  graph.rows = matrix.rows;
  graph.k = matrix.rows == 0 ? 0 : std::size_t(matrix.indptr[1]);
  graph.indices = Buffer<std::int32_t>(graph.rows * graph.k);
  graph.distances = Buffer<float>(graph.rows * graph.k);
  std::vector<std::int64_t> order(graph.k);
  for (std::size_t i = 0; i < graph.rows; ++i) {
    const std::size_t entries = std::size_t(matrix.indptr[i + 1] - matrix.indptr[i]);
    if (entries != graph.k)
      throw DataError(file.name(), group, "has {} neighbours in row {} and {} in row 0; all rows need the same number",
                      entries, i, graph.k);
    std::iota(order.begin(), order.end(), matrix.indptr[i]);
    std::sort(order.begin(), order.end(), [&](std::int64_t x, std::int64_t y) {
      return std::pair(matrix.values[x], matrix.indices[x]) < std::pair(matrix.values[y], matrix.indices[y]);
    });
    for (std::size_t j = 0; j < graph.k; ++j) {
      graph.indices[i * graph.k + j] = matrix.indices[order[j]];
      graph.distances[i * graph.k + j] = matrix.values[order[j]];
    }
  }
  return graph;
}

void require_valid(const H5File& file, const std::string& group, const NeighborGraph& graph) {
  if (graph.rows == 0 || graph.k == 0) throw DataError(file.name(), group, "is empty");
  if (graph.rows > INT32_MAX) throw DataError(file.name(), group, "has {} rows, too many", graph.rows);
  std::vector<std::int32_t> seen_in(graph.rows, -1);  // the last row that named each sample
  for (std::size_t i = 0; i < graph.rows; ++i) {
    float last = 0;
    for (std::size_t j = i * graph.k; j < (i + 1) * graph.k; ++j) {
      const std::int32_t other = graph.indices[j];
      const float distance = graph.distances[j];
      if (other < 0 || std::size_t(other) >= graph.rows)
        throw DataError(file.name(), group, "names sample {} as neighbour of {}, there are {}", other, i, graph.rows);
      if (std::size_t(other) == i) throw DataError(file.name(), group, "names sample {} as its own neighbour", i);
      if (std::exchange(seen_in[other], std::int32_t(i)) == std::int32_t(i))
        throw DataError(file.name(), group, "names sample {} twice as neighbour of {}", other, i);
      if (!std::isfinite(distance) || distance < 0)
        throw DataError(file.name(), group, "has distance {} in row {}", distance, i);
      if (distance < last) throw DataError(file.name(), group, "is not sorted nearest first in row {}", i);
      last = distance;
    }
  }
}

/// P as it stands in a group of data, indices and indptr, its pointers checked.
Affinities read_rows_of_p(const H5File& file, const std::string& group) {
  const DataPart part = sparse_part(file, group);
  if (part.rows != part.cols || part.rows == 0)
    throw DataError(file.name(), group, "is {} x {}, not square", part.rows, part.cols);
  const DatasetInfo indices = file.info(group + "/indices");
  Affinities p{part.rows, Buffer<std::int64_t>(part.rows + 1), Buffer<std::int32_t>(indices.count()),
               Buffer<float>(indices.count())};
  if (file.info(group + "/data").shape != indices.shape || indices.shape.size() != 1)
    throw DataError(file.name(), group, "has data and indices of different shapes");
  const std::vector<std::int64_t> pointers = file.read_longs(group + "/indptr");
  if (pointers.front() != 0 || pointers.back() != std::int64_t(p.edges()) ||
      !std::is_sorted(pointers.begin(), pointers.end()))
    throw DataError(file.name(), group + "/indptr", "does not ascend from 0 to {}", p.edges());
  std::copy(pointers.begin(), pointers.end(), p.indptr.begin());
  file.read_rows(group + "/indices", 0, p.edges(), p.indices.data());
  file.read_rows(group + "/data", 0, p.edges(), p.values.data());
  return p;
}

/// Rows are visited in order, so the mirror of an entry is the next unvisited one of its row: one pass is enough.
void require_valid(const H5File& file, const std::string& group, const Affinities& p) {
  const std::int64_t rows = std::int64_t(p.rows);
  double sum = 0;
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t e = p.indptr[i]; e < p.indptr[i + 1]; ++e) {
      const std::int32_t j = p.indices[e];
      if (j < 0 || j >= rows) throw DataError(file.name(), group, "has column {} in row {}, there are {}", j, i, rows);
      if (e > p.indptr[i] && j <= p.indices[e - 1])
        throw DataError(file.name(), group, "has columns that do not ascend in row {}", i);
      if (j == i) throw DataError(file.name(), group, "has a diagonal entry in row {}", i);
      if (!(p.values[e] > 0) || !std::isfinite(p.values[e]))
        throw DataError(file.name(), group, "has {} in row {}: affinities are positive", p.values[e], i);
      sum += p.values[e];
    }
  std::vector<std::int64_t> next(p.indptr.begin(), p.indptr.end() - 1);
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t e = p.indptr[i]; e < p.indptr[i + 1]; ++e) {
      const std::int32_t j = p.indices[e];
      const std::int64_t mirror = next[j]++;
      if (mirror >= p.indptr[j + 1] || p.indices[mirror] != i ||
          std::abs(p.values[mirror] - p.values[e]) > kSymmetryTolerance * double(p.values[e]))
        throw DataError(file.name(), group, "is not symmetric at rows {} and {}", i, j);
    }
  if (std::abs(sum - 1) > kSumTolerance) throw DataError(file.name(), group, "sums to {}, 1 is expected", sum);
}

/// Where a graph is: what the user named, ours, AnnData's; empty where there is none. Two datasets of the name
/// /neighbors and /distances are ann-benchmarks' answers to its queries, and no graph.
std::string find_graph(const H5File& file, const std::string& path, const char* ours, const char* anndata) {
  if (!path.empty()) return absolute(path);
  if (file.is_group(ours)) return ours;
  return file.is_group(anndata) ? anndata : "";
}

void write_obsp(H5File& file, const char* group, const char* key, std::size_t rows,
                std::span<const std::int64_t> indptr, std::span<const std::int32_t> indices,
                std::span<const float> values) {
  prepare_anndata_group(file, "/obsp");
  write_csr(file, group, {rows, rows}, indptr, indices, values);
  // scipy wants pointers and indices of one width.
  const std::string base = group;
  if (values.size() <= INT32_MAX)
    file.write(base + "/indptr", {indptr.size()}, std::vector<std::int32_t>(indptr.begin(), indptr.end()));
  else
    file.write(base + "/indices", {indices.size()}, std::vector<std::int64_t>(indices.begin(), indices.end()));
  set_encoding(file, group, "csr_matrix", "0.1.0");
  prepare_anndata_group(file, "/uns");
  const std::string settings = "/uns/qsne", path = settings + "/" + key;
  if (!file.is_group(settings)) {
    file.make_group(settings);
    set_encoding(file, settings, "dict", "0.1.0");
  }
  file.write_scalar(path, std::string(group).substr(std::string_view("/obsp/").size()));
  set_encoding(file, path, "string", "0.2.0");
}

/// The graph as sparse rows with ascending columns, as readers of CSR expect them.
void write_obsp_neighbors(H5File& file, const NeighborGraph& graph) {
  std::vector<std::int64_t> indptr(graph.rows + 1);
  for (std::size_t i = 0; i <= graph.rows; ++i) indptr[i] = std::int64_t(i * graph.k);
  Buffer<std::int32_t> indices(graph.indices.size());
  Buffer<float> values(graph.indices.size());
  std::vector<std::pair<std::int32_t, float>> row(graph.k);
  for (std::size_t i = 0; i < graph.rows; ++i) {
    const std::size_t at = i * graph.k;
    for (std::size_t j = 0; j < graph.k; ++j) row[j] = {graph.indices[at + j], graph.distances[at + j]};
    std::sort(row.begin(), row.end());
    for (std::size_t j = 0; j < graph.k; ++j) std::tie(indices[at + j], values[at + j]) = row[j];
  }
  write_obsp(file, kObspDistances, "distances_key", graph.rows, indptr, indices, values);
}

}  // namespace

std::string neighbors_path(const H5File& file, const std::string& path) {
  return find_graph(file, path, kNeighbors, kObspDistances);
}

std::string affinities_path(const H5File& file, const std::string& path) {
  return find_graph(file, path, kAffinities, kObspAffinities);
}

std::optional<NeighborGraph> read_neighbors(const H5File& file, const std::string& path) {
  const std::string group = neighbors_path(file, path);
  if (group.empty()) return std::nullopt;
  if (!file.has(group)) throw DataError(file.name(), group, "is missing");
  NeighborGraph graph = file.is_dataset(group + "/distances") ? read_lists(file, group) : read_matrix(file, group);
  graph.metric = read_metric(file, group);
  graph.exact = file.number_attribute(group, "exact").value_or(1) != 0;
  graph.recall = file.number_attribute(group, "recall").value_or(1);
  require_valid(file, group, graph);
  return graph;
}

std::optional<Affinities> read_affinities(const H5File& file, const std::string& path) {
  const std::string group = affinities_path(file, path);
  if (group.empty()) return std::nullopt;
  if (!file.has(group)) throw DataError(file.name(), group, "is missing");
  if (group != kAffinities && group != kObspAffinities)
    return affinities_from_weights(read_sparse(file, sparse_part(file, group)));
  Affinities p = read_rows_of_p(file, group);
  require_valid(file, group, p);
  return p;
}

void write_neighbors(H5File& file, Convention convention, const NeighborGraph& graph, const Settings& settings) {
  const bool anndata = convention == Convention::anndata;
  const std::string group = anndata ? kObspDistances : kNeighbors;
  if (anndata) {
    write_obsp_neighbors(file, graph);
    // What scanpy asks of a graph; it counts a sample among its own neighbours.
    write_anndata_settings(file, "/uns/qsne/params",
                           {{"n_neighbors", std::int64_t(graph.k + 1)},
                            {"method", graph.exact ? "exact" : "approximate"},
                            {"metric", kMetricNames.at(std::size_t(graph.metric))}});
  } else {
    file.write(group + "/indices", {graph.rows, graph.k}, graph.indices);
    file.write(group + "/distances", {graph.rows, graph.k}, graph.distances);
  }
  file.set_attribute(group, "metric", std::string(kMetricNames.at(std::size_t(graph.metric))));
  file.set_attribute(group, "exact", std::int64_t(graph.exact));
  file.set_attribute(group, "recall", graph.recall);
  set_attributes(file, group, settings);
}

void write_affinities(H5File& file, Convention convention, const Affinities& p, const Settings& settings) {
  const bool anndata = convention == Convention::anndata;
  const std::string group = anndata ? kObspAffinities : kAffinities;
  if (anndata)
    write_obsp(file, kObspAffinities, "connectivities_key", p.rows, p.indptr, p.indices, p.values);
  else
    write_csr(file, group, {p.rows, p.rows}, p.indptr, p.indices, p.values);
  set_attributes(file, group, settings);
}

}  // namespace espalier
