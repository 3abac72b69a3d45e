#pragma once
/// What a job will hold in memory, told before it begins and held against what is free: better one line at the start
/// than a process killed after hours.

#include <vector>

#include "base/control.h"

namespace espalier {

struct MemoryPart {
  const char* what;  ///< "samples"
  double bytes;
};

/// Throws SystemError (71) where the parts, estimates of what is still to be taken, are more than control says is free;
/// the message has the figures, and `advice`: the options to lower.
void require_memory(const Control& control, const std::vector<MemoryPart>& parts, const char* advice);

}  // namespace espalier
