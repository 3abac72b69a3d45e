#pragma once
/// The optimiser of q-SNE: gradient descent on KL(P||R) with early exaggeration, momentum and gains.
///
///     G_i = (dC/du_i) / 4 = e sum_j p_ij (u_i - u_j) / (1 + a d_ij^2) + grad phi(u_i) / (2 Z)
///     u <- u + momentum * velocity - rate * gain * G
///
/// e is the exaggeration, 1 after the first phase. FIt-SNE and openTSNE state rates for the same G; a rate for the
/// paper's y and dC/dy, times 4 / (3 - q), is ours.

#include <cstdint>
#include <limits>
#include <memory>

#include "base/control.h"
#include "embed/attraction.h"
#include "embed/repulsion.h"
#include "tensor/buffer.h"

namespace espalier {

struct OptimizerOptions {
  double a = 1;                       ///< q - 1, >= 0
  int dims = 2;                       ///< 1, 2 or 3
  int exaggeration_iterations = 250;  ///< at the exaggeration
  int iterations = 500;               ///< after those
  int most_iterations = 0;            ///< after `iterations`, go on up to this many while it pays; 0: do not
  double worthwhile = 1e-3;           ///< it pays while 50 iterations lower KL by this share
  double exaggeration = 12;
  double exaggeration_rate = 0;  ///< 0: N / exaggeration
  double rate = 0;               ///< 0: N
  double exaggeration_momentum = 0.8;
  double momentum = 0.8;
  double gain_rise = 0.2, gain_decay = 0.8, least_gain = 0.01;
  double longest_step = 5;     ///< of a sample, in u
  int scale_every = 0;         ///< scale search every so many iterations after exaggeration; 0: none
  double largest_scale = 1.5;  ///< factor at one search
  bool stop_at_rest =
      false;              ///< end exaggeration where KL falls fastest, the run where a step gains less than KL / 5000
  int report_every = 50;  ///< iterations between reports of KL
  RepulsionMethod repulsion = RepulsionMethod::automatic;
};

/// openTSNE's schedule: 250 iterations of exaggeration, then 500.
OptimizerOptions classic_schedule(double a, int dims);

/// 75 iterations of exaggeration, then 150 with scale search: what limits the classic schedule is how slowly the layout
/// expands, so every 25 iterations the layout is enlarged by that factor up to 1.5 which lowers KL most. Goes on while
/// it pays. Few samples have time: below 20,000 there are 100 iterations of exaggeration and factors up to 1.2, which
/// tear less apart; below 2,000 there are 250.
OptimizerOptions scale_search_schedule(double a, int dims, std::size_t n);

/// Everything that the next iteration depends on. Restored, a run goes on to the same bytes as one never interrupted.
struct OptimizerState {
  Buffer<float> layout, velocity, gains;  ///< rows x dims each, layout in u
  std::int64_t iteration = 0;             ///< done so far
  std::int64_t exaggeration_end = 0;      ///< first iteration without exaggeration, as known so far
  std::int64_t end = 0;                   ///< total, as known so far
  double polled_kl = 0;                   ///< KL at the last look of the rule to stop at rest
  double fastest = 0;                     ///< largest relative fall of KL between two looks during exaggeration
  double extension_kl = 0;                ///< KL where the rule to go on looked last
};

class Optimizer {
 public:
  /// `start` is rows x dims in u, in the row order of the affinities. Throws BugError where sizes disagree.
  Optimizer(const Affinities&, Buffer<float> start, const OptimizerOptions&);

  /// Runs until the end, iteration `limit`, or a stop through Control (looked at between iterations). Reports stage
  /// "optimise" with the KL. Returns whether the end is reached. Throws DataError when the layout diverges. The same
  /// bytes for any number of threads.
  bool run(const Control&, std::int64_t limit = std::numeric_limits<std::int64_t>::max());

  bool finished() const { return state_.iteration >= state_.end; }
  const OptimizerState& state() const { return state_; }
  void restore(OptimizerState);

  /// KL(P||R) of the present layout with the exact Z (a fine grid for very many samples), in nats.
  double kl() const;

  /// G of the present layout, rows x dims, and its Z.
  double gradient(double exaggeration, float* out);

 private:
  void step(const Control&);
  void end_phase_at_rest(double partition);
  void consider_extension(double partition);
  void search_scale(const Control&);
  void center();
  double kl_from(double partition) const;
  bool exaggerating() const { return state_.iteration < state_.exaggeration_end; }
  std::size_t rows() const { return attraction_.rows(); }

  OptimizerOptions options_;
  double negative_entropy_;
  Attraction attraction_;
  std::unique_ptr<Repulsion> repulsion_;
  OptimizerState state_;
  Buffer<float> grad_phi_, next_;
};

}  // namespace espalier
