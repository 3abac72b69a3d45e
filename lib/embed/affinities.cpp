#include "embed/affinities.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/parallel.h"
#include "embed/calibration.h"

namespace espalier {

namespace {

constexpr std::size_t kRowsPerChunk = 512;

/// The perplexities in use, as entropies in nats.
std::vector<double> target_entropies(std::size_t k, const AffinityOptions& options, const Control& control) {
  if (options.perplexities.empty()) throw UsageError("no perplexity given");
  std::vector<double> entropies;
  for (double perplexity : options.perplexities) {
    if (!(perplexity >= 1)) throw UsageError("perplexity {} is below 1", perplexity);
    if (k > 1 && perplexity >= double(k)) {
      const double reached = std::max(1.0, double(k) / 3);
      control.tell(
          fmt::format("perplexity {} needs more than {} neighbours: lowered to {:.4g}", perplexity, k, reached));
      perplexity = reached;
    }
    entropies.push_back(std::log(perplexity));
  }
  return entropies;
}

/// Calibrates a group of up to `lanes` rows for every entropy and averages. squared(r, j) is the squared distance from
/// row r to its j-th neighbour; put(r, j, p) takes the result.
class RowGroup {
 public:
  RowGroup(std::size_t k, const std::vector<double>& entropies)
      : k_(k), entropies_(entropies), offsets_(k * lanes()), p_(k * lanes()), mean_(k * lanes()) {}

  static std::size_t lanes() { return calibration_kernels().lanes; }

  template <class Squared, class Put>
  void calibrate(std::size_t count, Squared&& squared, Put&& put) {
    for (std::size_t r = 0; r < lanes(); ++r) fill_lane(r, std::min(r, count - 1), squared);
    for (std::size_t s = 0; s < entropies_.size(); ++s) {
      calibration_kernels().calibrate(offsets_.data(), k_, entropies_[s], p_.data());
      const float share = 1.0f / float(entropies_.size());
      for (std::size_t e = 0; e < p_.size(); ++e) mean_[e] = (s ? mean_[e] : 0) + share * p_[e];
    }
    for (std::size_t r = 0; r < count; ++r)
      for (std::size_t j = 0; j < k_; ++j) put(r, j, mean_[j * lanes() + r]);
  }

 private:
  template <class Squared>
  void fill_lane(std::size_t lane, std::size_t row, Squared&& squared) {
    double least = std::numeric_limits<double>::infinity(), most = 0;
    for (std::size_t j = 0; j < k_; ++j) {
      const double d = squared(row, j);
      least = std::min(least, d);
      most = std::max(most, d);
    }
    const double scale = most > least ? 1 / (most - least) : 0;
    for (std::size_t j = 0; j < k_; ++j) offsets_[j * lanes() + lane] = float((squared(row, j) - least) * scale);
  }

