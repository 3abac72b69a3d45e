#include "base/need.h"

#include <fmt/core.h>

#include <cmath>

#include "base/error.h"

namespace espalier {

namespace {

constexpr double kMiB = 1 << 20;

/// Rounded up, so that what is needed never reads as nothing.
std::string mebibytes(double bytes) { return fmt::format("{:.0f} MiB", std::ceil(bytes / kMiB)); }

}  // namespace

void require_memory(const Control& control, const std::vector<MemoryPart>& parts, const char* advice) {
  double bytes = 0;
  std::string list;
  for (const MemoryPart& part : parts) {
    bytes += part.bytes;
    if (part.bytes > 0) list += fmt::format("{}{} {}", list.empty() ? "" : ", ", part.what, mebibytes(part.bytes));
  }
  if (!control.free_memory) return;
  const double free = control.free_memory();
  if (bytes > free)
    throw SystemError(kNoResource, "needs about {} of memory ({}), {:.0f} MiB are free: {}", mebibytes(bytes), list,
                      std::floor(free / kMiB), advice);
  control.say(fmt::format("needs about {} of memory ({})", mebibytes(bytes), list));
}

}  // namespace espalier
