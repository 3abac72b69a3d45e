#include "neighbors/order.h"

#include <algorithm>
#include <numeric>

#include "base/parallel.h"
#include "neighbors/panel.h"

namespace espalier {

namespace {

/// Cuts nodes of more than `most` rows, level by level. set_keys(rows, count, keys) writes keys[row] for the rows of a
/// node; the node is cut at their median (ties by row), rounded up to whole panels.
template <class SetKeys>
Leaves grow(std::size_t n, std::size_t most, SetKeys&& set_keys) {
  Leaves leaves{std::vector<std::int32_t>(n), {}};
  std::iota(leaves.order.begin(), leaves.order.end(), 0);
  std::vector<float> keys(n);
  std::vector<std::size_t> borders{0, n};
  for (bool growing = true; growing;) {
    std::vector<std::size_t> cuts(borders.size() - 1);  // 0: none
    parallel_for(cuts.size(), [&](std::size_t node, int) {
      const std::size_t count = borders[node + 1] - borders[node];
      if (count <= most) return;
      std::int32_t* const rows = leaves.order.data() + borders[node];
      const std::size_t half = (count / 2 + kPanel - 1) / kPanel * kPanel;
      set_keys(rows, count, keys.data());
      std::nth_element(rows, rows + half, rows + count, [&](std::int32_t a, std::int32_t b) {
        return keys[std::size_t(a)] < keys[std::size_t(b)] || (keys[std::size_t(a)] == keys[std::size_t(b)] && a < b);
      });
      cuts[node] = borders[node] + half;
    });
    std::vector<std::size_t> next;
    for (std::size_t node = 0; node < cuts.size(); ++node) {
      next.push_back(borders[node]);
      if (cuts[node]) next.push_back(cuts[node]);
    }
    next.push_back(n);
    growing = next.size() > borders.size();
    borders = std::move(next);
  }
  leaves.starts = std::move(borders);
  return leaves;
}

/// The column that varies most over (a sample of) the node's rows.
std::size_t widest_column(const Matrix& x, const std::int32_t* rows, std::size_t count, std::size_t leading) {
  const std::size_t step = std::max<std::size_t>(1, count / 512);
  std::size_t widest = 0;
  double most = -1;
  for (std::size_t t = 0; t < leading; ++t) {
    const double origin = x(std::size_t(rows[0]), t);
    double sum = 0, squares = 0, taken = 0;
    for (std::size_t i = 0; i < count; i += step, ++taken) {
      const double v = x(std::size_t(rows[i]), t) - origin;
      sum += v;
      squares += v * v;
    }
    const double variance = squares / taken - sum / taken * (sum / taken);
    if (variance > most) most = variance, widest = t;
  }
  return widest;
}

}  // namespace

Leaves kd_leaves(const Matrix& x, std::size_t leading) {
  leading = std::min(leading, x.cols());
  return grow(x.rows(), kPanel, [&](const std::int32_t* rows, std::size_t count, float* keys) {
    const std::size_t t = widest_column(x, rows, count, leading);
    for (std::size_t i = 0; i < count; ++i) keys[rows[i]] = x(std::size_t(rows[i]), t);
  });
}

Leaves random_leaves(std::size_t n, std::size_t most, const Random& random, const Project& project) {
  return grow(n, most, [&](const std::int32_t* rows, std::size_t count, float* keys) {
    const auto counter = std::uint64_t(rows[0]) * 2 + (std::uint64_t(count) << 32);  // names the node
    project(rows[random.below(counter, count)], rows[random.below(counter + 1, count)], {rows, count}, keys);
  });
}

}  // namespace espalier
