#pragma once
/// Small data and plain neighbour search for the tests of embed/.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <utility>
#include <vector>

#include "base/random.h"
#include "neighbors/graph.h"
#include "tensor/matrix.h"

namespace espalier::test {

/// n samples of d coordinates, sample i in blob i % blobs; blob centres are `apart` standard deviations along the axes.
inline Matrix blobs(std::size_t n, std::size_t d, std::size_t count, double apart, std::uint64_t seed = 1) {
  const Random random(seed, 0);
  Matrix x(n, d);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t t = 0; t < d; ++t)
      x(i, t) = float(random.normal(i * d + t) + (t == i % count % d ? apart * double(1 + i % count / d) : 0));
  return x;
}

inline double distance(const Matrix& x, std::size_t i, const Matrix& y, std::size_t j) {
  double sum = 0;
  for (std::size_t t = 0; t < x.cols(); ++t) sum += std::pow(double(x(i, t)) - y(j, t), 2);
  return std::sqrt(sum);
}

/// The k nearest rows of y to every row of x; a row of x is not its own neighbour where the two are the same matrix.
inline NeighborGraph nearest(const Matrix& x, const Matrix& y, std::size_t k) {
  NeighborGraph graph;
  graph.rows = x.rows();
  graph.k = k;
  graph.indices = Buffer<std::int32_t>(x.rows() * k);
  graph.distances = Buffer<float>(x.rows() * k);
  for (std::size_t i = 0; i < x.rows(); ++i) {
    std::vector<std::pair<double, std::int32_t>> all;
    for (std::size_t j = 0; j < y.rows(); ++j)
      if (&x != &y || i != j) all.emplace_back(distance(x, i, y, j), std::int32_t(j));
    std::partial_sort(all.begin(), all.begin() + std::ptrdiff_t(k), all.end());
    for (std::size_t j = 0; j < k; ++j) {
      graph.distances[i * k + j] = float(all[j].first);
      graph.indices[i * k + j] = all[j].second;
    }
  }
  return graph;
}

inline NeighborGraph nearest(const Matrix& x, std::size_t k) { return nearest(x, x, k); }

template <class T>
bool same_bytes(const Buffer<T>& x, const Buffer<T>& y) {
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(T)) == 0;
}

}  // namespace espalier::test
