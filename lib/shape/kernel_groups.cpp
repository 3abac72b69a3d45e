#include "shape/kernel_groups.h"

#include <algorithm>
#include <cmath>

#include "shape/threshold_kernels.h"

namespace espalier {

namespace {

constexpr double kSmoothing = 1e-8;
constexpr int kReweightings = 30;        // of a concave penalty; the descent is monotone, so stopping early is safe
constexpr double kSettled = 1e-5;        // relative change of the norms at which it ends
constexpr int kRounds = 1000;            // a bound only: thresholds are found after a handful
constexpr int kRootSteps = 200;          // likewise
constexpr double kRootAccuracy = 1e-10;  // relative

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

/// The sum of term(j) for j < n, as four sums side by side: one would wait for itself.
template <class Term>
double add_up(std::size_t n, Term&& term) {
  double a = 0, b = 0, c = 0, d = 0;
  std::size_t j = 0;
  for (; j + 4 <= n; j += 4) {
    a += term(j);
    b += term(j + 1);
    c += term(j + 2);
    d += term(j + 3);
  }
  for (; j < n; ++j) a += term(j);
  return (a + b) + (c + d);
}

double total(const std::vector<double>& x) {
  return add_up(x.size(), [&](std::size_t j) { return x[j]; });
}

double total_of_squares(const std::vector<double>& x) {
  return add_up(x.size(), [&](std::size_t j) { return x[j] * x[j]; });
}

/// The sum of the roots of x; each becomes its inverse in `inverses`.
double total_of_roots(const std::vector<double>& x, std::vector<double>& inverses) {
  inverses.resize(x.size());
  threshold_kernels().invert_roots(x.data(), x.size(), kSmoothing, inverses.data());
  return add_up(x.size(), [&](std::size_t j) { return (x[j] + kSmoothing) * inverses[j]; });
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

/// What a kind sees of each kernel: its absolute weights or, where it is Euclidean, one number, the norm. A proximal
/// step lowers them, down to 0 at most, by a threshold for each kernel. It follows from sums of those that reach it.
class Magnitudes {
 public:
  std::vector<double> thresholds;
  std::vector<double> sums, counts;  ///< of those that reach the thresholds

  Magnitudes(Regularizer kind, const KernelGroup& group)
      : thresholds(group.kernels()),
        sums(group.kernels()),
        counts(group.kernels()),
        before_(group.kernels()),
        euclidean_(is_euclidean(kind)),
        size_(euclidean_ ? 1 : group.size),
        values_(size_ * group.kernels()) {
    for (std::size_t j = 0; j < group.kernels(); ++j) {
      const std::span<const float> kernel = group.kernel(j);
      if (euclidean_)
        values_[j] = float(norm2(kernel));
      else
        for (std::size_t i = 0; i < size_; ++i) values_[i * group.kernels() + j] = std::fabs(kernel[i]);
    }
  }

  void count() {
    threshold_kernels().reaching(values_.data(), sums.size(), size_, thresholds.data(), sums.data(), counts.data());
  }
  /// Whether others reach the thresholds than the last time.
  bool recount() {
    counts.swap(before_);
    count();
    return counts != before_;
  }
  /// The norms that the kernels keep.
  void keep(std::vector<double>& norms) const {
    threshold_kernels().keep(sums.data(), counts.data(), thresholds.data(), norms.size(), norms.data());
  }

  void lower(const KernelGroup& group) const {
    if (euclidean_)
      for (std::size_t j = 0; j < group.kernels(); ++j) soften_block(group.kernel(j), thresholds[j]);
    else
      threshold_kernels().soften(group.weights.data(), group.kernels(), size_, thresholds.data());
  }

 private:
  std::vector<double> before_;
  bool euclidean_;
  std::size_t size_;
  std::vector<float> values_;  // [size][kernel]
};

/// One threshold for all, theta = 2 t sum max(0, x - theta). Solved for some of the x alone it is too low at most: it
/// climbs as those below it are left out, until none is.
void balance_sums(Magnitudes& magnitudes, double t) {
  for (int i = 0; i < kRounds && magnitudes.recount(); ++i) {
    const double theta = 2 * t * total(magnitudes.sums) / (1 + 2 * t * total(magnitudes.counts));
    std::fill(magnitudes.thresholds.begin(), magnitudes.thresholds.end(), theta);
  }
}

/// Newton's steps from `nu` to where 1 / |theta| is 1 / t (hsr-es) or 2 sqrt(t nu^3) (hsq-es), theta as below.
double find_nu(Regularizer kind, const Magnitudes& magnitudes, double t, double nu) {
  for (int i = 0; i < kRootSteps; ++i) {
    double squares = 0, cubes = 0;
    for (std::size_t j = 0; j < magnitudes.sums.size(); ++j) {
      const double inverse = 1 / (nu + magnitudes.counts[j]), theta = magnitudes.sums[j] * inverse;
      squares += theta * theta;
      cubes += theta * theta * inverse;
    }
    if (!(squares > 0)) break;  // all is 0
    const double inverse = 1 / std::sqrt(squares), slope = inverse * cubes / squares, last = nu;
    if (kind == Regularizer::hsr_es)
      nu -= (inverse - 1 / t) / slope;
    else
      nu -= (inverse - 2 * nu * std::sqrt(t * nu)) / (slope - 3 * std::sqrt(t * nu));
    nu = std::max(0.0, nu);
    if (std::fabs(nu - last) <= kRootAccuracy * nu) break;
  }
  return nu;
}

/// hsr-es and hsq-es are functions of Q = sum a_j^2. Whatever Q is, the minimiser has the threshold theta_j = mu a_j
/// with one mu for all. With s_j and c_j, sum and count of the magnitudes above it, that is theta_j = s_j / (nu + c_j),
/// where nu = 1 / mu. Of hsr-es mu = t / sqrt Q, so |theta| = t; of hsq-es mu = 4 t Q, so |theta|^2 = mu^3 / (4 t).
///
/// With s and c held, 1 / |theta| is concave in nu and nearly straight: Newton's steps climb to the first goal from any
/// nu below it, and fall to the second, which is convex, from any above it. Then s and c are taken anew. At the same nu
/// this raises every theta_j, since with any other magnitudes than those above it theta_j comes out too low; so nu
/// climbs, or falls, from round to round. Where t leaves nothing, nu stays 0 and theta_j climbs to the largest.
void balance_squares(Regularizer kind, Magnitudes& magnitudes, double t) {
  double nu = 0;
  for (int i = 0; i < kRounds && magnitudes.recount(); ++i) {
    if (i == 0 && kind == Regularizer::hsq_es)  // too large: (nu + c)^2 < 4 t sum s^2 nu^3, with the same c for all
      nu = 1 / (4 * t * total_of_squares(magnitudes.sums)) + 2 * magnitudes.counts[0];
    nu = find_nu(kind, magnitudes, t, nu);
    for (std::size_t j = 0; j < magnitudes.sums.size(); ++j)
      magnitudes.thresholds[j] = magnitudes.sums[j] / (nu + magnitudes.counts[j]);
  }
}

/// A concave R lies below its tangent at the last U: minimising with the tangent in its place, by one soft threshold a
/// kernel from W, never raises the objective (majorisation and minimisation).
void follow_tangents(Regularizer kind, Magnitudes& magnitudes, double t) {
  magnitudes.count();
  std::vector<double> norms = magnitudes.sums, last = norms;
  const double size = total(norms);
  for (int i = 0; i < kReweightings; ++i) {
    outer(kind, norms, magnitudes.thresholds);
    for (double& threshold : magnitudes.thresholds) threshold *= t;
    magnitudes.count();
    last.swap(norms);
    magnitudes.keep(norms);
    const double change = add_up(norms.size(), [&](std::size_t j) { return std::fabs(norms[j] - last[j]); });
    if (change <= kSettled * size) break;
  }
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
  threshold_kernels().soften(weights.data(), 1, weights.size(), &threshold);
}

void shrink(Regularizer kind, const KernelGroup& group, double t) {
  if (!(t > 0)) return;
  if (kind == Regularizer::l1) return soften(group.weights, t);
  if (kind == Regularizer::gl) return soften_block(group.weights, t);
  Magnitudes magnitudes(kind, group);
  if (kind == Regularizer::es || kind == Regularizer::hsq_gl)
    balance_sums(magnitudes, t);
  else if (is_convex(kind))
    balance_squares(kind, magnitudes, t);
  else
    follow_tangents(kind, magnitudes, t);
  magnitudes.lower(group);
}

}  // namespace espalier
