#pragma once
/// Maps of one problem for several q, one after the other, in a state that can be saved at any iteration.

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/control.h"
#include "embed/optimizer.h"
#include "embed/problem.h"

namespace espalier {

enum class Schedule { scale_search, classic, reference };

struct SweepOptions {
  std::vector<double> q{2};  ///< kernel parameters, each >= 1
  int dims = 2;
  Schedule schedule = Schedule::scale_search;
  bool start_in_paper_scale = false;  ///< the problem's start is y, not u: the authors' program begins so
  RepulsionMethod repulsion = RepulsionMethod::automatic;
  bool early_stop = false;                     ///< see OptimizerOptions::stop_at_rest
  std::optional<int> iterations;               ///< in all, instead of the schedule's
  std::optional<int> exaggeration_iterations;  ///< instead of the schedule's
  std::optional<double> exaggeration;          ///< instead of 12
  std::optional<double> rate;                  ///< after exaggeration, instead of N
  int snapshot_every = 0;                      ///< iterations between snapshots; 0: none
  int save_every = 0;                          ///< iterations between calls of `save`; 0: only when stopped
};

/// A map that is done. Rows in the problem's order, coordinates in the scale u.
struct FinishedMap {
  double kl = 0;
  std::int64_t iterations = 0;
  Buffer<float> layout;
};

/// How far a sweep has come: what a checkpoint holds.
struct SweepState {
  std::vector<FinishedMap> finished;      ///< in the order of SweepOptions::q
  std::optional<OptimizerState> current;  ///< of the next q
  std::vector<std::int64_t> snapshot_iterations;
  std::vector<Buffer<float>> snapshots;
};

/// The optimiser's options for one q of the sweep and n samples.
OptimizerOptions optimizer_options(double q, std::size_t n, const SweepOptions&);

/// Maps of few samples are computed side by side. Goes on from `state` until every q is done (true), or control asks to
/// stop (false, state saved through `save`).
bool run_sweep(const Problem&, const SweepOptions&, SweepState& state,
               const std::function<void(const SweepState&)>& save, const Control&);

/// Coordinates in the user's order of rows: `layout` has the problem's, `scale` multiplies.
Matrix in_sample_order(const Buffer<float>& layout, const Problem&, int dims, double scale);

}  // namespace espalier
