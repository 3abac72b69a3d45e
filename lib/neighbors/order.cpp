#include "neighbors/order.h"

#include <algorithm>
#include <numeric>

#include "base/parallel.h"
#include "neighbors/panel.h"

namespace espalier {

namespace {

struct Node {
  std::size_t begin, end;
};

/// The column that varies most over (a sample of) the node's rows.
std::size_t widest_column(const Matrix& x, const std::int32_t* rows, std::size_t count, std::size_t leading) {
  const std::size_t step = std::max<std::size_t>(1, count / 512);
  std::size_t widest = 0;
  double most = -1;
  for (std::size_t t = 0; t < leading; ++t) {
    double sum = 0, squares = 0, taken = 0;
    const double origin = x(std::size_t(rows[0]), t);
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

/// Splits at the median, rounded up to whole leaves; returns the place of the cut.
std::size_t split(const Matrix& x, std::int32_t* order, Node node, std::size_t leading) {
  const std::size_t count = node.end - node.begin;
  const std::size_t half = (count / 2 + kPanel - 1) / kPanel * kPanel;
  std::int32_t* const rows = order + node.begin;
  const std::size_t t = widest_column(x, rows, count, leading);
  std::nth_element(rows, rows + half, rows + count, [&](std::int32_t a, std::int32_t b) {
    const float u = x(std::size_t(a), t), v = x(std::size_t(b), t);
    return u < v || (u == v && a < b);
  });
  return node.begin + half;
}

}  // namespace

std::vector<std::int32_t> kd_order(const Matrix& x, std::size_t leading) {
  std::vector<std::int32_t> order(x.rows());
  std::iota(order.begin(), order.end(), 0);
  leading = std::min(leading, x.cols());
  std::vector<Node> level{{0, x.rows()}};
  while (!level.empty()) {
    std::vector<Node> next;
    std::vector<std::size_t> cuts(level.size());
    parallel_for(level.size(), [&](std::size_t i, int) {
      if (level[i].end - level[i].begin > kPanel) cuts[i] = split(x, order.data(), level[i], leading);
    });
    for (std::size_t i = 0; i < level.size(); ++i)
      if (cuts[i]) {
        next.push_back({level[i].begin, cuts[i]});
        next.push_back({cuts[i], level[i].end});
      }
    level = std::move(next);
  }
  return order;
}

}  // namespace espalier
