#pragma once
/// Affinities packed to 4.25 bytes an edge, and the hot loops over them: attraction, and the cost that goes with it.
///
/// Edges of a row are cut into groups of 16. A group has one 32-bit base column; an edge has a 16-bit offset from it
/// and a 16-bit weight: 5 bits of exponent, 11 of fraction, no sign. That is a float's bits 12 to 27, so unpacking
/// takes a shift and a product. Weights below 2^-30 of the largest become 0; others are rounded to 1 in 4096. Unused
/// places have offset 0 and weight 0.

#include <cstddef>
#include <cstdint>

#include "base/isa.h"

namespace espalier {

inline constexpr std::size_t kGroupEdges = 16;
inline constexpr int kWeightShift = 12;

/// Row i has groups row_groups[i] to row_groups[i + 1]; p = unit * float with bits (weight << kWeightShift).
struct PackedRows {
  const std::int64_t* row_groups;
  const std::int32_t* bases;
  const std::uint16_t* offsets;
  const std::uint16_t* weights;
  float unit;
};

/// One entry per dimension of the layout, 1 to 3. Layouts are n x dims.
struct AttractionKernels {
  /// force[i - begin] = sum_j p_ij (u_i - u_j) / (1 + a d_ij^2) for rows begin <= i < end.
  using Force = void (*)(const PackedRows&, const float* layout, float a, std::size_t begin, std::size_t end,
                         float* force);
  /// sum over those rows of p_ij * -log w(scale^2 d_ij^2).
  using Cost = double (*)(const PackedRows&, const float* layout, float a, float scale, std::size_t begin,
                          std::size_t end);
  Force force[3];
  Cost cost[3];
};

ESPALIER_KERNELS(AttractionKernels, attraction_table, attraction_kernels)

}  // namespace espalier
