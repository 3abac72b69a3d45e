#pragma once
/// Four kinds of error, each with its exit code; thrown where the fault is known, caught only in tool_main.

#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace espalier {

enum ExitCode : int {
  kDone = 0,
  kAnswerIsNo = 1,
  kUsage = 64,
  kBadData = 65,
  kNoInput = 66,
  kBug = 70,
  kNoResource = 71,
  kNoOutput = 74,
  kStopped = 75,
};

/// What every error of the suite is: one line for the user and the exit code that goes with it. The constructors that
/// format are not inline, because hundreds of places throw.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& line) : std::runtime_error(line), code_(code) {}
  ExitCode code() const { return code_; }

 protected:
  Error(ExitCode code, fmt::string_view format, fmt::format_args args);
  /// The line begins with the file and the dataset, where they are not empty.
  Error(ExitCode code, std::string_view file, std::string_view dataset, fmt::string_view format, fmt::format_args args);

 private:
  ExitCode code_;
};

/// The command line is wrong (64).
class UsageError : public Error {
 public:
  template <class... T>
  explicit UsageError(fmt::format_string<T...> format, T&&... args)
      : Error(kUsage, format, fmt::make_format_args(args...)) {}
};

/// The input is malformed, truncated, empty or not finite (65). Named by file and dataset; either may be empty.
class DataError : public Error {
 public:
  template <class... T>
  DataError(std::string_view file, std::string_view dataset, fmt::format_string<T...> format, T&&... args)
      : Error(kBadData, file, dataset, format, fmt::make_format_args(args...)) {}
};

/// The machine refused: an input that cannot be opened (66), memory or another limit (71), a failed output (74).
class SystemError : public Error {
 public:
  template <class... T>
  SystemError(ExitCode code, fmt::format_string<T...> format, T&&... args)
      : Error(code, format, fmt::make_format_args(args...)) {}
};

/// Thrown where standard output is a pipe that nobody reads any more: the tool ends without a word (74).
struct ReaderGone {};

/// A broken invariant of ours (70).
class BugError : public Error {
 public:
  template <class... T>
  explicit BugError(fmt::format_string<T...> format, T&&... args)
      : Error(kBug, format, fmt::make_format_args(args...)) {}
};

}  // namespace espalier
