#pragma once
/// Class names written on the map.

#include <span>

#include "plot/canvas.h"
#include "plot/colouring.h"
#include "plot/projection.h"

namespace espalier {

/// Writes the name of each class at the median of its samples (of x and of y), inside the box; names that would
/// overlap are pushed apart, up and down.
void annotate(Canvas&, std::span<const Spot>, const Colouring&, const Box&, double points);

/// Moves boxes up and down until none overlaps another, if that can be had in a thousand rounds, and keeps them inside.
void push_apart(std::vector<Box>&, const Box& inside);

}  // namespace espalier
