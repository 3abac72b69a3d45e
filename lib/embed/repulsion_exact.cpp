#include "embed/repulsion_exact.h"

#include <algorithm>

#include "base/parallel.h"
#include "embed/kernel.h"
#include "embed/pairs.h"

namespace espalier {

namespace {

std::size_t padded(std::size_t n) { return (n + kPairRows - 1) / kPairRows * kPairRows; }

/// One array per dimension; the padding repeats the last point, and its results are dropped.
void split_coordinates(const float* layout, std::size_t n, int dims, std::vector<Buffer<float>>& coordinates) {
  coordinates.resize(std::size_t(dims));
  for (std::size_t c = 0; c < std::size_t(dims); ++c) {
    Buffer<float>& line = coordinates[c];
    if (line.size() != padded(n)) line = Buffer<float>(padded(n));
    for (std::size_t i = 0; i < line.size(); ++i) line[i] = layout[std::min(i, n - 1) * std::size_t(dims) + c];
  }
}

PairBlock block_of(const std::vector<Buffer<float>>& coordinates, double a) {
  PairBlock block{};
  block.a = a;
  block.dims = int(coordinates.size());
  for (std::size_t c = 0; c < coordinates.size(); ++c) block.coordinates[c] = coordinates[c].data();
  return block;
}

}  // namespace

double ExactRepulsion::evaluate(const float* layout, std::size_t n, float* gradient) {
  require_bounded(layout, n, dims_);
  if (n == 0) return 0;
  split_coordinates(layout, n, dims_, coordinates_);
  const std::size_t dims = std::size_t(dims_);
  return parallel_sum(padded(n) / kPairRows, [&](std::size_t chunk, int) {
    PairBlock block = block_of(coordinates_, a_);
    block.row = chunk * kPairRows;
    block.begin = 0;
    block.end = n;
    double weights[kPairRows] = {}, pulls[3 * kPairRows] = {}, partition = 0;
    pair_kernels().gradients(block, weights, pulls);
    for (std::size_t r = 0; r < std::min(kPairRows, n - block.row); ++r) {
      partition += weights[r] - 1;  // a point's own w is 1
      for (std::size_t c = 0; c < dims; ++c) gradient[(block.row + r) * dims + c] = float(pulls[c * kPairRows + r]);
    }
    return partition;
  });
}

double exact_partition(const float* layout, std::size_t n, int dims, double a) {
  require_bounded(layout, n, dims);
  if (n == 0) return 0;
  std::vector<Buffer<float>> coordinates;
  split_coordinates(layout, n, dims, coordinates);
  // Rows of a chunk against each other (both orders of a pair, and itself), then against all later points once.
  const std::size_t rows = 4 * kPairRows;
  return parallel_sum((n + rows - 1) / rows, [&](std::size_t chunk, int) {
    PairBlock block = block_of(coordinates, a);
    const std::size_t first = chunk * rows, last = std::min(first + rows, n);
    const std::size_t tile = 2048;  // points that stay in the first-level cache while all rows pass over them
    double partition = -double(last - first);
    for (std::size_t begin = first; begin < n;) {
      const std::size_t end = begin == first ? last : std::min(begin + tile, n);
      for (block.row = first; block.row < last; block.row += kPairRows) {
        double weights[kPairRows] = {};
        block.begin = begin;
        block.end = end;
        pair_kernels().weights(block, weights);
        for (std::size_t r = 0; r < std::min(kPairRows, last - block.row); ++r)
          partition += begin == first ? weights[r] : 2 * weights[r];
      }
      begin = end;
    }
    return partition;
  });
}

double exact_repulsion_plain(const float* layout, std::size_t n, int dims, double a, double* gradient) {
  double partition = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const float* u = layout + i * std::size_t(dims);
    double* g = gradient + i * std::size_t(dims);
    std::fill_n(g, dims, 0.0);
    for (std::size_t j = 0; j < n; ++j) {
      if (j == i) continue;
      const float* v = layout + j * std::size_t(dims);
      double d2 = 0;
      for (int c = 0; c < dims; ++c) d2 += (double(u[c]) - v[c]) * (double(u[c]) - v[c]);
      const double w = kernel_value(d2, a);
      partition += w;
      for (int c = 0; c < dims; ++c) g[c] -= 2 * w / (1 + a * d2) * (double(u[c]) - v[c]);
    }
  }
  return partition;
}

}  // namespace espalier
