#include "embed/optimizer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "base/random.h"
#include "embed/descent.h"

namespace espalier {

namespace {

constexpr std::size_t kRowsPerChunk = 512;
constexpr int kMaxDims = 3;

/// Layouts wider than this come from a diverging run.
constexpr double kDiverged = 1e7;

/// Above this many samples Z comes from a fine grid: all pairs would take minutes.
constexpr std::size_t kExactPartition = 300000;

/// Iterations between two looks of the rule to stop at rest, and before its first, as in opt-SNE (Belkina et al. 2019).
constexpr int kLookExaggerated = 3, kLookAfter = 5, kFirstLook = 15;
constexpr double kAtRest = 5000;

constexpr int kCenterEvery = 10;  // forces do not feel where the middle is; coordinates should stay small
constexpr std::size_t kFewestSamples = 2000, kFewSamples = 20000;
constexpr int kExtension = 50;
constexpr int kQuietEnd = 20;  // no scale search so close to the end: the layout needs time to settle
constexpr double kScales[] = {1.1, 1.2, 1.35, 1.5};
constexpr std::size_t kCostSamples = 10000;  // at least, in the search for a scale
constexpr double kScaleSamples = 4000;       // whose pairs stand for all in the search for a scale

RepulsionOptions repulsion_options(const OptimizerOptions& options) {
  RepulsionOptions r;
  r.a = options.a;
  r.dims = options.dims;
  r.method = options.repulsion;
  return r;
}

}  // namespace

OptimizerOptions classic_schedule(double a, int dims) {
  OptimizerOptions options;
  options.a = a;
  options.dims = dims;
  return options;
}

OptimizerOptions scale_search_schedule(double a, int dims, std::size_t n) {
  OptimizerOptions options = classic_schedule(a, dims);
  const bool few = n < kFewSamples;
  options.exaggeration_iterations = n < kFewestSamples ? 250 : few ? 100 : 75;
  options.largest_scale = few ? 1.2 : 1.5;
  options.iterations = 150;
  options.most_iterations = 650;
  options.scale_every = 25;
  return options;
}

Optimizer::Optimizer(const Affinities& p, Buffer<float> start, const OptimizerOptions& options)
    : options_(options),
      negative_entropy_(negative_entropy(p)),
      attraction_(p, options.a, options.dims),
      repulsion_(make_repulsion(p.rows, repulsion_options(options))),
      grad_phi_(start.size()),
      next_(start.size()) {
  if (start.size() != rows() * std::size_t(options.dims))
    throw BugError("a starting layout of {} numbers for {} rows of {}", start.size(), rows(), options.dims);
  state_.velocity = Buffer<float>(start.size(), 0.0f);
  state_.gains = Buffer<float>(start.size(), 1.0f);
  state_.layout = std::move(start);
  state_.exaggeration_end = options.exaggeration_iterations;
  state_.end = options.exaggeration_iterations + options.iterations;
}

void Optimizer::restore(OptimizerState state) {
  const std::size_t size = state_.layout.size();
  if (state.layout.size() != size || state.velocity.size() != size || state.gains.size() != size)
    throw BugError("a saved state of {} numbers for an optimiser of {}", state.layout.size(), size);
  state_ = std::move(state);
}

bool Optimizer::run(const Control& control, std::int64_t limit) {
  while (!finished() && state_.iteration < limit && !control.stopped()) step(control);
  return finished();
}

double Optimizer::kl_from(double partition) const {
  return negative_entropy_ + attraction_.cost(state_.layout.data()) + std::log(partition);
}

double Optimizer::kl() const {
  const float* u = state_.layout.data();
  return kl_from(rows() <= kExactPartition ? exact_partition(u, rows(), options_.dims, options_.a)
                                           : fine_partition(u, rows(), options_.dims, options_.a));
}

double Optimizer::gradient(double exaggeration, float* out) {
  const double partition = repulsion_->evaluate(state_.layout.data(), rows(), grad_phi_.data());
  attraction_.force(state_.layout.data(), 0, rows(), out);
  for (std::size_t t = 0; t < grad_phi_.size(); ++t)
    out[t] = float(exaggeration * out[t] + grad_phi_[t] / (2 * partition));
  return partition;
}

void Optimizer::step(const Control& control) {
  const std::int64_t after = state_.iteration - state_.exaggeration_end;
  if (options_.scale_every && after > 0 && after % options_.scale_every == 0 &&
      state_.iteration < state_.end - kQuietEnd)
    search_scale(control);

  const double partition = repulsion_->evaluate(state_.layout.data(), rows(), grad_phi_.data());
  if (state_.iteration % options_.report_every == 0 && control.progress)
    control.report("optimise", double(state_.iteration), double(state_.end),
                   fmt::format("KL {:.4f}", kl_from(partition)));
  if (options_.stop_at_rest) end_phase_at_rest(partition);
  if (options_.most_iterations) consider_extension(partition);

  const std::size_t m = std::size_t(options_.dims);
  const double n = double(rows());
  const bool early = exaggerating();
  const double rate = early ? (options_.exaggeration_rate > 0 ? options_.exaggeration_rate : n / options_.exaggeration)
                            : (options_.rate > 0 ? options_.rate : n);
  const Descent descent = {float(early ? options_.exaggeration : 1),
                           float(1 / (2 * partition)),
                           float(rate),
                           float(early ? options_.exaggeration_momentum : options_.momentum),
                           float(options_.gain_rise),
                           float(options_.gain_decay),
                           float(options_.least_gain),
                           float(options_.longest_step)};
  parallel_ranges(rows(), kRowsPerChunk, [&](std::size_t begin, std::size_t end, int) {
    float force[kRowsPerChunk * kMaxDims];
    attraction_.force(state_.layout.data(), begin, end, force);
    const std::size_t at = begin * m;
    descent_kernels().step(descent, end - begin, options_.dims, force, &grad_phi_[at], &state_.layout[at],
                           &state_.velocity[at], &state_.gains[at], &next_[at]);
  });
  std::swap(state_.layout, next_);
  ++state_.iteration;
  if (state_.iteration % kCenterEvery == 0 || finished()) center();
  if (finished()) control.report("optimise", double(state_.iteration), double(state_.end));
}

/// Subtracts the mean, and notices layouts that run away.
void Optimizer::center() {
  const std::size_t m = std::size_t(options_.dims);
  struct Part {
    std::array<double, kMaxDims> sum{};
    double farthest = 0;
    bool finite = true;
  };
  std::vector<Part> parts((rows() + kRowsPerChunk - 1) / kRowsPerChunk);
  parallel_ranges(rows(), kRowsPerChunk, [&](std::size_t begin, std::size_t end, int) {
    Part part;
    for (std::size_t i = begin; i < end; ++i)
      for (std::size_t c = 0; c < m; ++c) {
        const double x = state_.layout[i * m + c];
        part.sum[c] += x;
        part.farthest = std::max(part.farthest, std::fabs(x));
      }
    parts[begin / kRowsPerChunk] = part;
  });
  Part all;
  for (const Part& part : parts) {
    for (std::size_t c = 0; c < m; ++c) all.sum[c] += part.sum[c] / double(rows());
    all.farthest = std::max(all.farthest, part.farthest);
  }
  for (std::size_t c = 0; c < m; ++c) all.finite = all.finite && std::isfinite(all.sum[c]);
  if (!all.finite || all.farthest > kDiverged)
    throw DataError("", "", "the layout diverged at iteration {}: lower the learning rate", state_.iteration);
  parallel_ranges(rows(), kRowsPerChunk, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i)
      for (std::size_t c = 0; c < m; ++c) state_.layout[i * m + c] -= float(all.sum[c]);
  });
}

