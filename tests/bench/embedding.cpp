// embedding: what the hot kernels of qsne reach
//
// usage: embedding    (70,000 samples, two dimensions, on one thread)
//
// Standard output, tab-separated: kernel, milliseconds (median), GFLOP/s and their share of the peak of multiplications
// with additions in registers, GB/s and their share of what a plain sum over memory reads. Operations are counted as
// written in the kernels, a division as one; bytes are those of arrays that are read from front to back, since points
// and grid stay in the cache.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numeric>
#include <vector>

#include "base/parallel.h"
#include "base/random.h"
#include "clock.h"
#include "embed/attraction.h"
#include "embed/bspline.h"
#include "embed/fft_plan.h"
#include "embed/interpolation.h"
#include "embed/pairs.h"
#include "neighbors/panel.h"
#include "nn/profile.h"

using namespace espalier;

namespace {

constexpr std::size_t kSamples = 70'000, kNodes = 700, kNeighbors = 128;

struct Machine {
  double operations, bytes;  ///< a second
};

void print(const Machine& machine, const char* kernel, double seconds, double operations, double bytes) {
  std::printf("%s\t%.3f\t%.1f\t%.2f\t", kernel, 1e3 * seconds, operations / seconds / 1e9,
              operations / seconds / machine.operations);
  if (bytes > 0)
    std::printf("%.1f\t%.2f\n", bytes / seconds / 1e9, bytes / seconds / machine.bytes);
  else
    std::printf("-\t-\n");
}

/// Bytes a second of a sum over more memory than any cache holds.
double measure_bandwidth() {
  const Buffer<float> x(std::size_t(64) << 20, 1.0f);
  volatile float sink = 0;
  const double seconds = median_seconds([&] {
    constexpr std::size_t kSums = 128;
    float sums[kSums] = {};
    for (std::size_t i = 0; i < x.size(); i += kSums)
      for (std::size_t s = 0; s < kSums; ++s) sums[s] += x[i + s];
    sink = std::accumulate(sums, sums + kSums, 0.0f);
  });
  return double(x.size() * sizeof(float)) / seconds;
}

std::vector<float> uniform(std::size_t count, float most) {
  const Random random(1, 0);
  std::vector<float> x(count);
  for (std::size_t i = 0; i < count; ++i) x[i] = most * float(random.uniform(i));
  return x;
}

/// Scores of a panel with 64 others over `d` dimensions, all of them, and with thresholds that none can reach.
void measure_panels(const Machine& machine, std::size_t d) {
  constexpr std::size_t kPanels = 64, kSize = kPanel;
  const std::vector<float> values = uniform(kPanels * d * kSize, 1), zeros(kSize);
  const std::vector<float> far(kSize, std::numeric_limits<float>::max());
  std::vector<float> out(kSize * kSize);
  const double products = 2.0 * double(kPanels * kSize * kSize);
  const double all = median_seconds([&] {
    for (std::size_t p = 0; p < kPanels; ++p)
      panel_kernels().all_scores(values.data(), &values[p * d * kSize], zeros.data(), zeros.data(), d, out.data(),
                                 kSize);
  });
  print(machine, d == 50 ? "all scores, 50 columns" : "all scores, 784 columns", all, products * double(d), 0);
  const std::int32_t ends[] = {16, std::int32_t(d)};
  std::vector<PanelHit> hits(kSize * kSize);
  const double first = median_seconds([&] {
    for (std::size_t p = 0; p < kPanels; ++p)
      panel_kernels().passing_scores({values.data(), &values[p * d * kSize], zeros.data(), zeros.data(), zeros.data(),
                                      zeros.data(), kSize, far.data(), far.data(), ends, 2},
                                     hits.data());
  });
  if (d == 50) print(machine, "passing scores, first 16 columns", first, products * 16, 0);
}

/// Every row has neighbours within 2,000 places of it, as rows in the order of a tree have.
void measure_attraction(const Machine& machine) {
  const Random random(2, 0);
  Affinities p;
  p.rows = kSamples;
  p.indptr = Buffer<std::int64_t>(kSamples + 1);
  p.indices = Buffer<std::int32_t>(kSamples * kNeighbors);
  p.values = Buffer<float>(p.indices.size(), 1 / float(p.indices.size()));
  for (std::size_t i = 0; i <= kSamples; ++i) p.indptr[i] = std::int64_t(i * kNeighbors);
  for (std::size_t i = 0; i < kSamples; ++i) {
    std::int32_t* row = &p.indices[i * kNeighbors];
    for (std::size_t e = 0; e < kNeighbors; ++e)
      row[e] = std::int32_t((i + random.below(i * kNeighbors + e, 4000) + kSamples - 2000) % kSamples);
    std::sort(row, row + kNeighbors);
  }
  const Attraction attraction(p, 1, 2);
  const std::vector<float> layout = uniform(2 * kSamples, 100);
  std::vector<float> force(2 * kSamples);
  const double seconds = median_seconds([&] { attraction.force(layout.data(), 0, kSamples, force.data()); });
  const double edges = double(p.indices.size());
  print(machine, "attraction", seconds, 12 * edges, 4.25 * edges);
}

/// Sites in the order of the grid's rows, as they are sorted.
void measure_interpolation(const Machine& machine) {
  const BSpline spline(4);
  SplineGrid grid{};
  grid.dims = 2;
  grid.points = 4;
  for (int power = 0; power < 4; ++power)
    for (int node = 0; node < 4; ++node) {
      grid.weights[power][node] = float(spline.coefficient(power, node));
      if (power > 0) grid.slopes[power - 1][node] = float(power * spline.coefficient(power, node));
    }
  grid.stride_x = kNodes + 20;
  std::vector<float> values((kNodes + 8) * grid.stride_x), sites = uniform(2 * kSamples, float(kNodes));
  grid.values = values.data();
  for (std::size_t i = 0; i < kSamples; ++i) sites[2 * i] = float(kNodes) * float(i) / float(kSamples);
  std::vector<std::int32_t> order(kSamples);
  for (std::size_t i = 0; i < kSamples; ++i) order[i] = std::int32_t(i);
  const std::vector<float> self_entries(std::size_t(4 * 3 * 3), 0.0f);
  const SelfTable self = {3, self_entries.data()};
  std::vector<float> gradient(2 * kSamples);
  // Weights of both axes by Horner's rule, 2 x 4 x 6; 16 products with the charge, 4 of the rows' weights, 16 sums.
  print(machine, "spread", median_seconds([&] { interpolation_kernels().spread(grid, sites.data(), kSamples); }),
        double(kSamples) * (48 + 16 + 16), 0);
  // Weights and slopes, 2 x 4 x (6 + 4); rows with both, 4 x 16; three products and sums along the last axis, 3 x 7;
  // the table, 3 x 4 x 3 and 4.
  print(machine, "read", median_seconds([&] {
          interpolation_kernels().read(grid, self, sites.data(), order.data(), kSamples, 1, gradient.data());
        }),
        double(kSamples) * (80 + 64 + 21 + 40), 0);
}

/// 5 L log2 L operations, as is usual; of zeros, which stay so however often they are transformed.
void measure_transform(const Machine& machine) {
  constexpr int kLength = 1440;
  const FftPlan<float> plan(kLength);
  const int lanes = fft_kernels().lanes;
  Buffer<float> x(std::size_t(2 * lanes * kLength), 0.0f), y = x;
  const double seconds = median_seconds([&] { fft_kernels().forward(plan.steps(), x.data(), y.data()); });
  print(machine, "transforms of 1,440", seconds, 5.0 * lanes * kLength * std::log2(kLength), 0);
}

/// 64 rows against all, q = 2: two differences, four for the square, three for the weight, one for the sum.
void measure_pairs(const Machine& machine) {
  const std::size_t n = kSamples / kPairRows * kPairRows;
  const std::vector<float> x = uniform(n, 100), y = uniform(n, 90);
  std::vector<double> weights(kPairRows);
  const PairBlock block = {{x.data(), y.data(), nullptr}, 2, 1, 0, 0, n};
  print(machine, "all pairs, weights", median_seconds([&] { pair_kernels().weights(block, weights.data()); }),
        9 * double(n) * double(kPairRows), 0);
}

}  // namespace

int main() {
  set_threads(1);
  const Machine machine = {measure_peak(processor_seconds), measure_bandwidth()};
  std::printf("%s, peak %.1f GFLOP/s, memory %.1f GB/s\n", isa_name(isa()).c_str(), machine.operations / 1e9,
              machine.bytes / 1e9);
  std::printf("kernel\tms\tGFLOP/s\tshare of peak\tGB/s\tshare of memory's\n");
  measure_panels(machine, 50);
  measure_panels(machine, 784);
  measure_attraction(machine);
  measure_interpolation(machine);
  measure_transform(machine);
  measure_pairs(machine);
}
