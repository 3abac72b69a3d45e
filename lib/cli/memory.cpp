#include "cli/memory.h"

#include <algorithm>
#include <fstream>
#include <string>

namespace espalier {

namespace {

double highest = 0;  // over all resets

double high_water_mark() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "VmHWM:") {
      double kilobytes = 0;
      status >> kilobytes;
      return kilobytes / 1024;
    }
  return 0;
}

}  // namespace

double peak_memory_since() {
  const double peak = high_water_mark();
  highest = std::max(highest, peak);
  std::ofstream reset("/proc/self/clear_refs");
  return reset << "5" << std::flush ? peak : 0;
}

double peak_memory() { return std::max(highest, high_water_mark()); }

}  // namespace espalier
