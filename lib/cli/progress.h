#pragma once
/// Progress on stderr: one redrawn line with rate and time left on a terminal, plain lines at milestones elsewhere.

#include <string>
#include <string_view>

#include "base/control.h"

namespace espalier {

enum class Verbosity { quiet, normal, verbose };

/// Text to standard error. What cannot be written there, on a full disk or because nobody reads it any more, is lost:
/// no run ends for it.
void write_stderr(std::string_view text);

/// One line of progress. Rate and time left count from `begun`, what was done `elapsed` seconds ago: a resumed stage
/// begins with what an earlier run had done.
std::string progress_line(std::string_view stage, double done, double total, std::string_view detail, double begun,
                          double elapsed);

class Progress {
 public:
  Progress(std::string tool, Verbosity verbosity);
  ~Progress();

  void report(std::string_view stage, double done, double total, std::string_view detail);
  /// A line of its own, after clearing the redrawn one; silenced by --quiet.
  void note(std::string_view text);
  /// Likewise, with -v only.
  void remark(std::string_view text);
  void clear();
  static double seconds();

 private:
  void begin(std::string_view stage, double done, double now);

  std::string tool_, stage_;
  Verbosity verbosity_;
  bool terminal_, drawn_ = false;
  double stage_start_ = 0, stage_begun_ = 0, stage_done_ = 0, last_shown_ = 0;
  int milestone_ = 0;
};

}  // namespace espalier
