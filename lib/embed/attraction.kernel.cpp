#include "base/simd.h"
#include "embed/packed.h"

namespace espalier::ESPALIER_KERNEL {

namespace {

using Double = double __attribute__((vector_size(kLanes * 4)));
using Short = std::uint16_t __attribute__((vector_size(kLanes * 2)));
using UnalignedShort = std::uint16_t __attribute__((vector_size(kLanes * 2), aligned(2), may_alias));
using Point2 = double __attribute__((may_alias));  // both coordinates of a point, moved as one

#if defined(__AVX512F__)
#define ESPALIER_LANES(x) \
  x(0), x(1), x(2), x(3), x(4), x(5), x(6), x(7), x(8), x(9), x(10), x(11), x(12), x(13), x(14), x(15)
#define ESPALIER_HALF_LANES(x) x(0), x(1), x(2), x(3), x(4), x(5), x(6), x(7)
#elif defined(__AVX2__)
#define ESPALIER_LANES(x) x(0), x(1), x(2), x(3), x(4), x(5), x(6), x(7)
#define ESPALIER_HALF_LANES(x) x(0), x(1), x(2), x(3)
#else
#define ESPALIER_LANES(x) x(0), x(1), x(2), x(3)
#define ESPALIER_HALF_LANES(x) x(0), x(1)
#endif
#define ESPALIER_EVEN(i) 2 * i
#define ESPALIER_ODD(i) 2 * i + 1

/// Coordinates of the points at origin + offsets[0 .. kLanes - 1]. Plain loads beat gather instructions here.
template <int dims>
ESPALIER_INLINE void gather(const float* origin, const std::uint16_t* offsets, Float* u) {
  if constexpr (dims == 2) {
    const Point2* points = reinterpret_cast<const Point2*>(origin);
#define ESPALIER_LOW(i) points[offsets[i]]
#define ESPALIER_HIGH(i) points[offsets[kLanes / 2 + i]]
    const Double low = {ESPALIER_HALF_LANES(ESPALIER_LOW)}, high = {ESPALIER_HALF_LANES(ESPALIER_HIGH)};
#undef ESPALIER_LOW
#undef ESPALIER_HIGH
    u[0] = __builtin_shufflevector(Float(low), Float(high), ESPALIER_LANES(ESPALIER_EVEN));
    u[1] = __builtin_shufflevector(Float(low), Float(high), ESPALIER_LANES(ESPALIER_ODD));
  } else {
    for (int c = 0; c < dims; ++c) {
#define ESPALIER_COORDINATE(i) origin[offsets[i] * dims + c]
      u[c] = Float{ESPALIER_LANES(ESPALIER_COORDINATE)};
#undef ESPALIER_COORDINATE
    }
  }
}

ESPALIER_INLINE Float unpack(const std::uint16_t* weights, float unit) {
  const Short packed = *reinterpret_cast<const UnalignedShort*>(weights);
  const Int bits = __builtin_convertvector(packed, Int) << kWeightShift;
  return Float(bits) * unit;
}

/// Calls edge(difference, d2, p) for the edges of row i, kLanes at a time; difference[c] = u_i - u_j.
template <int dims, class Edge>
ESPALIER_INLINE void for_edges(const PackedRows& p, const float* layout, std::size_t i, Edge&& edge) {
  constexpr std::int64_t kAhead = 32;  // groups
  for (std::int64_t g = p.row_groups[i]; g < p.row_groups[i + 1]; ++g) {
    const std::uint16_t* offsets = p.offsets + g * kGroupEdges;
    const std::uint16_t* weights = p.weights + g * kGroupEdges;
    __builtin_prefetch(offsets + kAhead * kGroupEdges);
    __builtin_prefetch(weights + kAhead * kGroupEdges);
    const float* origin = layout + std::int64_t(p.bases[g]) * dims;
    for (int e = 0; e < int(kGroupEdges); e += kLanes) {
      Float u[dims], d2{};
      gather<dims>(origin, offsets + e, u);
      for (int c = 0; c < dims; ++c) {
        u[c] = splat(layout[i * dims + c]) - u[c];
        d2 += u[c] * u[c];
      }
      edge(u, d2, unpack(weights + e, p.unit));
    }
  }
}

template <int dims>
void force(const PackedRows& p, const float* layout, float a, std::size_t begin, std::size_t end, float* out) {
  for (std::size_t i = begin; i < end; ++i) {
    Float total[dims] = {};
    for_edges<dims>(
        p, layout, i, [&](const Float* difference, Float d2, Float weight) __attribute__((always_inline)) {
          const Float pull = weight / (1.0f + a * d2);
          for (int c = 0; c < dims; ++c) total[c] += pull * difference[c];
        });
    for (int c = 0; c < dims; ++c) out[(i - begin) * dims + c] = sum(total[c]);
  }
}

template <int dims>
double cost(const PackedRows& p, const float* layout, float a, float scale, std::size_t begin, std::size_t end) {
  double total = 0;
  for (std::size_t i = begin; i < end; ++i) {
    Float row{};
    if (a > 0)
      for_edges<dims>(
          p, layout, i, [&](const Float*, Float d2, Float weight) __attribute__((always_inline)) {
            row += weight * log1p(a * scale * scale * d2);
          });
    else
      for_edges<dims>(
          p, layout, i, [&](const Float*, Float d2, Float weight) __attribute__((always_inline)) {
            row += weight * (scale * scale * d2);
          });
    total += sum(row);
  }
  return a > 0 ? total / a : total;
}

}  // namespace

extern const AttractionKernels attraction_table;
const AttractionKernels attraction_table = {{force<1>, force<2>, force<3>}, {cost<1>, cost<2>, cost<3>}};

}  // namespace espalier::ESPALIER_KERNEL
