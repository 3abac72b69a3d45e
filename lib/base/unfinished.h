#pragma once
/// The output file being written, so that a signal that ends the process can remove it. One at a time.

namespace espalier {

/// Remembers the path of an unfinished file (shorter than 4096 bytes), or forgets it (nullptr).
void set_unfinished(const char* path);

/// Removes the remembered file, if any. Safe in a signal handler.
void remove_unfinished();

}  // namespace espalier
