#pragma once
/// Time and memory of a stage for -v: "neighbours: 1.250 s, 412 MiB" when it ends.

#include <fmt/core.h>

#include "base/control.h"

namespace espalier {

/// "1.250 s, 412 MiB" since `start`.
inline std::string spent(const Control& control, double start) {
  const double seconds = control.now() - start, memory = control.peak();
  return memory > 0 ? fmt::format("{:.3f} s, {:.0f} MiB", seconds, memory) : fmt::format("{:.3f} s", seconds);
}

class Stage {
 public:
  Stage(const Control& control, const char* name) : control_(control), name_(name), start_(control.now()) {
    control.peak();
  }
  ~Stage() {
    if (control_.clock) control_.say(fmt::format("{}: {}", name_, spent(control_, start_)));
  }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

 private:
  const Control& control_;
  const char* name_;
  double start_;
};

}  // namespace espalier
