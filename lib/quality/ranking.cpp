#include "quality/ranking.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "base/parallel.h"
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

namespace {

/// The k nearest candidates of one row of distances, on a heap with the farthest on top. Candidates come by ascending
/// index, so one as far as the top never displaces it, and equal distances stay in order of index.
class NearestHeap {
 public:
  void select(std::span<const double> distances, const NearestQuery& query, std::size_t self, std::int32_t* out) {
    heap_.clear();
    double bound = 0;
    for (std::size_t j = 0; j < distances.size(); ++j) {
      if (heap_.size() == query.k && !(distances[j] < bound)) continue;
      if (j == self && !query.self_counts) continue;
      if (!query.candidates.empty() && !query.candidates[j]) continue;
      if (heap_.size() == query.k) {
        std::pop_heap(heap_.begin(), heap_.end());
        heap_.pop_back();
      }
      heap_.emplace_back(distances[j], std::int32_t(j));
      std::push_heap(heap_.begin(), heap_.end());
      bound = heap_.front().first;
    }
    std::sort_heap(heap_.begin(), heap_.end());
    for (std::size_t r = 0; r < heap_.size(); ++r) out[r] = heap_[r].second;
  }

 private:
  std::vector<std::pair<double, std::int32_t>> heap_;
};

}  // namespace

std::size_t rows_per_block(std::size_t samples) {
  return std::clamp<std::size_t>((std::size_t(1) << 22) / samples, 1, 64);
}

NearestLists find_nearest(const Distances& distances, const NearestQuery& query, const Control& control) {
  const std::size_t n = distances.rows(), block = rows_per_block(n), k = query.k;
  NearestLists lists{k, Buffer<std::int32_t>(query.queries.size() * k)};
  std::vector<Buffer<double>> rows(static_cast<std::size_t>(threads()));
  std::vector<NearestHeap> heaps(rows.size());
  std::atomic<std::size_t> done{0};
  parallel_ranges(query.queries.size(), block, [&](std::size_t begin, std::size_t end, int worker) {
    throw_if_stopped(control);
    Buffer<double>& d = rows[std::size_t(worker)];
    if (d.empty()) d = Buffer<double>(block * n);
    const std::span which(query.queries.data() + begin, end - begin);
    distances.from(which, d.data());
    for (std::size_t a = 0; a < which.size(); ++a)
      heaps[std::size_t(worker)].select({d.data() + a * n, n}, query, std::size_t(which[a]),
                                        lists.indices.data() + (begin + a) * k);
    done += which.size();
    if (worker == 0) control.report("neighbours", double(done), double(query.queries.size()));
  });
  return lists;
}

}  // namespace espalier
