#pragma once
/// What pruning did, round by round and layer by layer.

#include <string>
#include <vector>

#include "nn/architecture.h"

namespace espalier {

/// A network's cost and how well it does.
struct PruneStage {
  int round = 0;             ///< 0: as it came
  std::size_t removed = 0;   ///< channels, in this round
  std::size_t channels = 0;  ///< left in scope
  std::size_t parameters = 0, macs = 0;
  double sample_loss = 0;                   ///< on the scoring samples, after removal and before tuning
  double test_loss = 0, test_accuracy = 0;  ///< after tuning; NaN without test rows
  double milliseconds = 0;                  ///< measured, for one image of a batch
  double time_left = 1;                     ///< share of the first network's time, measured in turns with it
  std::vector<int> widths;                  ///< of the layers that have parameters to prune, in order
};

struct PruneReport {
  std::vector<PruneStage> stages;   ///< the first is the network as it came
  std::vector<std::string> layers;  ///< names, in the order of widths
};

/// Convolutions and linear layers, and how many channels come out of each.
std::vector<std::string> prunable_layers(const Architecture&);
std::vector<int> widths_of(const Architecture&);

/// What a layer costs in one network.
struct LayerCost {
  std::string name;
  int channels = 0;
  std::size_t parameters = 0, macs = 0;
  double milliseconds = 0;  ///< measured, for one image of a batch
};

/// Tab-separated, with headers: the rounds; then, after an empty line, each layer before and after.
std::string to_table(const PruneReport&);
std::string to_table(const std::vector<LayerCost>& before, const std::vector<LayerCost>& after);
/// All of that as a JSON object.
std::string to_json(const PruneReport&, const std::vector<LayerCost>& before, const std::vector<LayerCost>& after);

/// The rounds alone as JSON, and back. Throws DataError naming `source` for what is no such text.
std::string rounds_to_json(const PruneReport&);
PruneReport rounds_from_json(const std::string& json, const std::string& source);

}  // namespace espalier
