#pragma once
/// Times a stage for -v: "neighbours: 1.25 s" when it ends.

#include <fmt/format.h>

#include "base/control.h"

namespace espalier {

class Stage {
 public:
  Stage(const Control& control, const char* name) : control_(control), name_(name), start_(control.now()) {}
  ~Stage() {
    if (control_.clock) control_.say(fmt::format("{}: {:.3f} s", name_, control_.now() - start_));
  }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

 private:
  const Control& control_;
  const char* name_;
  double start_;
};

}  // namespace espalier
