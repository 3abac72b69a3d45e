#pragma once
/// A matrix as a field of coloured cells.

#include "plot/axes.h"
#include "plot/canvas.h"
#include "tensor/matrix.h"

namespace espalier {

/// The colour of cells that count as zero: no colour of the scale is near it.
inline constexpr Colour kZeroColour{226, 226, 226};

/// Colours of numbers: the scale along an axis, and one apart for all up to `zero`.
struct HeatScale {
  Axis axis;
  double zero = 0;
  Colour colour(double value) const { return value <= zero ? kZeroColour : scale_colour(axis.share(value)); }
};

/// repeat x repeat pixels a cell.
Pixels heat_pixels(const Matrix&, const HeatScale&, std::size_t repeat = 1);

/// The side of square cells, in mm, with which rows x cols of them fit into a square of this side: a whole number of
/// pixels of this size, unless the cells are smaller than one.
double cell_side(std::size_t rows, std::size_t cols, double room, double pixel);

/// Draws the matrix with its upper left corner at the pixel nearest to the place, and frames it. Returns its box. Cells
/// smaller than a pixel are averaged.
Box draw_heat_map(Canvas&, Place top_left, const Matrix&, const HeatScale&, double cell, double pixel);

}  // namespace espalier
