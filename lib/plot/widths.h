#pragma once
/// The channels of networks side by side, layer for layer: what pruning took and planting added.

#include <cstdint>
#include <span>
#include <vector>

#include "plot/norms.h"
#include "plot/picture.h"

namespace espalier {

/// A layer of the comparison: its channels in each network, 0 where one has no layer of this name.
struct LayerWidths {
  std::string layer;
  std::vector<std::size_t> channels;
};

/// The first network's layers in order, then those that only later ones have.
std::vector<LayerWidths> compare_widths(std::span<const NetworkWidths>);

/// A bar for each network and layer, in one scale; below, parameters and multiplications of each network, and their
/// shares of the first's. UsageError where the width leaves no room.
std::vector<std::uint8_t> draw_widths(std::span<const NetworkWidths>, const PictureOptions&, const Control& = {});

}  // namespace espalier
