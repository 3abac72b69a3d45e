#pragma once
/// Room for text on a map.

#include <cstddef>
#include <span>
#include <vector>

#include "plot/canvas.h"
#include "plot/projection.h"

namespace espalier {

/// Boxes that hold text. Asking and adding cost the number of 5 mm cells that the box touches.
class TakenSpace {
 public:
  explicit TakenSpace(const Box& area);
  bool is_free(const Box&) const;  ///< within the area, and over none of the boxes taken
  void take(const Box&);

 private:
  struct Cells {
    std::size_t left, right, top, bottom;  ///< first and last
  };
  Cells cells_of(const Box&) const;

  Box area_;
  std::size_t columns_, rows_;
  std::vector<std::vector<Box>> cells_;
};

/// Sums of weights of points within boxes, from a table of sums over all rectangles that begin at the first cell
/// (Crow, SIGGRAPH 1984), in cells of 1 mm.
class WeightTable {
 public:
  WeightTable(std::span<const Spot>, std::span<const float> weights, const Box& area);
  double within(const Box&) const;

 private:
  double sum_to(double x, double y) const;

  Box area_;
  std::size_t columns_, rows_;
  std::vector<double> sums_;  ///< (rows + 1) x (columns + 1)
};

/// The middle of the points about the densest place of these spots (at least one), seen at a resolution of about a
/// fifteenth of the box. It lies among points of theirs, which a median of several clusters may not.
Place densest_place(std::span<const Spot>, const Box&);

}  // namespace espalier
