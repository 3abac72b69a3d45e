#include "quality/ranking.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/random.h"

namespace espalier {

namespace {

/// Bits of a non-negative float: as integers they stand in the order of the numbers.
std::uint32_t ordered_bits(double distance) {
  const float rounded = float(distance);
  std::uint32_t bits;
  std::memcpy(&bits, &rounded, sizeof bits);
  return bits;
}

}  // namespace

/// Radix sort by the distance in single precision, least digit first; it keeps equal keys in order of index. Runs of
/// equal keys are then put in order of the distance in double precision.
void RowSorter::sort(std::span<const double> distances, std::size_t self, std::span<std::int32_t> order) {
  constexpr int kDigit = 11, kDigits = 3;
  constexpr std::uint32_t kBins = 1u << kDigit;
  const std::size_t n = distances.size() - 1;
  entries_.resize(n);
  other_.resize(n);
  std::array<std::array<std::uint32_t, kBins>, kDigits> starts{};
  for (std::size_t j = 0, at = 0; j <= n; ++j) {
    if (j == self) continue;
    const std::uint32_t key = ordered_bits(distances[j]);
    for (int digit = 0; digit < kDigits; ++digit) ++starts[digit][(key >> (digit * kDigit)) % kBins];
    entries_[at++] = {key, std::int32_t(j)};
  }
  for (int digit = 0; digit < kDigits; ++digit) {
    std::uint32_t start = 0;
    for (std::uint32_t& bin : starts[digit]) start += std::exchange(bin, start);
    for (const Entry& entry : entries_) other_[starts[digit][(entry.key >> (digit * kDigit)) % kBins]++] = entry;
    entries_.swap(other_);
  }
  for (std::size_t r = 0; r < n; ++r) order[r] = entries_[r].index;
  for (std::size_t first = 0, end; first < n; first = end) {
    for (end = first + 1; end < n && entries_[end].key == entries_[first].key; ++end) {
    }
    if (end - first == 1) continue;
    std::sort(order.begin() + std::ptrdiff_t(first), order.begin() + std::ptrdiff_t(end),
              [&](std::int32_t i, std::int32_t j) {
                const double x = distances[std::size_t(i)], y = distances[std::size_t(j)];
                return x != y ? x < y : i < j;
              });
  }
}

void invert_order(std::span<const std::int32_t> order, std::span<std::int32_t> rank) {
  for (std::size_t r = 0; r < order.size(); ++r) rank[std::size_t(order[r])] = std::int32_t(r + 1);
}

std::vector<std::int32_t> sample_rows(std::size_t rows, std::size_t count, std::uint64_t seed) {
  constexpr std::uint64_t kAnchorStream = 0x616e63686f72;
  const Random random(seed, kAnchorStream);
  std::vector<std::int32_t> picked;
  std::size_t wanted = std::min(count, rows);
  picked.reserve(wanted);
  for (std::size_t i = 0; i < rows && wanted > 0; ++i)
    if (random.below(i, rows - i) < wanted) {
      picked.push_back(std::int32_t(i));
      --wanted;
    }
  return picked;
}

std::size_t rows_per_block(std::size_t samples) {
  return std::clamp<std::size_t>((std::size_t(1) << 22) / samples, 1, 64);
}

}  // namespace espalier
