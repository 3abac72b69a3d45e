#include "quality/global.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/parallel.h"
#include "base/random.h"

namespace espalier {

namespace {

constexpr std::size_t kPerChunk = 4096;
constexpr std::uint64_t kPairStream = 0x70616972, kTripletStream = 0x74726970;

double mean_of(std::span<const double> x) { return std::accumulate(x.begin(), x.end(), 0.0) / double(x.size()); }

}  // namespace

double pearson(std::span<const double> x, std::span<const double> y) {
  const double mean_x = mean_of(x), mean_y = mean_of(y);
  double xx = 0, yy = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    yy += (y[i] - mean_y) * (y[i] - mean_y);
    xy += (x[i] - mean_x) * (y[i] - mean_y);
  }
  if (!(xx > 0) || !(yy > 0)) return std::numeric_limits<double>::quiet_NaN();
  return xy / (std::sqrt(xx) * std::sqrt(yy));
}

std::vector<double> mean_ranks(std::span<const double> values) {
  std::vector<std::uint32_t> order(values.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](std::uint32_t i, std::uint32_t j) { return values[i] < values[j]; });
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0, end; first < order.size(); first = end) {
    for (end = first + 1; end < order.size() && values[order[end]] == values[order[first]]; ++end) {
    }
    const double rank = double(first + 1 + end) / 2;  // mean of first + 1 ... end
    for (std::size_t r = first; r < end; ++r) ranks[order[r]] = rank;
  }
  return ranks;
}

std::vector<std::pair<std::int32_t, std::int32_t>> sample_pairs(std::size_t rows, std::size_t count,
                                                                std::uint64_t seed) {
  std::vector<std::pair<std::int32_t, std::int32_t>> pairs;
  if (rows * (rows - 1) / 2 <= count) {
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = i + 1; j < rows; ++j) pairs.emplace_back(std::int32_t(i), std::int32_t(j));
    return pairs;
  }
  const Random random(seed, kPairStream);
  for (std::size_t p = 0; p < count; ++p) {
    const std::uint64_t i = random.below(2 * p, rows);
    std::uint64_t j = random.below(2 * p + 1, rows - 1);
    j += j >= i;
    pairs.emplace_back(std::int32_t(std::min(i, j)), std::int32_t(std::max(i, j)));
  }
  return pairs;
}

std::vector<Triplet> sample_triplets(std::size_t rows, std::size_t count, std::uint64_t seed) {
  const Random random(seed, kTripletStream);
  std::vector<Triplet> triplets;
  for (std::size_t t = 0; t < count; ++t) {
    const std::uint64_t i = random.below(3 * t, rows);
    std::uint64_t j = random.below(3 * t + 1, rows - 1);
    j += j >= i;
    std::uint64_t k = random.below(3 * t + 2, rows - 2);
    k += k >= std::min(i, j);
    k += k >= std::max(i, j);
    triplets.push_back({std::int32_t(i), std::int32_t(j), std::int32_t(k)});
  }
  return triplets;
}

std::vector<double> pair_distances(const Distances& distances,
                                   std::span<const std::pair<std::int32_t, std::int32_t>> pairs) {
  std::vector<double> out(pairs.size());
  parallel_ranges(pairs.size(), kPerChunk, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t p = begin; p < end; ++p)
      out[p] = distances.in_unit(distances.pair(std::size_t(pairs[p].first), std::size_t(pairs[p].second)));
  });
  return out;
}

std::vector<std::int8_t> triplet_signs(const Distances& distances, std::span<const Triplet> triplets) {
  std::vector<std::int8_t> signs(triplets.size());
  parallel_ranges(triplets.size(), kPerChunk, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t t = begin; t < end; ++t) {
      const double first = distances.pair(std::size_t(triplets[t].anchor), std::size_t(triplets[t].first));
      const double second = distances.pair(std::size_t(triplets[t].anchor), std::size_t(triplets[t].second));
      signs[t] = std::int8_t((second > first) - (second < first));
    }
  });
  return signs;
}

double silhouette(const Distances& distances, std::span<const double> squared, std::size_t self,
                  std::span<const std::int32_t> classes, std::span<const std::int64_t> members,
                  std::vector<double>& sums) {
  const std::int32_t own = classes[self];
  if (own < 0) return std::numeric_limits<double>::quiet_NaN();
  if (members[std::size_t(own)] < 2) return 0;
  sums.assign(members.size(), 0);
  for (std::size_t j = 0; j < squared.size(); ++j)
    if (classes[j] >= 0 && j != self) sums[std::size_t(classes[j])] += distances.in_unit(squared[j]);
  const double a = sums[std::size_t(own)] / double(members[std::size_t(own)] - 1);
  double b = std::numeric_limits<double>::infinity();
  for (std::size_t c = 0; c < members.size(); ++c)
    if (std::int32_t(c) != own) b = std::min(b, sums[c] / double(members[c]));
  return std::max(a, b) > 0 ? (b - a) / std::max(a, b) : 0;
}

}  // namespace espalier
