#include "shape/kernel_groups.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace espalier {

namespace {

constexpr double kSmoothing = 1e-8;
constexpr int kReweightings = 30;   // of a concave penalty; the descent is monotone, so stopping early is safe
constexpr double kSettled = 1e-5;   // relative change of the norms at which it ends
constexpr int kNewtonSteps = 1000;  // a bound only: the threshold is found after a handful
constexpr int kRootSteps = 200;     // likewise
constexpr double kRootAccuracy = 1e-10;

double root(double x) { return std::sqrt(x + kSmoothing); }
float sign(float w) { return float((w > 0) - (w < 0)); }

double norm1(std::span<const float> kernel) {
  double sum = 0;
  for (const float w : kernel) sum += std::fabs(w);
  return sum;
}

double norm2(std::span<const float> kernel) {
  double sum = 0;
  for (const float w : kernel) sum += double(w) * w;
  return std::sqrt(sum);
}

/// Kinds that see a kernel by its Euclidean norm; the others take the sum of absolute values.
bool is_euclidean(Regularizer kind) {
  return kind == Regularizer::gl || kind == Regularizer::hsr_gl || kind == Regularizer::hsq_gl;
}

std::vector<double> norms_of(Regularizer kind, const KernelGroup& group) {
  std::vector<double> norms(group.kernels());
  for (std::size_t j = 0; j < norms.size(); ++j)
    norms[j] = is_euclidean(kind) ? norm2(group.kernel(j)) : norm1(group.kernel(j));
  return norms;
}

double total(const std::vector<double>& x) {
  double sum = 0;
  for (const double v : x) sum += v;
  return sum;
}

double total_of_squares(const std::vector<double>& x) {
  double sum = 0;
  for (const double v : x) sum += v * v;
  return sum;
}

/// The sum of the roots of x; each becomes its inverse in `inverses`.
double total_of_roots(const std::vector<double>& x, std::vector<double>& inverses) {
  inverses.resize(x.size());
  double sum = 0;
  for (std::size_t j = 0; j < x.size(); ++j) {
    const double r = root(x[j]);
    sum += r;
    inverses[j] = 1 / r;
  }
  return sum;
}

/// R as a function of the kernels' norms x; `slope` becomes dR/dx_j.
double outer(Regularizer kind, const std::vector<double>& x, std::vector<double>& slope) {
  const auto fill = [&](double common, auto&& of_one) {
    slope.resize(x.size());
    for (std::size_t j = 0; j < x.size(); ++j) slope[j] = common * of_one(x[j]);
  };
  const auto one = [](double) { return 1.0; };
  const auto same = [](double v) { return v; };
  switch (kind) {
    case Regularizer::l1:
      fill(1, one);
      return total(x);
    case Regularizer::gl:
    case Regularizer::hsr_es: {
      const double r = std::sqrt(total_of_squares(x));
      fill(r > 0 ? 1 / r : 0, same);
      return r;
    }
    case Regularizer::hsr_gl:
    case Regularizer::gl12: {
      const double r = root(total(x));
      fill(1 / (2 * r), one);
      return r;
    }
    case Regularizer::hsq_gl:
    case Regularizer::es: {
      const double s = total(x);
      fill(2 * s, one);
      return s * s;
    }
    case Regularizer::hsq_es: {
      const double q = total_of_squares(x);
      fill(4 * q, same);
      return q * q;
    }
    case Regularizer::hsr_gl12: {
      const double r = root(total_of_roots(x, slope));
      for (double& inverse : slope) inverse /= 4 * r;
      return r;
    }
    case Regularizer::hsq_gl12: {
      const double s = total_of_roots(x, slope);
      for (double& inverse : slope) inverse *= s;
      return s * s;
    }
  }
  return 0;
}

void scale_kernel(std::span<float> kernel, double factor) {
  for (float& w : kernel) w = factor > 0 ? float(w * factor) : 0.0f;
}

/// w -> w max(0, 1 - threshold / ||w||).
void soften_block(std::span<float> kernel, double threshold) {
  const double norm = norm2(kernel);
  scale_kernel(kernel, norm > threshold ? 1 - threshold / norm : 0);
}

/// The theta with theta = factor * sum_i max(0, |x_i| - theta). Newton's steps on this piecewise linear equation climb
/// from 0, and end at the solution once a step leaves as many x above it as the one before.
template <class Value>
double balanced_threshold(std::span<const Value> x, double factor) {
  double theta = 0, last = -1;
  for (int i = 0; i < kNewtonSteps; ++i) {
    constexpr std::size_t kSums = 8;  // side by side: one sum would wait for itself
    double excesses[kSums] = {}, counts[kSums] = {};
    const auto add = [&](std::size_t sum, Value v) {
      const double excess = std::fabs(double(v)) - theta;
      excesses[sum] += excess > 0 ? excess : 0;
      counts[sum] += excess > 0 ? 1 : 0;
    };
    std::size_t j = 0;
    for (; j + kSums <= x.size(); j += kSums)
      for (std::size_t sum = 0; sum < kSums; ++sum) add(sum, x[j + sum]);
    for (; j < x.size(); ++j) add(0, x[j]);
    double excess = 0, above = 0;
    for (std::size_t sum = 0; sum < kSums; ++sum) {
      excess += excesses[sum];
      above += counts[sum];
    }
    if (above == last) break;
    theta = factor / (1 + factor * above) * (excess + above * theta);
    last = above;
  }
  return theta;
}

/// The root of an increasing function that has both signs somewhere: steps from `start` that grow until it lies between
/// two points, then regula falsi with the value of the end that stays halved (Illinois).
template <class Function>
double find_root(Function&& f, double start, double step) {
  double a = start, at_a = f(a);
  if (at_a > 0) step = -step;
  double b = a + step, at_b = f(b);
  for (int i = 0; i < kRootSteps && at_a * at_b > 0; ++i) {
    a = std::exchange(b, b + (step *= 4));
    at_a = std::exchange(at_b, f(b));
  }
  double x = b;
  for (int i = 0; i < kRootSteps && at_b != 0 && std::fabs(b - a) > kRootAccuracy; ++i) {
    x = b - at_b * (b - a) / (at_b - at_a);
    const double at_x = f(x);
    if (std::fabs(x - b) < kRootAccuracy) break;
    if (at_x * at_b < 0)
      a = b, at_a = at_b;
    else
      at_a /= 2;
    b = x, at_b = at_x;
  }
  return x;
}

/// The absolute values of a kernel: while a threshold takes none of them away, what it leaves follows from these sums.
class Magnitudes {
 public:
  explicit Magnitudes(std::span<const float> kernel) : kernel_(kernel) {
    for (const float w : kernel) {
      const double magnitude = std::fabs(double(w));
      sum_ += magnitude;
      largest_ = std::max(largest_, magnitude);
      if (magnitude == 0) continue;
      least_ = std::min(least_, magnitude);
      ++count_;
    }
  }
  double sum() const { return sum_; }
  double largest() const { return largest_; }
  /// sum max(0, |w| - threshold)
  double softened(double threshold) const {
    if (threshold <= least_) return sum_ - count_ * threshold;
    double sum = 0;
    for (const float w : kernel_) sum += std::max(0.0, std::fabs(double(w)) - threshold);
    return sum;
  }
  /// balanced_threshold of the kernel, whose first step needs no look at it.
  double threshold(double factor) const {
    const double first = factor / (1 + factor * count_) * sum_;
    return first <= least_ ? first : balanced_threshold(kernel_, factor);
  }

