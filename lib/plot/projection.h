#pragma once
/// From coordinates in one, two or three dimensions to places on a panel.

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "plot/canvas.h"
#include "tensor/matrix.h"

namespace espalier {

/// Where a three-dimensional map is seen from, without perspective. Angles in degrees.
struct View {
  double azimuth = -60;   ///< turn about the third axis
  double elevation = 25;  ///< above the plane of the first two
};

/// `near` runs from 0 (farthest) to 1 (nearest); it is 1 in maps of one or two dimensions.
struct Spot {
  float x = 0, y = 0, near = 1;
};

struct Flat {
  std::vector<Spot> spots;                     ///< mm on the page
  std::vector<std::pair<Place, Place>> edges;  ///< of the bounding box of a three-dimensional map
};

/// Height over width of what lay_out draws of a map of two or three dimensions; 1 where all points coincide, infinity
/// where they lie on an upright line. Throws as lay_out does. Cost: O(N).
double height_to_width(const Matrix& coordinates, const View&);

/// Lays N x m coordinates, m = 1, 2 or 3 (the first three of more), into a box, centred.
///
/// m = 2: one scale for both axes. m = 3: turned, then likewise. m = 1: the coordinate runs from left to right; each
/// lane (0 .. lanes - 1 from the top, one per sample) is spread in height in proportion to the density at the
/// coordinate, so a lane is a histogram of dots (a sina plot: Sidiropoulos et al. 2018).
/// Throws DataError for no rows, no columns, NaN or infinity. Cost: O(N).
Flat lay_out(const Matrix& coordinates, const Box&, const View&, std::span<const std::int32_t> lanes, int lane_count);

}  // namespace espalier
