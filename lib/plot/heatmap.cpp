#include "plot/heatmap.h"

#include <algorithm>
#include <cmath>

namespace espalier {

namespace {

constexpr double kFrameLine = 0.15;  // mm

}  // namespace

Pixels heat_pixels(const Matrix& values, const HeatScale& scale) {
  Pixels out{values.cols(), values.rows(), {}};
  out.rgba.reserve(4 * values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Colour c = scale.colour(double(values.data()[i]));
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
  canvas.image(box, heat_pixels(values, scale), cell >= pixel * (1 - 1e-9));
  canvas.frame(box, kFrameColour, kFrameLine);
  return box;
}

}  // namespace espalier