  std::size_t k_;
  const std::vector<double>& entropies_;
  Buffer<float> offsets_, p_, mean_;
};

/// What stands in the exponent: the squared euclidean distance. Cosine and correlation distances are half of it.
double squared_distance(const NeighborGraph& graph, std::size_t e) {
  const double d = graph.distances[e];
  return graph.metric == Metric::euclidean ? d * d : d;
}

/// Graphs may come from a file: an index out of range would be read as an address, a NaN would never calibrate.
void require_valid(const NeighborGraph& graph, std::size_t samples) {
  for (std::size_t e = 0; e < graph.rows * graph.k; ++e) {
    if (graph.indices[e] < 0 || std::size_t(graph.indices[e]) >= samples)
      throw DataError("", "", "neighbour {} of sample {} is not one of {} samples", graph.indices[e], e / graph.k,
                      samples);
    if (!(graph.distances[e] >= 0) || !std::isfinite(graph.distances[e]))
      throw DataError("", "", "sample {} has a neighbour at distance {}", e / graph.k, graph.distances[e]);
  }
}

std::int64_t prefix_sum(Buffer<std::int64_t>& counts) {
  std::int64_t total = 0;
  for (std::int64_t& c : counts) {
    const std::int64_t count = c;
    c = total;
    total += count;
  }
  return total;
}

/// Orders the columns of row [begin, end) upwards.
void sort_row(std::int32_t* indices, float* values, std::size_t count, std::vector<std::uint64_t>& keys) {
  keys.resize(count);
  for (std::size_t e = 0; e < count; ++e) {
    std::uint32_t bits;
    std::memcpy(&bits, values + e, sizeof bits);
    keys[e] = std::uint64_t(std::uint32_t(indices[e])) << 32 | bits;
  }
  std::sort(keys.begin(), keys.end());
  for (std::size_t e = 0; e < count; ++e) {
    const std::uint32_t bits = std::uint32_t(keys[e]);
    indices[e] = std::int32_t(keys[e] >> 32);
    std::memcpy(values + e, &bits, sizeof bits);
  }
}

void sort_rows(Affinities& p) {
  parallel_ranges(p.rows, kRowsPerChunk, [&](std::size_t begin, std::size_t end, int) {
    std::vector<std::uint64_t> keys;
    for (std::size_t i = begin; i < end; ++i)
      sort_row(&p.indices[p.indptr[i]], &p.values[p.indptr[i]], p.indptr[i + 1] - p.indptr[i], keys);
  });
}

/// The transpose, columns ascending. Rows are cut into a few parts; where a part's entries of a column go follows from
/// how many the parts before it have, so all parts write at once and always the same.
Affinities transpose(const Affinities& p) {
  constexpr std::size_t kParts = 8;
  const std::size_t n = p.rows;
  const auto part_begin = [&](std::size_t part) { return n * part / kParts; };
  Buffer<std::int64_t> places(n * kParts + 1, 0);  // [column][part]
  parallel_for(kParts, [&](std::size_t part, int) {
    for (std::int64_t e = p.indptr[part_begin(part)]; e < p.indptr[part_begin(part + 1)]; ++e)
      ++places[p.indices[e] * kParts + part];
  });
  prefix_sum(places);
  Affinities t{n, Buffer<std::int64_t>(n + 1), Buffer<std::int32_t>(p.edges()), Buffer<float>(p.edges())};
  for (std::size_t i = 0; i <= n; ++i) t.indptr[i] = places[i * kParts];
  parallel_for(kParts, [&](std::size_t part, int) {
    for (std::size_t i = part_begin(part); i < part_begin(part + 1); ++i)
      for (std::int64_t e = p.indptr[i]; e < p.indptr[i + 1]; ++e) {
        const std::int64_t place = places[p.indices[e] * kParts + part]++;
        t.indices[place] = std::int32_t(i);
        t.values[place] = p.values[e];
      }
  });
  return t;
}

/// Calls put(column, sum) for the union of row i of two matrices with ascending columns.
template <class Put>
void merge_row(const Affinities& a, const Affinities& b, std::size_t i, Put&& put) {
  std::int64_t x = a.indptr[i], y = b.indptr[i];
  const std::int64_t x_end = a.indptr[i + 1], y_end = b.indptr[i + 1];
  while (x < x_end || y < y_end) {
    const std::int32_t column = std::min(x < x_end ? a.indices[x] : std::numeric_limits<std::int32_t>::max(),
                                         y < y_end ? b.indices[y] : std::numeric_limits<std::int32_t>::max());
    float sum = 0;
    if (x < x_end && a.indices[x] == column) sum += a.values[x++];
    if (y < y_end && b.indices[y] == column) sum += b.values[y++];
    put(column, sum);
  }
}

/// (a + a') over its sum; a has its columns ascending.
Affinities symmetrise(const Affinities& a) {
  const Affinities b = transpose(a);
  Affinities p{a.rows, Buffer<std::int64_t>(a.rows + 1, 0), {}, {}};
  const double total =
      2 * parallel_sum((a.rows + kRowsPerChunk - 1) / kRowsPerChunk, [&](std::size_t chunk, int) {
        double sum = 0;
        for (std::size_t i = chunk * kRowsPerChunk; i < std::min(a.rows, (chunk + 1) * kRowsPerChunk); ++i) {
          merge_row(a, b, i, [&](std::int32_t, float) { ++p.indptr[i]; });
          for (std::int64_t e = a.indptr[i]; e < a.indptr[i + 1]; ++e) sum += a.values[e];
        }
        return sum;
      });
  if (!(total > 0)) throw DataError("", "", "affinities have no weight at all");
  const std::size_t edges = std::size_t(prefix_sum(p.indptr));
  p.indices = Buffer<std::int32_t>(edges);
  p.values = Buffer<float>(edges);
  const double scale = 1 / total;
  parallel_ranges(a.rows, kRowsPerChunk, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) {
      std::int64_t e = p.indptr[i];
      merge_row(a, b, i, [&](std::int32_t column, float sum) {
        p.indices[e] = column;
        p.values[e++] = float(sum * scale);
      });
    }
  });
  return p;
}

}  // namespace

