#include "embed/attraction.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/parallel.h"
#include "embed/kernel.h"

namespace espalier {

namespace {

constexpr std::size_t kRowsPerChunk = 512;

/// Calls group(first edge, past the last) for the groups of a row: 16 edges at most, within 65,536 columns.
template <class Group>
void for_groups(const Affinities& p, std::size_t row, Group&& group) {
  for (std::int64_t e = p.indptr[row]; e < p.indptr[row + 1];) {
    const std::int64_t limit = std::min<std::int64_t>(p.indptr[row + 1], e + kGroupEdges);
    std::int64_t end = e + 1;
    while (end < limit && p.indices[end] - p.indices[e] < 65536) ++end;
    group(e, end);
    e = end;
  }
}

/// The 16 bits that packed.h describes, of a weight already shrunk below 2^-96.
std::uint16_t pack_weight(float shrunk) {
  constexpr float kLeast = 0x1p-126f;
  if (shrunk < kLeast) return 0;
  std::uint32_t bits;
  std::memcpy(&bits, &shrunk, sizeof bits);
  return std::uint16_t((bits + (1u << (kWeightShift - 1))) >> kWeightShift);
}

}  // namespace

Attraction::Attraction(const Affinities& p, double a, int dims)
    : a_(a < kGaussianLimit ? 0 : float(a)), dims_(dims), row_groups_(p.rows + 1, 0) {
  parallel_ranges(p.rows, kRowsPerChunk, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i)
      for_groups(p, i, [&](std::int64_t, std::int64_t) { ++row_groups_[i + 1]; });
  });
  for (std::size_t i = 0; i < p.rows; ++i) row_groups_[i + 1] += row_groups_[i];
  const std::size_t groups = std::size_t(row_groups_[p.rows]);
  bases_ = Buffer<std::int32_t>(groups);
  offsets_ = Buffer<std::uint16_t>(groups * kGroupEdges, 0);
  weights_ = Buffer<std::uint16_t>(groups * kGroupEdges, 0);

  int exponent = 0;  // the largest weight is below 2^exponent; it is packed below 2^-96, leaving room to round up
  std::frexp(p.edges() ? *std::max_element(p.values.begin(), p.values.end()) : 1.0f, &exponent);
  unit_ = float(std::ldexp(1.0, 96 + exponent));
  const double shrink = std::ldexp(1.0, -96 - exponent);
  parallel_ranges(p.rows, kRowsPerChunk, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) pack_row(p, i, shrink);
  });
}

void Attraction::pack_row(const Affinities& p, std::size_t row, double shrink) {
  std::int64_t g = row_groups_[row];
  for_groups(p, row, [&](std::int64_t first, std::int64_t end) {
    bases_[g] = p.indices[first];
    for (std::int64_t e = first; e < end; ++e) {
      offsets_[g * kGroupEdges + (e - first)] = std::uint16_t(p.indices[e] - p.indices[first]);
      weights_[g * kGroupEdges + (e - first)] = pack_weight(float(p.values[e] * shrink));
    }
    ++g;
  });
}

void Attraction::force(const float* layout, std::size_t begin, std::size_t end, float* force) const {
  attraction_kernels().force[dims_ - 1](view(), layout, a_, begin, end, force);
}

double Attraction::cost(const float* layout, double scale, std::size_t every) const {
  constexpr std::size_t kStretch = 64;
  const std::size_t stretches = (rows() + kStretch - 1) / kStretch, taken = (stretches + every - 1) / every;
  const double sum = parallel_sum(taken, [&](std::size_t chunk, int) {
    const std::size_t begin = chunk * every * kStretch;
    return attraction_kernels().cost[dims_ - 1](view(), layout, a_, float(scale), begin,
                                                std::min(rows(), begin + kStretch));
  });
  return sum * double(stretches) / double(taken);
}

}  // namespace espalier
