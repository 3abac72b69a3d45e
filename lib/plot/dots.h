#pragma once
/// The points of a map: how large and how opaque, in which order, and turned into pixels where they are many.

#include <cstdint>
#include <span>
#include <vector>

#include "plot/canvas.h"
#include "plot/projection.h"

namespace espalier {

struct Dot {
  float x = 0, y = 0;  ///< mm
  float radius = 0;    ///< mm
  Colour colour;
  std::uint8_t opacity = 255;
};

struct DotStyle {
  double radius = 0.5;  ///< mm
  double opacity = 1;   ///< 0 to 1
};

/// Size and opacity at which the points cover about two fifths of the part of the box that they occupy, and where they
/// must overlap, let the ones below shine through. Counted on a grid, O(N).
DotStyle dot_style(std::span<const Spot>, const Box&);

/// 0 .. n - 1 in an order that is random but the same every time, so that no class lies on top of another.
std::vector<std::uint32_t> shuffled(std::size_t n);

/// The pixels of a page at `per_mm` that a box touches. `placed` is where they lie, on the page's own grid of pixels.
struct Raster {
  Pixels pixels;
  Box placed;
};

/// Draws the dots one over the other into pixels, each cut at the box; edges are smoothed by the share of the pixel
/// covered. Cost: the dots' total area in pixels.
Raster rasterise(std::span<const Dot>, const Box&, double per_mm);

}  // namespace espalier