Buffer<float> conditional_affinities(const NeighborGraph& graph, const AffinityOptions& options,
                                     const Control& control) {
  const std::size_t k = graph.k;
  if (k == 0) throw DataError("", "", "a neighbour graph without neighbours");
  Buffer<float> p(graph.rows * k);
  if (options.uniform) {
    std::fill(p.begin(), p.end(), 1.0f / float(k));
    return p;
  }
  const std::vector<double> entropies = target_entropies(k, options, control);
  parallel_ranges(graph.rows, kRowsPerChunk, [&](std::size_t begin, std::size_t end, int) {
    RowGroup group(k, entropies);
    for (std::size_t first = begin; first < end; first += group.lanes())
      group.calibrate(
          std::min(group.lanes(), end - first),
          [&](std::size_t r, std::size_t j) { return squared_distance(graph, (first + r) * k + j); },
          [&](std::size_t r, std::size_t j, float value) { p[(first + r) * k + j] = value; });
  });
  return p;
}

Affinities compute_affinities(const NeighborGraph& graph, const AffinityOptions& options, const Control& control) {
  require_valid(graph, graph.rows);
  control.report("affinities", 0, 2);
  Affinities directed{graph.rows, Buffer<std::int64_t>(graph.rows + 1), graph.indices,
                      conditional_affinities(graph, options, control)};
  for (std::size_t i = 0; i <= graph.rows; ++i) directed.indptr[i] = std::int64_t(i * graph.k);
  throw_if_stopped(control);
  control.report("affinities", 1, 2);
  sort_rows(directed);
  Affinities p = symmetrise(directed);
  control.report("affinities", 2, 2);
  return p;
}

Affinities query_affinities(const NeighborGraph& graph, const AffinityOptions& options, std::size_t samples,
                            const Control& control) {
  require_valid(graph, samples);
  Affinities p{samples + graph.rows, Buffer<std::int64_t>(samples + graph.rows + 1, 0), graph.indices,
               conditional_affinities(graph, options, control)};
  for (std::size_t i = 0; i <= graph.rows; ++i) p.indptr[samples + i] = std::int64_t(i * graph.k);
  sort_rows(p);
  return p;
}

Affinities affinities_from_weights(const SparseMatrix& weights) {
  if (weights.rows != weights.cols)
    throw DataError("", "", "affinities are {} x {}, not square", weights.rows, weights.cols);
  Affinities directed{weights.rows, Buffer<std::int64_t>(weights.rows + 1), {}, {}};
  std::vector<std::int32_t> indices;
  std::vector<float> values;
  for (std::size_t i = 0; i < weights.rows; ++i) {
    directed.indptr[i] = std::int64_t(indices.size());
    for (std::int64_t e = weights.indptr[i]; e < weights.indptr[i + 1]; ++e) {
      if (!(weights.values[e] >= 0) || !std::isfinite(weights.values[e]))
        throw DataError("", "", "affinity of samples {} and {} is {}", i, weights.indices[e], weights.values[e]);
      if (weights.indices[e] == std::int32_t(i) || weights.values[e] == 0) continue;
      indices.push_back(weights.indices[e]);
      values.push_back(weights.values[e]);
    }
  }
  directed.indptr[weights.rows] = std::int64_t(indices.size());
  directed.indices = Buffer<std::int32_t>(indices.size());
  directed.values = Buffer<float>(values.size());
  std::copy(indices.begin(), indices.end(), directed.indices.begin());
  std::copy(values.begin(), values.end(), directed.values.begin());
  return symmetrise(directed);
}

