#pragma once
/// The shape of every tool: `int main(argc, argv) { return tool_main("name", argc, argv, run); }` with
/// `int run(Cli&)` that parses, reads, calls one library function, writes, and returns kDone or kAnswerIsNo.

#include "base/error.h"
#include "cli/cli.h"

namespace espalier {

/// Sets up signals, runs the tool, maps exceptions to exit codes with one line on stderr, and closes stdout last, so
/// that a full disk or a closed pipe is noticed (74).
int tool_main(const char* name, int argc, char** argv, int (*run)(Cli&));

}  // namespace espalier
