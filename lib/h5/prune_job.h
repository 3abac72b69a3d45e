#pragma once
/// What prune does: score channels, take the least missed out, tune what is left, round by round; stopped and gone on
/// with at every step.

#include <optional>
#include <string>
#include <vector>

#include "h5/training_setup.h"
#include "shape/channel_compensation.h"
#include "shape/channel_scores.h"
#include "shape/prune_report.h"
#include "shape/pruning.h"

namespace espalier {

/// Shares of the network as it came.
struct PruneTargets {
  std::optional<double> parameters, macs, channels, time;
  bool any() const { return parameters || macs || channels || time; }
};

struct PruneJob {
  TrainingJob training;  ///< `from` is the network; the epochs are those of a round
  ScoringOptions scoring;
  int samples = 512;  ///< drawn from the training rows
  PruneScope scope = PruneScope::inner;
  std::vector<std::string> exclude;
  int min_channels = 1, round_to = 1;
  PruneTargets targets;
  std::optional<double> max_loss_increase;  ///< over the network as it came, before tuning
  double step = 0.1;                        ///< of the channels in scope, a round
  bool one_shot = false;
  int max_rounds = 1000;
  std::optional<CompensationOptions> compensation;
  bool self_distill = false;  ///< the network as it came teaches
  TrainingOptions finishing;  ///< of the tuning after the last round; none where its epochs are 0
  bool dry_run = false;       ///< one round is chosen, nothing is written
};

struct PruneOutcome {
  bool finished = true;  ///< false: stopped, and saved
  bool reached = true;   ///< the targets, where there are some
  PruneReport report;
  std::vector<LayerCost> before, after;
};

/// Throws Stopped where there is no checkpoint to save to.
PruneOutcome run_prune_job(const SampleFile&, const PruneJob&, const Control&);

/// Mean loss on the samples with the least missed tenths of each space gone, as a table: layer, channels, loss at
/// 0, 0.1, ..., 0.9.
std::string run_sensitivity_job(const SampleFile&, const PruneJob&, const Control&);

}  // namespace espalier
