#pragma once
/// Time as the benchmarks of single kernels and passes take it.

#include <algorithm>
#include <ctime>
#include <functional>
#include <vector>

namespace espalier {

/// Of the processor, which other programs disturb little; threads add up.
inline double processor_seconds() {
  struct timespec now = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

/// Median of the calls that fit a budget of seconds, seven at least, after one that does not count.
inline double median_seconds(const std::function<void()>& call, double budget = 0.25) {
  constexpr std::size_t kLeast = 7;
  call();
  std::vector<double> times;
  const double start = processor_seconds();
  while (times.size() < kLeast || processor_seconds() - start < budget) {
    const double begin = processor_seconds();
    call();
    times.push_back(processor_seconds() - begin);
  }
  std::nth_element(times.begin(), times.begin() + std::ptrdiff_t(times.size() / 2), times.end());
  return times[times.size() / 2];
}

}  // namespace espalier
