#pragma once
/// Samples as approximate search sees them: by place, with fast distances in single precision.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/control.h"
#include "neighbors/order.h"
#include "neighbors/rows.h"

namespace espalier {

class Space {
 public:
  virtual ~Space() = default;

  /// order()[place] = sample; neighbours stand near each other.
  const std::vector<std::int32_t>& order() const { return order_; }

  /// out[i] = squared distance of places[i] from `place`, in a unit of the space's own.
  virtual void measure(std::size_t place, std::span<const std::int32_t> places, float* out) const = 0;

  /// All squared distances among some places, row by row, into places x places.
  virtual void measure_all(std::span<const std::int32_t> places, float* out) const = 0;

  /// A random-projection tree of all places.
  virtual Leaves grow_tree(std::size_t most, const Random& random) const = 0;

 protected:
  std::vector<std::int32_t> order_;
};

/// Dense rows are copied, rotated and in kd order; sparse rows stay where they are (`rows` must outlive the space).
std::unique_ptr<Space> make_space(const PreparedRows& rows, std::uint64_t seed, const Control&);

/// The order of a sparse space alone: a random-projection tree with leaves of 32.
std::vector<std::int32_t> sparse_order(const PreparedRows& rows, std::uint64_t seed);

}  // namespace espalier
