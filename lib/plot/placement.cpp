#include "plot/placement.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace espalier {

namespace {

constexpr double kCell = 5;  // mm, of TakenSpace

std::size_t clamped(double x, std::size_t n) { return std::size_t(std::clamp(x, 0.0, double(n - 1))); }

}  // namespace

TakenSpace::TakenSpace(const Box& area)
    : area_(area),
      columns_(std::size_t(std::max(0.0, area.width) / kCell) + 1),
      rows_(std::size_t(std::max(0.0, area.height) / kCell) + 1),
      cells_(columns_ * rows_) {}

TakenSpace::Cells TakenSpace::cells_of(const Box& box) const {
  return {clamped((box.x - area_.x) / kCell, columns_), clamped((box.right() - area_.x) / kCell, columns_),
          clamped((box.y - area_.y) / kCell, rows_), clamped((box.bottom() - area_.y) / kCell, rows_)};
}

bool TakenSpace::is_free(const Box& box) const {
  if (box.x < area_.x || box.right() > area_.right() || box.y < area_.y || box.bottom() > area_.bottom()) return false;
  const Cells cells = cells_of(box);
  for (std::size_t row = cells.top; row <= cells.bottom; ++row)
    for (std::size_t column = cells.left; column <= cells.right; ++column)
      for (const Box& taken : cells_[row * columns_ + column])
        if (taken.overlaps(box)) return false;
  return true;
}

void TakenSpace::take(const Box& box) {
  const Cells cells = cells_of(box);
  for (std::size_t row = cells.top; row <= cells.bottom; ++row)
    for (std::size_t column = cells.left; column <= cells.right; ++column)
      cells_[row * columns_ + column].push_back(box);
}

WeightTable::WeightTable(std::span<const Spot> spots, std::span<const float> weights, const Box& area)
    : area_(area),
      columns_(std::size_t(std::ceil(area.width)) + 1),
      rows_(std::size_t(std::ceil(area.height)) + 1),
      sums_((columns_ + 1) * (rows_ + 1), 0.0) {
  const std::size_t stride = columns_ + 1;
  for (std::size_t i = 0; i < spots.size(); ++i)
    sums_[(clamped(spots[i].y - area.y, rows_) + 1) * stride + clamped(spots[i].x - area.x, columns_) + 1] +=
        double(weights[i]);
  for (std::size_t row = 1; row <= rows_; ++row)
    for (std::size_t column = 1; column <= columns_; ++column)
      sums_[row * stride + column] += sums_[(row - 1) * stride + column] + sums_[row * stride + column - 1] -
                                      sums_[(row - 1) * stride + column - 1];
}

/// Of the points left of x and above y, as if spread evenly over their cells.
double WeightTable::sum_to(double x, double y) const {
  const double column = std::clamp(x - area_.x, 0.0, double(columns_)),
               row = std::clamp(y - area_.y, 0.0, double(rows_));
  const std::size_t c = clamped(column, columns_), r = clamped(row, rows_);
  const double right = column - double(c), down = row - double(r);
  const double* above = sums_.data() + r * (columns_ + 1) + c;
  const double* below = above + columns_ + 1;
  return (1 - down) * ((1 - right) * above[0] + right * above[1]) + down * ((1 - right) * below[0] + right * below[1]);
}

double WeightTable::within(const Box& box) const {
  return sum_to(box.right(), box.bottom()) - sum_to(box.x, box.bottom()) - sum_to(box.right(), box.y) +
         sum_to(box.x, box.y);
}

Place densest_place(std::span<const Spot> spots, const Box& box) {
  constexpr std::size_t cells = 40;
  constexpr long reach = 3;
  using Grid = std::array<double, cells * cells>;
  const auto column_of = [&](const Spot& s) { return clamped((s.x - box.x) / box.width * cells, cells); };
  const auto row_of = [&](const Spot& s) { return clamped((s.y - box.y) / box.height * cells, cells); };
  Grid counts{}, along{}, smooth{};
  for (const Spot& s : spots) ++counts[row_of(s) * cells + column_of(s)];
  // Triangular weights, first along the rows, then down the columns.
  const auto blur = [&](const Grid& in, Grid& out, std::size_t step, std::size_t stride) {
    for (long line = 0; line < long(cells); ++line)
      for (long k = 0; k < long(cells); ++k)
        for (long d = std::max(-reach, -k); d <= std::min(reach, long(cells) - 1 - k); ++d)
          out[std::size_t(line) * stride + std::size_t(k) * step] +=
              double(reach + 1 - std::abs(d)) * in[std::size_t(line) * stride + std::size_t(k + d) * step];
  };
  blur(counts, along, 1, cells);
  blur(along, smooth, cells, 1);

  const auto density = [&](const Spot& s) { return smooth[row_of(s) * cells + column_of(s)]; };
  const Spot& top = *std::max_element(spots.begin(), spots.end(),
                                      [&](const Spot& a, const Spot& b) { return density(a) < density(b); });
  const double near = 1.5 * std::min(box.width, box.height) / cells;
  double x = 0, y = 0, count = 0;
  for (const Spot& s : spots)
    if (std::hypot(s.x - top.x, s.y - top.y) <= near) {
      x += s.x;
      y += s.y;
      ++count;
    }
  return {x / count, y / count};
}

}  // namespace espalier
