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

/// Radius in mm at which the points cover about two fifths of the part of the box that they occupy, within bounds of
/// what can be seen. Counted on a grid, O(N).
double dot_radius(std::span<const Spot>, const Box&);

/// Opacity 0 to 1 of each point, by how many dots of this radius lie over one another at its place. Where they are
/// many each becomes fainter, so that together they reach a depth of colour (the opacity of all of them) that grows
/// with the logarithm of their number, to 0.92 in the densest places; the sparsest have the same where dots hardly
/// overlap anywhere, and down to `faintest` where the densest places hold many. Densities are counted on a smoothed
/// grid, O(N) plus the box's area.
std::vector<float> dot_opacities(std::span<const Spot>, const Box&, double radius, double faintest);

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