/// Ends exaggeration at the peak of the relative fall of KL, and the run where a step gains less than KL / 5000.
void Optimizer::end_phase_at_rest(double partition) {
  const std::int64_t since = exaggerating() ? state_.iteration : state_.iteration - state_.exaggeration_end;
  const int every = exaggerating() ? kLookExaggerated : kLookAfter;
  if (since % every != 0) return;
  const double kl = kl_from(partition), fall = state_.polled_kl - kl;
  const bool first = since < kFirstLook;
  state_.polled_kl = kl;
  if (first) return;
  if (exaggerating()) {
    const double relative = fall / kl;
    if (relative < state_.fastest) {
      state_.end -= state_.exaggeration_end - state_.iteration;
      state_.exaggeration_end = state_.iteration;
    }
    state_.fastest = std::max(state_.fastest, relative);
  } else if (fall < every * kl / kAtRest) {
    state_.end = state_.iteration + 1;
  }
}

/// Goes on beyond the planned end while the last kExtension iterations lowered KL enough.
void Optimizer::consider_extension(double partition) {
  if (state_.end - state_.iteration != 1 && state_.end - state_.iteration != kExtension + 1) return;
  const double kl = kl_from(partition), fall = state_.extension_kl - kl;
  state_.extension_kl = kl;
  const std::int64_t most = state_.exaggeration_end + options_.most_iterations;
  if (state_.end - state_.iteration == 1 && fall > options_.worthwhile * kl)
    state_.end = std::min(most, state_.end + kExtension);
}

/// Enlarges the layout by the factor that lowers KL most; KL along the factors has one valley. Z is estimated from all
/// pairs of some samples, drawn each with the same chance: near pairs and far ones count as they do among all.
void Optimizer::search_scale(const Control& control) {
  const std::size_t size = state_.layout.size(), m = std::size_t(options_.dims);
  const Random random(0, std::uint64_t(state_.iteration));
  std::vector<float> some;
  for (std::size_t i = 0; i < rows(); ++i)
    if (random.uniform(i) * double(rows()) < kScaleSamples)
      some.insert(some.end(), &state_.layout[i * m], &state_.layout[i * m] + m);
  const std::size_t count = some.size() / m;
  if (count < 2) return;
  const double pairs = double(rows()) * double(rows() - 1) / (double(count) * double(count - 1));
  const std::size_t every = std::clamp<std::size_t>(rows() / kCostSamples, 1, 16);
  std::vector<float> enlarged(some.size());
  const auto kl_enlarged = [&](double scale) {
    for (std::size_t t = 0; t < some.size(); ++t) enlarged[t] = float(scale * some[t]);
    return negative_entropy_ + attraction_.cost(state_.layout.data(), scale, every) +
           std::log(pairs * exact_partition(enlarged.data(), count, options_.dims, options_.a));
  };
  double best = kl_enlarged(1), scale = 1;
  for (double s : kScales) {
    if (s > options_.largest_scale) break;
    const double kl = kl_enlarged(s);
    if (!(kl < best)) break;
    best = kl;
    scale = s;
  }
  if (scale == 1) return;
  for (std::size_t t = 0; t < size; ++t) state_.layout[t] = float(scale * state_.layout[t]);
  control.say(fmt::format("iteration {}: layout enlarged {} times, KL {:.4f}", state_.iteration, scale, best));
}

}  // namespace espalier
