#include "neighbors/panel.h"

#include "base/simd.h"

namespace espalier::ESPALIER_KERNEL {

namespace {

/// Sixteen running sums, whatever the instruction set.
constexpr int kSums = 16;
using Doubles = double __attribute__((vector_size(kSums * 8)));
using Floats = float __attribute__((vector_size(kSums * 4), aligned(4), may_alias));

double squared_distance(const float* x, const float* y, std::size_t d) {
  Doubles sums{};
  std::size_t t = 0;
  for (; t + kSums <= d; t += kSums) {
    const Doubles difference = __builtin_convertvector(*reinterpret_cast<const Floats*>(x + t), Doubles) -
                               __builtin_convertvector(*reinterpret_cast<const Floats*>(y + t), Doubles);
    sums += difference * difference;
  }
  double sum = 0;
  for (int s = 0; s < kSums; ++s) sum += sums[s];
  for (; t < d; ++t) sum += (double(x[t]) - y[t]) * (double(x[t]) - y[t]);
  return sum;
}

}  // namespace

extern const PanelKernels panel_table;
const PanelKernels panel_table = {squared_distance};

}  // namespace espalier::ESPALIER_KERNEL
