#include <doctest/doctest.h>

#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "embed/fft_plan.h"
#include "tensor/buffer.h"

using namespace espalier;

namespace {

/// Largest deviation of any lane from the sum that defines the transform; lane `l` transforms its own random numbers.
template <class T>
double deviation_from_definition(int length, int lanes, int sign, T* (*run)(const FftSteps<T>&, T*, T*)) {
  const FftPlan<T> plan(length);
  const std::size_t pair = 2 * std::size_t(lanes);
  Buffer<T> x(pair * std::size_t(length)), y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = T(Random(3, 0).normal(i));
  const Buffer<T> input = x;
  const T* output = run(plan.steps(), x.data(), y.data());
  double worst = 0;
  for (std::size_t lane : {std::size_t(0), std::size_t(lanes) - 1})
    for (int k = 0; k < length; ++k) {
      std::complex<double> sum = 0;
      for (int j = 0; j < length; ++j) {
        const T* in = input.data() + std::size_t(j) * pair + lane;
        const double angle = sign * 2 * std::numbers::pi * (double(j * k % length) / length);
        sum += std::complex<double>(in[0], in[lanes]) * std::polar(1.0, angle);
      }
      const T* out = output + std::size_t(k) * pair + lane;
      worst = std::max(worst, std::abs(sum - std::complex<double>(out[0], out[lanes])));
    }
  return worst / std::sqrt(double(length));
}

}  // namespace

TEST_CASE("fast transforms are the sums that define them, for every smooth length and precision") {
  const FftKernels& fft = fft_kernels();
  for (int length = 1; length <= 250; ++length) {
    if (!is_smooth(length)) continue;
    CAPTURE(length);
    CHECK_LT(deviation_from_definition(length, fft.lanes, -1, fft.forward), 3e-6);
    CHECK_LT(deviation_from_definition(length, fft.lanes, +1, fft.backward), 3e-6);
    CHECK_LT(deviation_from_definition(length, fft.lanes / 2, -1, fft.forward_double), 1e-13);
  }
  CHECK_LT(deviation_from_definition(1800, fft.lanes, -1, fft.forward), 3e-6);
}

TEST_CASE("a length with a prime factor above 5 is refused") {
  CHECK_FALSE(is_smooth(7));
  CHECK_FALSE(is_smooth(0));
  CHECK_THROWS_AS(FftPlan<float>(14), BugError);
}
