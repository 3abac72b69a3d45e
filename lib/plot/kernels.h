#pragma once
/// The kernels of a network as a picture: a field of norms for each layer.

#include <cstdint>
#include <span>
#include <vector>

#include "plot/axes.h"
#include "plot/norms.h"
#include "plot/picture.h"

namespace espalier {

struct KernelOptions : PictureOptions {
  double zero = 1e-3;              ///< kernels of a norm up to this count as zero
  Scale scale = Scale::automatic;  ///< of the colours; automatic: linear, from 0
  bool relative = false;           ///< each norm is divided by the greatest of its layer before it is coloured
};

/// A panel for each layer, output channels down, input channels across, all in one scale of colours; above it name,
/// shape and share of zero kernels. UsageError where the width leaves no room.
std::vector<std::uint8_t> draw_kernels(std::span<const KernelNorms>, const KernelOptions&, const Control& = {});

}  // namespace espalier
