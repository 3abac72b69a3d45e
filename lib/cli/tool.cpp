#include "cli/tool.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <system_error>

#include "cli/progress.h"
#include "cli/signals.h"

namespace espalier {

namespace {

int fail(const char* tool, int code, const std::string& line) {
  std::string one_line = line;
  for (char& c : one_line)
    if (c == '\n' || c == '\r') c = ' ';
  write_stderr(fmt::format("{}: {}\n", tool, one_line));
  return code;
}

/// Standard output is flushed and closed by us, because the C library would close it in silence.
int close_stdout(const char* tool, int code) {
  const bool failed = std::ferror(stdout) || std::fflush(stdout) || ::close(STDOUT_FILENO);
  if (!failed || code > kAnswerIsNo) return code;
  if (errno == EPIPE) return kNoOutput;  // the reader has gone and wants nothing more, not even a message
  return fail(tool, kNoOutput, fmt::format("standard output: {}", std::strerror(errno)));
}

int run_tool(const char* name, Cli& cli, int (*run)(Cli&)) {
  try {
    const int code = run(cli);
    cli.finish();
    return code;
  } catch (const HelpShown&) {
    return kDone;
  } catch (const Stopped&) {
    cli.note("stopped before there was anything to save; the same command begins again");
    return kStopped;
  } catch (const ReaderGone&) {
    return kNoOutput;
  } catch (const Error& error) {
    cli.finish();
    return fail(name, error.code(), error.what());
  } catch (const std::bad_alloc&) {
    return fail(name, kNoResource, "out of memory");
  } catch (const std::system_error& error) {  // a thread that could not be started
    return fail(name, kNoResource, fmt::format("system limit: {} (fewer threads with -j?)", error.code().message()));
  } catch (const std::exception& error) {
    return fail(name, kBug, fmt::format("internal error: {}", error.what()));
  }
}

}  // namespace

int tool_main(const char* name, int argc, char** argv, int (*run)(Cli&)) {
  install_signals();
  Cli cli(name, argc, argv);
  const int code = close_stdout(name, run_tool(name, cli, run));
  // Where memory is short, OpenBLAS's own threads wait for some forever, and hold up the end of a program that is done.
#ifndef __SANITIZE_ADDRESS__  // which looks for leaks at the end
  std::fflush(stderr);
  std::_Exit(code);
#endif
  return code;
}

}  // namespace espalier
