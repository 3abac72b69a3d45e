#pragma once
/// A training on disk between two runs of the same command: a network file with /training beside /network.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "h5/checkpoint.h"
#include "h5/network.h"
#include "nn/trainer.h"

namespace espalier {

/// /network and /training in a file that holds more. `stage` counts the trainings of one command that are done.
void write_training(H5File&, const StoredNetwork&, const TrainingState&, std::int64_t stage);

struct SavedTraining {
  StoredNetwork network;
  TrainingState state;
  std::int64_t stage = 0;
};
/// DataError where the file is damaged.
SavedTraining read_training(const H5File&);

/// Writes key and training to `path`, whole or not at all.
void write_training(const std::string& path, const CheckpointKey&, const StoredNetwork&, const TrainingState&,
                    std::int64_t stage = 0);

/// The training in `path`; nothing where there is no such file. DataError where command or input differ, where its
/// network has another architecture, or the file is damaged.
std::optional<SavedTraining> read_training(const std::string& path, const CheckpointKey&, const Architecture&,
                                           const Control&);

/// The log as a table, with a header; '-' where nothing was scored.
std::string log_table(const TrainingState&);

}  // namespace espalier
