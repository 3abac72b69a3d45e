#include "embed/fft_plan.h"

#include <cmath>
#include <cstddef>
#include <numbers>

#include "base/error.h"

namespace espalier {

namespace {

/// Radices whose product is the length: as many eights as leave no lone 2 behind, for a pass costs a sweep of memory.
std::vector<int> radices(int length) {
  std::vector<int> found;
  for (int radix : {8, 4, 2, 5, 3})
    while (length % radix == 0 && !(radix == 8 && (length == 16 || length == 32))) {
      found.push_back(radix);
      length /= radix;
    }
  if (length != 1) throw BugError("a transform of a length with a prime factor {}", length);
  return found;
}

}  // namespace

bool is_smooth(int length) {
  for (int factor : {2, 3, 5})
    while (length > 1 && length % factor == 0) length /= factor;
  return length == 1;
}

template <class T>
FftPlan<T>::FftPlan(int length) : length_(length) {
  int left = length;
  for (int radix : radices(length)) {
    const int m = left / radix;
    std::vector<T> twiddles;
    twiddles.reserve(std::size_t(m) * std::size_t(radix - 1) * 2);
    for (int p = 0; p < m; ++p)
      for (int j = 1; j < radix; ++j) {
        const double angle = -2 * std::numbers::pi * (double(p) * j / left);
        twiddles.push_back(T(std::cos(angle)));
        twiddles.push_back(T(std::sin(angle)));
      }
    twiddles_.push_back(std::move(twiddles));
    stages_.push_back({radix, twiddles_.back().data()});
    left = m;
  }
}

template class FftPlan<float>;
template class FftPlan<double>;

}  // namespace espalier
