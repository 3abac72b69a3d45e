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
  Scale scale = Scale::automatic;  ///< of the colours; automatic: from 0 to where 99 % end, if others are far above
  bool relative = false;           ///< each norm is divided by the greatest of its layer before it is coloured
};

/// Where a linear scale of these norms, at least one, ends. The first layer of a network often has a few kernels many
/// times as large as all others, which would leave these one dark colour: where the greatest lies more than a quarter
/// above the norm that 99 % do not pass, that one; else the greatest.
double scale_end(std::vector<double> norms);

/// A panel for each layer, output channels down, input channels across, all in one scale of colours; above it name,
/// shape and share of zero kernels. UsageError where the width leaves no room.
std::vector<std::uint8_t> draw_kernels(std::span<const KernelNorms>, const KernelOptions&, const Control& = {});

}  // namespace espalier
