#pragma once
/// Learning rates over the course of a training.

#include <vector>

namespace espalier {

enum class RateCourse { constant, step, cosine, one_cycle };

struct RateOptions {
  RateCourse course = RateCourse::one_cycle;
  double rate = 0.1;          ///< the largest
  double warmup = 0;          ///< epochs of linear growth from rate / 25; not with one_cycle, which has its own
  std::vector<double> drops;  ///< step: epochs after which the rate is multiplied by `factor`
  double factor = 0.1;        ///< in (0, 1]
  double peak = 0.3;          ///< one_cycle: share of the epochs before the largest rate
  double last = 1e-3;         ///< cosine and one_cycle: the last rate as a share of the largest
};

/// The rate at `epoch`, a fraction of epochs done in [0, epochs]. One cycle: linear from rate / 25 to rate, then along
/// half a cosine to last * rate (after Smith and Topin 2018, arXiv 1708.07120).
double learning_rate(const RateOptions&, double epoch, double epochs);

}  // namespace espalier
