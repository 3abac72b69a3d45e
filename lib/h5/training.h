#pragma once
/// A training on disk between two runs of the same command: a network file with /training beside /network.

#include <optional>
#include <string>

#include "h5/checkpoint.h"
#include "h5/network.h"
#include "nn/trainer.h"

namespace espalier {

/// Writes network and state to `path`, whole or not at all.
void write_training(const std::string& path, const CheckpointKey&, const StoredNetwork&, const TrainingState&);

/// The state in `path`, with the parameters put into `network`; nothing where there is no such file. DataError where
/// command or input differ, or the file is damaged.
std::optional<TrainingState> read_training(const std::string& path, const CheckpointKey&, StoredNetwork& network,
                                           const Control&);

/// The log as a table, with a header; '-' where nothing was scored.
std::string log_table(const std::vector<EpochRecord>&);

}  // namespace espalier
