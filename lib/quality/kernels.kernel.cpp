#include "quality/kernels.h"

#include "base/simd.h"

namespace espalier::ESPALIER_KERNEL {

namespace {

void add_squared_differences(std::size_t n, const double* column, double x, double* __restrict out) {
  for (std::size_t j = 0; j < n; ++j) {
    const double difference = column[j] - x;
    out[j] += difference * difference;
  }
}

void load_row(std::size_t d, ScaledRow row, const double* centre, double* __restrict out) {
  for (std::size_t c = 0; c < d; ++c) out[c] = (double(row.values[c]) - row.shift) * row.scale - centre[c];
}

double squared_distance(std::size_t d, ScaledRow x, ScaledRow y) {
  constexpr std::size_t kSums = 16;  // independent sums, or each addition would wait for the one before
  double sums[kSums] = {};
  const auto square = [&](std::size_t c) {
    const double difference = (double(x.values[c]) - x.shift) * x.scale - (double(y.values[c]) - y.shift) * y.scale;
    return difference * difference;
  };
  std::size_t c = 0;
  for (; c + kSums <= d; c += kSums)
    for (std::size_t s = 0; s < kSums; ++s) sums[s] += square(c + s);
  double sum = 0;
  for (; c < d; ++c) sum += square(c);
  for (double part : sums) sum += part;
  return sum;
}

void sparse_products(std::size_t nonzeros, const std::int32_t* columns, const float* values, const double* panel,
                     double* products) {
  double sums[kPanel] = {};
  for (std::size_t p = 0; p < nonzeros; ++p) {
    const double* place = panel + std::size_t(columns[p]) * kPanel;
    for (std::size_t s = 0; s < kPanel; ++s) sums[s] += double(values[p]) * place[s];
  }
  for (std::size_t s = 0; s < kPanel; ++s) products[s] = sums[s];
}

}  // namespace

extern const DistanceKernels distance_kernel_table;
const DistanceKernels distance_kernel_table = {add_squared_differences, load_row, squared_distance, sparse_products};

}  // namespace espalier::ESPALIER_KERNEL
