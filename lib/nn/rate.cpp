#include "nn/rate.h"

#include <cmath>
#include <numbers>

namespace espalier {

namespace {

constexpr double kFirst = 1.0 / 25;

double rise(double share) { return kFirst + (1 - kFirst) * share; }

/// Half a cosine from 1 to `last`.
double fall(double share, double last) { return last + (1 - last) * (1 + std::cos(std::numbers::pi * share)) / 2; }

}  // namespace

double learning_rate(const RateOptions& options, double epoch, double epochs) {
  if (options.course == RateCourse::one_cycle) {
    const double peak = options.peak * epochs;
    if (epoch < peak) return options.rate * rise(epoch / peak);
    return options.rate * (epochs > peak ? fall((epoch - peak) / (epochs - peak), options.last) : 1);
  }
  if (epoch < options.warmup) return options.rate * rise(epoch / options.warmup);
  if (options.course == RateCourse::cosine) {
    const double left = epochs - options.warmup;
    return options.rate * (left > 0 ? fall((epoch - options.warmup) / left, options.last) : 1);
  }
  double rate = options.rate;
  if (options.course == RateCourse::step)
    for (const double drop : options.drops)
      if (epoch >= drop) rate *= options.factor;
  return rate;
}

}  // namespace espalier
