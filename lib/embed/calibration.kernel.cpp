#include "embed/calibration.h"

#include "base/simd.h"

namespace espalier::ESPALIER_KERNEL {

namespace {

constexpr float kTolerance = 1e-5f;
constexpr int kSteps = 60;
constexpr std::size_t kBlock = 32;  // terms added in a row before they join the total, so that rounding stays small

/// Sums over a row of p = exp(-beta e): of p, of p e and of p e^2.
struct Moments {
  Float zeroth{}, first{}, second{};
};

Moments weigh(const float* offsets, std::size_t k, Float beta, float* p) {
  Moments total;
  for (std::size_t begin = 0; begin < k; begin += kBlock) {
    Moments part;
    const std::size_t end = begin + kBlock < k ? begin + kBlock : k;
    for (std::size_t j = begin; j < end; ++j) {
      const Float e = load(offsets + j * kLanes), w = exp(-beta * e);
      store(p + j * kLanes, w);
      part.zeroth += w;
      part.first += w * e;
      part.second += w * e * e;
    }
    total.zeroth += part.zeroth;
    total.first += part.first;
    total.second += part.second;
  }
  return total;
}

bool all(Int lanes) {
  for (int i = 0; i < kLanes; ++i)
    if (!lanes[i]) return false;
  return true;
}

void calibrate(const float* offsets, std::size_t k, double entropy, float* p) {
  const Float target = splat(float(entropy));
  Float low = splat(-20), high = splat(30), log_beta = splat(1);
  Int done{};
  Moments moments;
  for (int step = 0; step < kSteps; ++step) {
    const Float beta = exp(log_beta);
    moments = weigh(offsets, k, beta, p);
    const Float mean = moments.first / moments.zeroth;
    const Float variance = moments.second / moments.zeroth - mean * mean;
    const Float excess = log(moments.zeroth) + beta * mean - target;  // entropy falls as beta grows
    done |= (excess < kTolerance) & (excess > -kTolerance);
    low = excess > 0 ? log_beta : low;
    high = excess > 0 ? high : log_beta;
    const Float slope = minimum(-beta * beta * variance, splat(-1e-6f));
    const Float newton = log_beta - excess / slope;
    const Float next = ((newton > low) & (newton < high)) ? newton : (low + high) * 0.5f;
    done |= next == log_beta;
    if (all(done)) break;
    log_beta = done ? log_beta : next;
  }
  const Float scale = 1.0f / moments.zeroth;
  for (std::size_t j = 0; j < k; ++j) store(p + j * kLanes, load(p + j * kLanes) * scale);
}

void squared_distances(const float* x, const float* columns, std::size_t n, std::size_t dimension, float* distances) {
  for (std::size_t j = 0; j < n; j += kCalibrationPad) {
    constexpr int kVectors = int(kCalibrationPad) / kLanes;
    Float total[kVectors] = {};
    for (std::size_t t = 0; t < dimension; ++t)
      for (int v = 0; v < kVectors; ++v) {
        const Float difference = splat(x[t]) - load(columns + t * n + j + v * kLanes);
        total[v] += difference * difference;
      }
    for (int v = 0; v < kVectors; ++v) store(distances + j + v * kLanes, total[v]);
  }
}

}  // namespace

extern const CalibrationKernels calibration_table;
const CalibrationKernels calibration_table = {kLanes, calibrate, squared_distances};

}  // namespace espalier::ESPALIER_KERNEL
