#pragma once
/// Attraction between samples that belong together, for any q without a power:
///
///     F_i = sum_j p_ij (u_i - u_j) / (1 + a d_ij^2)
///
/// and the part of the cost that depends on P and the layout, so that KL(P||R) = sum p log p + sum p * -log w + log Z.

#include <cstdint>

#include "embed/affinities.h"
#include "embed/packed.h"

namespace espalier {

class Attraction {
 public:
  /// `dims` is 1, 2 or 3; a as in embed/kernel.h. The affinities are copied, in packed form.
  Attraction(const Affinities&, double a, int dims);

  std::size_t rows() const { return row_groups_.size() - 1; }

  /// F of rows [begin, end) into force, (end - begin) x dims. `layout` is rows x dims. May be called from parallel
  /// loops.
  void force(const float* layout, std::size_t begin, std::size_t end, float* force) const;

  /// sum p_ij * -log w_ij of the layout enlarged `scale` times; estimated from one in `every` stretches of rows.
  double cost(const float* layout, double scale = 1, std::size_t every = 1) const;

 private:
  PackedRows view() const { return {row_groups_.data(), bases_.data(), offsets_.data(), weights_.data(), unit_}; }
  void pack_row(const Affinities&, std::size_t row, double shrink);

  float a_;
  int dims_;
  float unit_ = 1;
  Buffer<std::int64_t> row_groups_;
  Buffer<std::int32_t> bases_;
  Buffer<std::uint16_t> offsets_, weights_;
};

}  // namespace espalier
