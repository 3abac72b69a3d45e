#include "cli/progress.h"

#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

namespace espalier {

namespace {

constexpr double kRedrawSeconds = 0.1;     // on a terminal
constexpr double kMilestoneSeconds = 2.0;  // elsewhere: at most one line in this time
constexpr int kMilestones = 10;            // and at most this many lines a stage

std::string time_left(double seconds) {
  if (seconds < 90) return fmt::format("{:.0f} s", seconds);
  if (seconds < 5400) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

std::string rate(double value) { return fmt::format("{:.{}f}/s", value, value < 9.95 ? 1 : 0); }

}  // namespace

void write_stderr(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

std::string progress_line(std::string_view stage, double done, double total, std::string_view detail, double begun,
                          double elapsed) {
  std::string line =
      total > 0 ? fmt::format("{} {:.0f}/{:.0f}", stage, done, total) : fmt::format("{} {:.0f}", stage, done);
  if (!detail.empty()) line += fmt::format(", {}", detail);
  const double added = done - begun;
  if (elapsed > 0.5 && added > 0) line += fmt::format(", {}", rate(added / elapsed));
  const double share = total > begun ? added / (total - begun) : 0;
  if (elapsed > 1 && share > 0.02 && share < 1)
    line += fmt::format(", {} left", time_left(elapsed * (1 - share) / share));
  return line;
}

Progress::Progress(std::string tool, Verbosity verbosity)
    : tool_(std::move(tool)), verbosity_(verbosity), terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() { clear(); }

double Progress::seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void Progress::begin(std::string_view stage, double done, double now) {
  stage_ = stage;
  stage_start_ = last_shown_ = now;
  stage_begun_ = done;
  milestone_ = 0;
}

void Progress::report(std::string_view stage, double done, double total, std::string_view detail) {
  if (verbosity_ == Verbosity::quiet) return;
  const double now = seconds();
  if (stage != stage_ || done < stage_done_) begin(stage, done, now);
  stage_done_ = done;
  const int milestone = total > 0 ? int(done / total * kMilestones) : 0;
  const bool due = terminal_ ? now - last_shown_ >= kRedrawSeconds || done >= total
                             : milestone > milestone_ && (now - last_shown_ >= kMilestoneSeconds);
  if (!due) return;
  last_shown_ = now;
  milestone_ = milestone;
  const std::string line = tool_ + ": " + progress_line(stage, done, total, detail, stage_begun_, now - stage_start_);
  write_stderr(terminal_ ? "\r\033[K" + line : line + "\n");
  drawn_ = terminal_;
}

void Progress::clear() {
  if (drawn_) write_stderr("\r\033[K");
  drawn_ = false;
}

void Progress::note(std::string_view text) {
  if (verbosity_ == Verbosity::quiet) return;
  clear();
  write_stderr(fmt::format("{}: {}\n", tool_, text));
}

void Progress::remark(std::string_view text) {
  if (verbosity_ == Verbosity::verbose) note(text);
}

}  // namespace espalier
