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

void move_row(std::size_t d, const float* row, const double* origin, double* __restrict out) {
  for (std::size_t c = 0; c < d; ++c) out[c] = double(row[c]) - origin[c];
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
const DistanceKernels distance_kernel_table = {add_squared_differences, move_row, sparse_products};

}  // namespace espalier::ESPALIER_KERNEL
