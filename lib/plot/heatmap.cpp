#include "plot/heatmap.h"

#include <algorithm>
#include <cmath>

namespace espalier {

namespace {

constexpr double kFrameLine = 0.15;  // mm
// Many viewers of PDF and SVG smooth an image of few pixels, whatever it asks for: with this many in a cell, only a
// narrow seam blurs.
constexpr double kMostRepeats = 8;

}  // namespace

Pixels heat_pixels(const Matrix& values, const HeatScale& scale, std::size_t repeat) {
  Pixels out{values.cols() * repeat, values.rows() * repeat, {}};
  out.rgba.reserve(4 * out.width * out.height);
  for (std::size_t y = 0; y < out.height; ++y)
    for (std::size_t x = 0; x < out.width; ++x) {
      const Colour c = scale.colour(double(values(y / repeat, x / repeat)));
      out.rgba.insert(out.rgba.end(), {c.red, c.green, c.blue, 255});
    }
  return out;
}

double cell_side(std::size_t rows, std::size_t cols, double room, double pixel) {
  const double side = room / double(std::max(rows, cols)), whole = std::floor(side / pixel + 1e-9);
  return whole >= 1 ? whole * pixel : side;
}

Box draw_heat_map(Canvas& canvas, Place top_left, const Matrix& values, const HeatScale& scale, double cell,
                  double pixel) {
  const Box box{std::round(top_left.x / pixel) * pixel, std::round(top_left.y / pixel) * pixel,
                cell * double(values.cols()), cell * double(values.rows())};
  const bool whole = cell >= pixel * (1 - 1e-9);
  const double repeat = whole ? std::clamp(std::round(cell / pixel), 1.0, kMostRepeats) : 1;
  canvas.image(box, heat_pixels(values, scale, std::size_t(repeat)), whole);
  canvas.frame(box, kFrameColour, kFrameLine);
  return box;
}

}  // namespace espalier
