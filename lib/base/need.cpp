#include "base/need.h"

#include <fmt/format.h>

#include "base/error.h"

namespace espalier {

namespace {

std::string mebibytes(double bytes) { return fmt::format("{:.0f} MiB", bytes / (1 << 20)); }

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
    throw SystemError(kNoResource, "needs about {} of memory ({}), {} are free: {}", mebibytes(bytes), list,
                      mebibytes(free), advice);
  control.say(fmt::format("needs about {} of memory ({})", mebibytes(bytes), list));
}

}  // namespace espalier
