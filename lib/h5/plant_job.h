#pragma once
/// What plant does: round by round, plant channels into each layer on trial, keep those that help most; stopped and
/// gone on with at every trial.

#include <string>
#include <vector>

#include "h5/training_setup.h"
#include "shape/planting.h"
#include "shape/pruning.h"

namespace espalier {

/// What the trials of a round are compared by: the fall of the loss that they are trained for, the teacher's share of
/// it included, on the validation rows, or the rise of accuracy; or the former for each parameter or MAC that it costs.
enum class Gain { loss, accuracy, per_parameter, per_mac };

struct PlantJob {
  TrainingJob training;  ///< `from` is the network; the epochs are those of a trial; `validation` > 0
  PruneScope scope = PruneScope::inner;
  std::vector<std::string> exclude;
  double channels = 0.1;  ///< of a trial: below 1 a share of the layer's, and 1 at least; else a number
  Gain gain = Gain::loss;
  double min_gain = 0;
  int patience = 3;  ///< rounds without such a gain after which the search ends
  int max_rounds = 100;
  std::size_t max_parameters = 0, max_macs = 0;  ///< 0: any
  double target_accuracy = 0;                    ///< on the validation rows; 0: none
  int shortlist = 0;                             ///< layers that are tried in a round; 0: all
  int samples = 256;                             ///< that gradients for the shortlist and for gradmax are taken of
  PlantOptions planting;
  OldStatistics statistics = OldStatistics::keep;
  TrainingOptions finishing;  ///< in which everything is trained at the end; not at all where its epochs are 0
};

/// The network after a round in which channels were kept; round 0: as it came.
struct PlantRound {
  int round = 0;
  std::string layer;  ///< empty in round 0
  int channels = 0;   ///< planted
  double gain = 0;
  std::size_t parameters = 0, macs = 0;
  double validation_loss = 0, validation_accuracy = 0;
  double test_loss = 0, test_accuracy = 0;  ///< NaN without test rows
};

struct PlantOutcome {
  bool finished = true;  ///< false: stopped, and saved
  bool reached = true;   ///< the target accuracy, where there is one
  std::vector<PlantRound> rounds;
};

/// Tab-separated with a header, and as JSON.
std::string to_table(const std::vector<PlantRound>&);
std::string to_json(const std::vector<PlantRound>&);

/// Throws Stopped where there is no checkpoint to save to. job.training.log gets the table of rounds, written anew
/// after each.
PlantOutcome run_plant_job(const SampleFile&, const PlantJob&, const Control&);

}  // namespace espalier
