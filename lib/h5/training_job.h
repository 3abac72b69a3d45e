#pragma once
/// What net-train does: read images and a network, train, write the network; stopped and gone on with.

#include "h5/training_setup.h"

namespace espalier {

/// Returns false where control stopped it, after saving a checkpoint; Stopped where there is none to save.
bool run_training_job(const SampleFile&, const TrainingJob&, const Control&);

}  // namespace espalier