 private:
  std::span<const float> kernel_;
  double sum_ = 0, largest_ = 0, least_ = std::numeric_limits<double>::infinity(), count_ = 0;
};

std::vector<Magnitudes> magnitudes_of(const KernelGroup& group) {
  std::vector<Magnitudes> all;
  all.reserve(group.kernels());
  for (std::size_t j = 0; j < group.kernels(); ++j) all.emplace_back(group.kernel(j));
  return all;
}

/// hsr-es and hsq-es are functions of Q = sum a_j^2. Whatever Q is, the minimiser has each kernel softened at mu * a_j
/// with one mu for all: the solution for the penalty mu/2 a_j^2 of one kernel. Of hsr-es mu = t / sqrt Q, that is,
/// sum (mu a_j)^2 = t^2, whose left side grows with mu up to that of the largest weights, beyond which all vanishes. Of
/// hsq-es mu = 4 t Q.
void shrink_by_squares(Regularizer kind, const KernelGroup& group, double t) {
  const std::vector<Magnitudes> kernels = magnitudes_of(group);
  double all = 0, largest = 0;  // sums of squares: of a_j, and of what a large mu makes of mu a_j
  for (const Magnitudes& kernel : kernels) {
    all += kernel.sum() * kernel.sum();
    largest += kernel.largest() * kernel.largest();
  }
  if (!(all > 0)) return;
  const auto squares = [&](double factor) {
    double sum = 0;
    for (const Magnitudes& kernel : kernels) {
      const double theta = kernel.threshold(factor);
      sum += theta * theta;
    }
    return sum;
  };
  double mu;
  if (kind == Regularizer::hsq_es) {
    const auto excess = [&](double x) { return 3 * x - std::log(4 * t * squares(std::exp(x))); };
    mu = std::exp(find_root(excess, std::log(4 * t * all), 1e-3));
  } else if (t * t < largest) {
    const auto excess = [&](double x) { return std::log(squares(std::exp(x))) - 2 * std::log(t); };
    mu = std::exp(find_root(excess, std::log(t / std::sqrt(all)), 1e-3));
  } else {
    std::fill(group.weights.begin(), group.weights.end(), 0.0f);
    return;
  }
  for (std::size_t j = 0; j < group.kernels(); ++j) soften(group.kernel(j), kernels[j].threshold(mu));
}

/// A concave R lies below its tangent at the last U: minimising with the tangent in its place, by one soft threshold a
/// kernel from W, never raises the objective (majorisation and minimisation).
void shrink_by_tangents(Regularizer kind, const KernelGroup& group, double t) {
  const bool euclidean = is_euclidean(kind);
  const std::vector<double> start = norms_of(kind, group);
  const std::vector<Magnitudes> kernels = euclidean ? std::vector<Magnitudes>() : magnitudes_of(group);
  std::vector<double> norms = start, slope, thresholds(start.size());
  for (int i = 0; i < kReweightings; ++i) {
    outer(kind, norms, slope);
    double change = 0, size = 0;
    for (std::size_t j = 0; j < norms.size(); ++j) {
      thresholds[j] = t * slope[j];
      const double norm = euclidean ? std::max(0.0, start[j] - thresholds[j]) : kernels[j].softened(thresholds[j]);
      change += std::fabs(norm - norms[j]);
      size += start[j];
      norms[j] = norm;
    }
    if (change <= kSettled * size) break;
  }
  for (std::size_t j = 0; j < norms.size(); ++j)
    euclidean ? soften_block(group.kernel(j), thresholds[j]) : soften(group.kernel(j), thresholds[j]);
}

}  // namespace

