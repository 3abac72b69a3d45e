#include "embed/sweep.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/parallel.h"
#include "base/stage.h"
#include "embed/kernel.h"
#include "embed/reference.h"

namespace espalier {

namespace {

/// The first multiple of `every` after `iteration`; never, where `every` is 0.
std::int64_t next_multiple(std::int64_t iteration, int every) {
  if (every <= 0) return std::numeric_limits<std::int64_t>::max();
  return (iteration / every + 1) * every;
}

/// The control of one q in a sweep, whose progress names it.
Control for_one_q(const Control& control, double q, std::size_t at, std::size_t count) {
  Control one = control;
  if (control.progress && count > 1)
    one.progress = [&control, q, at, count](std::string_view, double done, double total, std::string_view detail) {
      control.report(fmt::format("optimise q = {:g} ({} of {})", q, at + 1, count), done, total, detail);
    };
  return one;
}

/// Every q begins with the same layout, which the authors' program has in the paper's scale, ours in u.
Buffer<float> start_for(const Problem& problem, const SweepOptions& sweep, double q) {
  Buffer<float> start = problem.start;
  if (sweep.start_in_paper_scale)
    for (float& u : start) u = float(double(u) / paper_scale(q));
  return start;
}

/// One q from where `state` stands. False where it was stopped, with the optimiser's state in state.current.
bool run_one(const Problem& problem, const OptimizerOptions& options, const SweepOptions& sweep, SweepState& state,
             const std::function<void(const SweepState&)>& save, const Control& control) {
  Optimizer optimizer(problem.affinities, start_for(problem, sweep, options.a + 1), options);
  if (state.current) optimizer.restore(std::move(*state.current));
  state.current.reset();
  while (!optimizer.finished()) {
    const std::int64_t iteration = optimizer.state().iteration;
    const std::int64_t snapshot = next_multiple(iteration, sweep.snapshot_every);
    const std::int64_t saving = next_multiple(iteration, sweep.save_every);
    optimizer.run(control, std::min(snapshot, saving));
    const std::int64_t reached = optimizer.state().iteration;
    if (reached == snapshot) {
      state.snapshot_iterations.push_back(reached);
      state.snapshots.push_back(optimizer.state().layout);
    }
    const bool stopped = control.stopped() && !optimizer.finished();
    if ((stopped || reached == saving) && save) {
      state.current = optimizer.state();
      save(state);
      state.current.reset();
    }
    if (stopped) return false;
  }
  const double start = control.now();
  const double kl = optimizer.kl();
  control.say(fmt::format("final KL: {:.3f} s", control.now() - start));
  state.finished.push_back({kl, optimizer.state().iteration, optimizer.state().layout});
  return true;
}

}  // namespace

OptimizerOptions optimizer_options(double q, std::size_t n, const SweepOptions& sweep) {
  const double a = q - 1;
  OptimizerOptions options = sweep.schedule == Schedule::reference      ? reference_schedule(q, sweep.dims)
                             : sweep.schedule == Schedule::scale_search ? scale_search_schedule(a, sweep.dims, n)
                                                                        : classic_schedule(a, sweep.dims);
  if (sweep.schedule != Schedule::reference) options.repulsion = sweep.repulsion;
  options.stop_at_rest = sweep.early_stop;
  if (sweep.exaggeration) options.exaggeration = *sweep.exaggeration;
  if (sweep.rate) options.rate = *sweep.rate;
  if (sweep.exaggeration_iterations) options.exaggeration_iterations = *sweep.exaggeration_iterations;
  if (sweep.iterations) {
    options.exaggeration_iterations = std::min(options.exaggeration_iterations, *sweep.iterations);
    options.iterations = *sweep.iterations - options.exaggeration_iterations;
    options.most_iterations = 0;
  }
  return options;
}

namespace {

/// The loops of one map of few samples are too short to share; several maps are not. What a stop would lose must be
/// seconds of work, since only whole maps are saved.
bool serves_side_by_side(const Problem& problem, const SweepOptions& options, const SweepState& state) {
  constexpr std::size_t kShortLoops = 2000, kFewSamples = 5000;
  constexpr double kSecondsOfWork = 5e6;  // samples x iterations
  const std::size_t n = problem.order.size(), maps = options.q.size() - state.finished.size();
  const OptimizerOptions one = optimizer_options(options.q[0], n, options);
  const int iterations = one.exaggeration_iterations + std::max(one.iterations, one.most_iterations);
  return maps > 1 && threads() > 1 && !state.current && options.save_every == 0 && options.snapshot_every == 0 &&
         (n <= kShortLoops || (n <= kFewSamples && maps >= std::size_t(threads()))) &&
         double(n) * iterations <= kSecondsOfWork;
}

/// One thread for each map. Stopped, it keeps those maps that are done up to the first that is not.
bool run_side_by_side(const Problem& problem, const SweepOptions& options, SweepState& state,
                      const std::function<void(const SweepState&)>& save, const Control& control) {
  const std::size_t first = state.finished.size(), maps = options.q.size() - first;
  Control silent;  // the others may be called from one thread only
  silent.stop = control.stop;
  std::vector<SweepState> states(maps);
  std::vector<double> seconds(maps);
  parallel_for(maps, [&](std::size_t map, int) {
    const double q = options.q[first + map], start = control.now();
    run_one(problem, optimizer_options(q, problem.order.size(), options), options, states[map], {}, silent);
    seconds[map] = control.now() - start;
  });
  for (std::size_t map = 0; map < maps && !states[map].finished.empty(); ++map) {
    state.finished.push_back(std::move(states[map].finished[0]));
    control.say(fmt::format("q = {:g}: KL {:.4f} after {} iterations, {:.3f} s", options.q[first + map],
                            state.finished.back().kl, state.finished.back().iterations, seconds[map]));
  }
  const bool done = state.finished.size() == options.q.size();
  if (!done && save) save(state);
  return done;
}

}  // namespace

bool run_sweep(const Problem& problem, const SweepOptions& options, SweepState& state,
               const std::function<void(const SweepState&)>& save, const Control& control) {
  if (serves_side_by_side(problem, options, state)) return run_side_by_side(problem, options, state, save, control);
  while (state.finished.size() < options.q.size()) {
    const std::size_t at = state.finished.size();
    const double q = options.q[at], start = control.now();
    control.peak();
    if (!run_one(problem, optimizer_options(q, problem.order.size(), options), options, state, save,
                 for_one_q(control, q, at, options.q.size())))
      return false;
    control.say(fmt::format("q = {:g}: KL {:.4f} after {} iterations, {}", q, state.finished.back().kl,
                            state.finished.back().iterations, spent(control, start)));
  }
  return true;
}

Matrix in_sample_order(const Buffer<float>& layout, const Problem& problem, int dims, double scale) {
  const std::size_t m = std::size_t(dims);
  Matrix out(problem.order.size(), m);
  for (std::size_t p = 0; p < problem.order.size(); ++p)
    for (std::size_t t = 0; t < m; ++t)
      out(std::size_t(problem.order[p]), t) = float(double(layout[p * m + t]) * scale);
  return out;
}

}  // namespace espalier
