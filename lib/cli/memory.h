#pragma once
/// How much memory the process has held, from Linux's /proc/self; 0 where that cannot be read.

namespace espalier {

/// MiB at the most since the last call.
double peak_memory_since();

/// MiB at the most since the process began.
double peak_memory();

}  // namespace espalier