Affinities dense_affinities(const Samples& samples, double perplexity, const Control& control) {
  const std::size_t n = sample_count(samples), d = dimension(samples), k = n - 1;
  if (n < 2) throw DataError("", "", "{} samples have no affinities", n);
  const std::size_t padded = (n + kCalibrationPad - 1) / kCalibrationPad * kCalibrationPad;
  Buffer<float> rows(n * d), columns(d * padded, 0);
  dense_rows(samples, 0, n, rows.data());
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t t = 0; t < d; ++t) columns[t * padded + j] = rows[j * d + t];

  const std::vector<double> entropies = target_entropies(k, AffinityOptions{{perplexity}, false}, control);
  Buffer<float> conditional(n * n, 0);
  parallel_ranges(n, RowGroup::lanes(), [&](std::size_t begin, std::size_t end, int) {
    Buffer<float> distances(RowGroup::lanes() * padded);
    for (std::size_t i = begin; i < end; ++i)
      calibration_kernels().squared_distances(&rows[i * d], columns.data(), padded, d,
                                              &distances[(i - begin) * padded]);
    const auto column = [&](std::size_t r, std::size_t j) { return j < begin + r ? j : j + 1; };  // all but itself
    RowGroup(k, entropies)
        .calibrate(
            end - begin, [&](std::size_t r, std::size_t j) { return double(distances[r * padded + column(r, j)]); },
            [&](std::size_t r, std::size_t j, float value) { conditional[(begin + r) * n + column(r, j)] = value; });
  });

  constexpr float kFloor = 2.2e-16f;
  Affinities p{n, Buffer<std::int64_t>(n + 1), Buffer<std::int32_t>(n * k), Buffer<float>(n * k)};
  for (std::size_t i = 0; i <= n; ++i) p.indptr[i] = std::int64_t(i * k);
  parallel_ranges(n, kCalibrationPad, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i)
      for (std::size_t j = 0, e = i * k; j < n; ++j) {
        if (j == i) continue;
        p.indices[e] = std::int32_t(j);
        p.values[e++] = std::max(kFloor, (conditional[i * n + j] + conditional[j * n + i]) / float(2 * n));
      }
  });
  return p;
}

Affinities permute(const Affinities& p, std::span<const std::int32_t> order) {
  if (order.size() != p.rows) throw BugError("an order of {} for affinities of {}", order.size(), p.rows);
  std::vector<std::int32_t> place(p.rows);
  for (std::size_t i = 0; i < p.rows; ++i) place[order[i]] = std::int32_t(i);
  Affinities out{p.rows, Buffer<std::int64_t>(p.rows + 1, 0), Buffer<std::int32_t>(p.edges()),
                 Buffer<float>(p.edges())};
  for (std::size_t i = 0; i < p.rows; ++i) out.indptr[i] = p.indptr[order[i] + 1] - p.indptr[order[i]];
  prefix_sum(out.indptr);
  parallel_ranges(p.rows, kRowsPerChunk, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) {
      std::int64_t to = out.indptr[i];
      for (std::int64_t e = p.indptr[order[i]]; e < p.indptr[order[i] + 1]; ++e, ++to) {
        out.indices[to] = place[p.indices[e]];
        out.values[to] = p.values[e];
      }
    }
  });
  sort_rows(out);
  return out;
}

std::vector<std::int32_t> breadth_first_order(const Affinities& p) {
  std::vector<std::int32_t> order;
  order.reserve(p.rows);
  std::vector<bool> met(p.rows, false);
  const auto meet = [&](std::size_t i) {
    if (met[i]) return;
    met[i] = true;
    order.push_back(std::int32_t(i));
  };
  for (std::size_t first = 0, next = 0; first < p.rows; ++first) {
    meet(first);
    for (; next < order.size(); ++next) {
      const auto i = std::size_t(order[next]);
      for (std::int64_t e = p.indptr[i]; e < p.indptr[i + 1]; ++e) meet(std::size_t(p.indices[e]));
    }
  }
  return order;
}

double negative_entropy(const Affinities& p) {
  return parallel_sum((p.rows + kRowsPerChunk - 1) / kRowsPerChunk, [&](std::size_t chunk, int) {
    double sum = 0;
    const std::size_t end = std::min(p.rows, (chunk + 1) * kRowsPerChunk);
    for (std::int64_t e = p.indptr[chunk * kRowsPerChunk]; e < p.indptr[end]; ++e)
      if (p.values[e] > 0) sum += double(p.values[e]) * std::log(double(p.values[e]));
    return sum;
  });
}

}  // namespace espalier
