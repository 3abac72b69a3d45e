#pragma once
/// Four kinds of error, each with its exit code; thrown where the fault is known, caught only in tool_main.

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

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

/// What every error of the suite is: one line for the user and the exit code that goes with it.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& line) : std::runtime_error(line), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

/// The command line is wrong (64).
class UsageError : public Error {
 public:
  template <class... T>
  explicit UsageError(fmt::format_string<T...> format, T&&... args)
      : Error(kUsage, fmt::format(format, std::forward<T>(args)...)) {}
};

/// The input is malformed, truncated, empty or not finite (65). Named by file and dataset; either may be empty.
class DataError : public Error {
 public:
  template <class... T>
  DataError(const std::string& file, const std::string& dataset, fmt::format_string<T...> format, T&&... args)
      : Error(kBadData, place(file, dataset) + fmt::format(format, std::forward<T>(args)...)) {}

 private:
  static std::string place(const std::string& file, const std::string& dataset) {
    std::string s = file.empty() ? "" : file + ": ";
    return dataset.empty() ? s : s + dataset + " ";
  }
};

/// The machine refused: an input that cannot be opened (66), memory or another limit (71), a failed output (74).
class SystemError : public Error {
 public:
  template <class... T>
  SystemError(ExitCode code, fmt::format_string<T...> format, T&&... args)
      : Error(code, fmt::format(format, std::forward<T>(args)...)) {}
};

/// Thrown where standard output is a pipe that nobody reads any more: the tool ends without a word (74).
struct ReaderGone {};

/// A broken invariant of ours (70).
class BugError : public Error {
 public:
  template <class... T>
  explicit BugError(fmt::format_string<T...> format, T&&... args)
      : Error(kBug, fmt::format(format, std::forward<T>(args)...)) {}
};

}  // namespace espalier
