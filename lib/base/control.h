#pragma once
/// How a caller watches and stops a long computation: algorithms know neither stderr nor the clock nor signals.

#include <atomic>
#include <functional>
#include <string>
#include <string_view>

namespace espalier {

/// Passed to every long-running function; a default-constructed one is silent and never stops.
struct Control {
  /// progress(stage, done, total, detail): `stage` is a short noun phrase, `detail` may be empty ("KL 2.31").
  std::function<void(std::string_view stage, double done, double total, std::string_view detail)> progress;
  /// One remark worth a line of -v output: a choice that was made, a figure of a stage.
  std::function<void(std::string_view)> remark;
  /// A remark that the user should see without -v.
  std::function<void(std::string_view)> note;
  /// Seconds from any fixed origin; tests pass a false one. Never enters a result.
  std::function<double()> clock;
  /// MiB of memory held at the most since this was asked last; 0 where the system does not say.
  std::function<double()> peak_memory;
  /// Bytes that may still be taken; without it nobody asks.
  std::function<double()> free_memory;
  const std::atomic<bool>* stop = nullptr;

  void report(std::string_view stage, double done, double total, std::string_view detail = {}) const {
    if (progress) progress(stage, done, total, detail);
  }
  void say(std::string_view text) const {
    if (remark) remark(text);
  }
  void tell(std::string_view text) const {
    if (note) note(text);
  }
  double now() const { return clock ? clock() : 0; }
  double peak() const { return peak_memory ? peak_memory() : 0; }
  bool stopped() const { return stop && stop->load(std::memory_order_relaxed); }
};

/// Thrown by a computation that noticed Control::stop between two steps and has nothing to save.
struct Stopped {};

/// Leaves the computation if a stop was asked for.
inline void throw_if_stopped(const Control& control) {
  if (control.stopped()) throw Stopped{};
}

}  // namespace espalier
