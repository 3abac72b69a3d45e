#pragma once
/// How much memory the process has held, and may still take, from Linux's /proc and /sys; 0, or without bounds, where
/// those cannot be read.

#include <string>

namespace espalier {

/// MiB at the most since the last call.
double peak_memory_since();

/// MiB at the most since the process began.
double peak_memory();

/// Bytes held now, those of files in memory (h5/image.h) among them.
double held_memory();

/// Bytes that can still be taken: the least of what the system has available (MemAvailable), what the limits of the
/// process's cgroup and of those above it leave (version 2 or 1; what they hold of files counts as free), and what
/// RLIMIT_AS leaves. `root` stands before all paths, for tests. Infinity where nothing is known.
double free_memory(const std::string& root = "");

}  // namespace espalier
