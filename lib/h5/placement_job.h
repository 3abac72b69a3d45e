#pragma once
/// qsne --transform: new samples in a map that is on file.

#include "base/control.h"
#include "h5/embedding_job.h"

namespace espalier {

/// Places the samples of `file` in the map of `job.map`, treated as the map's samples were, and writes them with their
/// places. Throws Stopped.
void run_placement_job(const SampleFile& file, const EmbeddingJob&, const Control&);

}  // namespace espalier
