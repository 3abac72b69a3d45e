#pragma once
/// What SIGTERM, SIGINT and SIGUSR1 do. By default the process removes its unfinished output and dies of the signal; a
/// tool with a checkpoint asks for a flag instead, saves between two steps and exits 75.

#include <atomic>
#include <string>

namespace espalier {

/// Installs the handlers; SIGPIPE and SIGXFSZ become ordinary write errors.
void install_signals();

/// From now on a signal only sets the returned flag; one that comes two seconds later, or after that, still kills.
const std::atomic<bool>& defer_signals();

}  // namespace espalier