const std::vector<std::string>& regularizer_names() {
  static const std::vector<std::string> names = {"l1",     "gl",     "hsr-gl", "hsq-gl",   "es",
                                                 "hsr-es", "hsq-es", "gl12",   "hsr-gl12", "hsq-gl12"};
  return names;
}

bool is_convex(Regularizer kind) {
  return kind != Regularizer::hsr_gl && kind != Regularizer::gl12 && kind != Regularizer::hsr_gl12 &&
         kind != Regularizer::hsq_gl12;
}

double penalize(Regularizer kind, const KernelGroup& group, double scale, std::span<float> gradient) {
  const std::vector<double> norms = norms_of(kind, group);
  std::vector<double> slope;
  const double value = outer(kind, norms, slope);
  if (gradient.empty()) return value;
  for (std::size_t j = 0; j < norms.size(); ++j) {
    const std::span<const float> kernel = group.kernel(j);
    float* const out = gradient.data() + j * group.size;
    if (is_euclidean(kind)) {
      const auto factor = float(norms[j] > 0 ? scale * slope[j] / norms[j] : 0);
      for (std::size_t i = 0; i < group.size; ++i) out[i] += factor * kernel[i];
    } else {
      const auto factor = float(scale * slope[j]);
      for (std::size_t i = 0; i < group.size; ++i) out[i] += factor * sign(kernel[i]);
    }
  }
  return value;
}

void soften(std::span<float> weights, double threshold) {
  // Without branches, which nobody could foretell: adding 0 makes a zero of -0.
  for (float& w : weights) w = std::copysign(float(std::max(0.0, std::fabs(double(w)) - threshold)), w) + 0.0f;
}

void shrink(Regularizer kind, const KernelGroup& group, double t) {
  if (!(t > 0)) return;
  switch (kind) {
    case Regularizer::l1:
      soften(group.weights, t);
      return;
    case Regularizer::gl:
      soften_block(group.weights, t);
      return;
    case Regularizer::es:
      soften(group.weights, balanced_threshold(std::span<const float>(group.weights), 2 * t));
      return;
    case Regularizer::hsq_gl: {
      const std::vector<double> norms = norms_of(kind, group);
      const double threshold = balanced_threshold(std::span<const double>(norms), 2 * t);
      for (std::size_t j = 0; j < norms.size(); ++j) soften_block(group.kernel(j), threshold);
      return;
    }
    case Regularizer::hsr_es:
    case Regularizer::hsq_es:
      shrink_by_squares(kind, group, t);
      return;
    default:
      shrink_by_tangents(kind, group, t);
  }
}

}  // namespace espalier
