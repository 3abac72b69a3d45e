#include "embed/interpolation.h"

#include "base/simd.h"

namespace espalier::ESPALIER_KERNEL {

using Four = float __attribute__((vector_size(16), aligned(4), may_alias));
using Eight = float __attribute__((vector_size(32), aligned(4), may_alias));

/// Nodes of one axis side by side: the weights of quintic splines are padded to eight with zeros.
template <int points>
struct NodesOf;
template <>
struct NodesOf<4> {
  using Type = Four;
};
template <>
struct NodesOf<6> {
  using Type = Eight;
};
template <int points>
using Nodes = typename NodesOf<points>::Type;

/// Polynomials in f, one a node; `powers` of them by Horner's rule.
template <int powers, class V>
ESPALIER_INLINE V polynomials(const V* coefficients, float f) {
  V sum = coefficients[powers - 1];
#pragma GCC unroll 8
  for (int power = powers - 2; power >= 0; --power) sum = sum * f + coefficients[power];
  return sum;
}

template <int points>
struct Coefficients {
  Nodes<points> weights[points], slopes[points - 1];
  explicit Coefficients(const SplineGrid& grid) {
    for (int power = 0; power < points; ++power)
      weights[power] = *reinterpret_cast<const Nodes<points>*>(grid.weights[power]);
    for (int power = 0; power < points - 1; ++power)
      slopes[power] = *reinterpret_cast<const Nodes<points>*>(grid.slopes[power]);
  }
};

template <int dims, int points>
static void spread(const SplineGrid& grid, const float* sites, std::size_t count) {
  using V = Nodes<points>;
  const Coefficients<points> spline(grid);
  for (std::size_t i = 0; i < count; ++i, sites += dims) {
    V weights[dims];
    std::size_t node[dims] = {};
    for (int c = 0; c < dims; ++c) {
      const int base = int(sites[c]);
      node[c] = std::size_t(base);
      weights[c] = polynomials<points>(spline.weights, sites[c] - float(base));
    }
    float* corner = grid.values + node[dims - 1];
    if constexpr (dims > 1) corner += node[0] * grid.stride_x;
    if constexpr (dims > 2) corner += node[1] * grid.stride_y;
    if constexpr (dims == 1) {
      *reinterpret_cast<V*>(corner) += weights[0];
    } else if constexpr (dims == 2) {
#pragma GCC unroll 8
      for (int x = 0; x < points; ++x) *reinterpret_cast<V*>(corner + x * grid.stride_x) += weights[0][x] * weights[1];
    } else {
      for (int x = 0; x < points; ++x)
#pragma GCC unroll 8
        for (int y = 0; y < points; ++y)
          *reinterpret_cast<V*>(corner + x * grid.stride_x + y * grid.stride_y) +=
              (weights[0][x] * weights[1][y]) * weights[2];
    }
  }
}

/// Four sums at once: element k of the result adds up the elements of s[k].
ESPALIER_INLINE Four sums_of_four(const Four (&s)[4]) {
  const Four a = __builtin_shufflevector(s[0], s[1], 0, 4, 1, 5) + __builtin_shufflevector(s[0], s[1], 2, 6, 3, 7);
  const Four b = __builtin_shufflevector(s[2], s[3], 0, 4, 1, 5) + __builtin_shufflevector(s[2], s[3], 2, 6, 3, 7);
  return __builtin_shufflevector(a, b, 0, 1, 4, 5) + __builtin_shufflevector(a, b, 2, 3, 6, 7);
}

ESPALIER_INLINE Four fold(Four x) { return x; }
ESPALIER_INLINE Four fold(Eight x) {
  return __builtin_shufflevector(x, x, 0, 1, 2, 3) + __builtin_shufflevector(x, x, 4, 5, 6, 7);
}

/// The self table at offset f, linear on each axis.
template <int dims>
ESPALIER_INLINE Four own_share(const SelfTable& table, const float* f) {
  const float cells = float(table.places - 1);
  const float* entry = table.entries;
  std::size_t step[dims];
  float part[dims];
  std::size_t size = 4;
  for (int c = dims - 1; c >= 0; --c) {
    const int place = int(f[c] * cells);
    part[c] = f[c] * cells - float(place);
    step[c] = size;
    entry += std::size_t(place) * size;
    size *= std::size_t(table.places);
  }
  const auto at = [entry](std::size_t offset) { return *reinterpret_cast<const Four*>(entry + offset); };
  const auto along_last = [&](std::size_t offset) {
    const Four low = at(offset);
    return low + (at(offset + step[dims - 1]) - low) * part[dims - 1];
  };
  if constexpr (dims == 1) {
    return along_last(0);
  } else {
    const auto along_middle = [&](std::size_t offset) {
      const Four low = along_last(offset);
      return low + (along_last(offset + step[dims - 2]) - low) * part[dims - 2];
    };
    if constexpr (dims == 2) {
      return along_middle(0);
    } else {
      const Four low = along_middle(0);
      return low + (along_middle(step[0]) - low) * part[0];
    }
  }
}

template <int dims, int points>
static double read(const SplineGrid& grid, const SelfTable& self, const float* sites, const std::int32_t* order,
                   std::size_t count, float scale, float* gradient) {
  using V = Nodes<points>;
  const Coefficients<points> spline(grid);
  double total = 0;
  for (std::size_t i = 0; i < count; ++i, sites += dims) {
    V weights[dims], slopes[dims];
    float f[dims];
    std::size_t node[dims] = {};
    for (int c = 0; c < dims; ++c) {
      const int base = int(sites[c]);
      node[c] = std::size_t(base);
      f[c] = sites[c] - float(base);
      weights[c] = polynomials<points>(spline.weights, f[c]);
      slopes[c] = polynomials<points - 1>(spline.slopes, f[c]);
    }
    const float* corner = grid.values + node[dims - 1];
    if constexpr (dims > 1) corner += node[0] * grid.stride_x;
    if constexpr (dims > 2) corner += node[1] * grid.stride_y;
    Four parts[4] = {};  // value and derivatives, still to be summed along the last axis
    if constexpr (dims == 1) {
      const V line = *reinterpret_cast<const V*>(corner);
      parts[0] = fold(line * weights[0]);
      parts[1] = fold(line * slopes[0]);
    } else if constexpr (dims == 2) {
      V line = {}, line_x = {};
#pragma GCC unroll 8
      for (int x = 0; x < points; ++x) {
        const V nodes = *reinterpret_cast<const V*>(corner + x * grid.stride_x);
        line += weights[0][x] * nodes;
        line_x += slopes[0][x] * nodes;
      }
      parts[0] = fold(line * weights[1]);
      parts[1] = fold(line_x * weights[1]);
      parts[2] = fold(line * slopes[1]);
    } else {
      V line = {}, line_x = {}, line_y = {};
      for (int x = 0; x < points; ++x) {
        V plane = {}, plane_y = {};
#pragma GCC unroll 8
        for (int y = 0; y < points; ++y) {
          const V nodes = *reinterpret_cast<const V*>(corner + x * grid.stride_x + y * grid.stride_y);
          plane += weights[1][y] * nodes;
          plane_y += slopes[1][y] * nodes;
        }
        line += weights[0][x] * plane;
        line_x += slopes[0][x] * plane;
        line_y += weights[0][x] * plane_y;
      }
      parts[0] = fold(line * weights[2]);
      parts[1] = fold(line_x * weights[2]);
      parts[2] = fold(line_y * weights[2]);
      parts[3] = fold(line * slopes[2]);
    }
    const Four result = sums_of_four(parts) - own_share<dims>(self, f);
    total += result[0];
    float* out = gradient + std::size_t(order[i]) * dims;
    for (int c = 0; c < dims; ++c) out[c] = result[c + 1] * scale;
  }
  return total;
}

static void spread_any(const SplineGrid& grid, const float* sites, std::size_t count) {
  const bool cubic = grid.points == 4;
  switch (grid.dims) {
    case 1:
      return (cubic ? spread<1, 4> : spread<1, 6>)(grid, sites, count);
    case 2:
      return (cubic ? spread<2, 4> : spread<2, 6>)(grid, sites, count);
    default:
      return (cubic ? spread<3, 4> : spread<3, 6>)(grid, sites, count);
  }
}

static double read_any(const SplineGrid& grid, const SelfTable& self, const float* sites, const std::int32_t* order,
                       std::size_t count, float scale, float* gradient) {
  const bool cubic = grid.points == 4;
  const auto function = grid.dims == 1   ? (cubic ? read<1, 4> : read<1, 6>)
                        : grid.dims == 2 ? (cubic ? read<2, 4> : read<2, 6>)
                                         : (cubic ? read<3, 4> : read<3, 6>);
  return function(grid, self, sites, order, count, scale, gradient);
}

extern const InterpolationKernels interpolation_kernel_table;
const InterpolationKernels interpolation_kernel_table = {spread_any, read_any};

}  // namespace espalier::ESPALIER_KERNEL
