#include "base/memory.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <set>
#include <string_view>

namespace espalier {

namespace {

double highest = 0;  // over all resets

/// The figure behind a word in a file of words and figures; nothing where there is none.
double figure(const std::string& path, const std::string& name, double otherwise) {
  std::ifstream file(path);
  for (std::string word; file >> word;)
    if (word == name) {
      double value = otherwise;
      return file >> value ? value : otherwise;
    }
  return otherwise;
}

constexpr double kKibi = 1024;
constexpr double kUnbounded = std::numeric_limits<double>::infinity();

double high_water_mark() { return figure("/proc/self/status", "VmHWM:", 0) / kKibi; }

/// The one number of a file; without bounds where it says "max".
double number_in(const std::string& path) {
  std::ifstream file(path);
  double value = 0;
  return file >> value ? value : kUnbounded;
}

/// What the limits of a group and of those above it leave. Version 1 writes "no limit" as a number near 2^63, which is
/// as good as none.
double left_in_group(const std::string& mount, std::string path, const char* limit, const char* usage,
                     const char* files) {
  double left = kUnbounded;
  for (;;) {
    const std::string folder = mount + path;
    const double most = number_in(folder + "/" + limit), used = number_in(folder + "/" + usage);
    if (most < kUnbounded && used < kUnbounded)
      left = std::min(left, most - used + figure(folder + "/memory.stat", files, 0));
    if (path.empty()) return left;
    path.erase(path.rfind('/'));
  }
}

double left_in_groups(const std::string& root) {
  std::ifstream groups(root + "/proc/self/cgroup");
  double left = kUnbounded;
  for (std::string line; std::getline(groups, line);) {  // "4:memory:/a/b", or of version 2 "0::/a/b"
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::string path = line.substr(second + 1);
    if (path == "/" || path.empty() || path[0] != '/') path.clear();
    if (controllers.empty())
      left =
          std::min(left, left_in_group(root + "/sys/fs/cgroup", path, "memory.max", "memory.current", "inactive_file"));
    if (controllers == "memory")
      left = std::min(left, left_in_group(root + "/sys/fs/cgroup/memory", path, "memory.limit_in_bytes",
                                          "memory.usage_in_bytes", "total_inactive_file"));
  }
  return left;
}

/// Bytes of the files in memory that this process has open, each counted once. They are no part of what is resident.
double held_in_files() {
  constexpr std::string_view kMark = "/memfd:";
  constexpr double kBlock = 512;
  const std::string folder = "/proc/self/fd/";
  double bytes = 0;
  std::set<ino_t> counted;
  DIR* open = ::opendir(folder.c_str());
  while (const dirent* entry = open ? ::readdir(open) : nullptr) {
    char target[kMark.size()];
    const std::string path = folder + entry->d_name;
    struct stat status = {};
    if (::readlink(path.c_str(), target, sizeof target) == ssize_t(sizeof target) &&
        std::string_view(target, sizeof target) == kMark && ::stat(path.c_str(), &status) == 0 &&
        counted.insert(status.st_ino).second)
      bytes += kBlock * double(status.st_blocks);
  }
  if (open) ::closedir(open);
  return bytes;
}

/// What RLIMIT_AS leaves, which counts addresses, not memory.
double left_of_addresses() {
  struct rlimit limit = {};
  if (getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur == RLIM_INFINITY) return kUnbounded;
  return double(limit.rlim_cur) - kKibi * figure("/proc/self/status", "VmSize:", 0);
}

}  // namespace

double peak_memory_since() {
  const double peak = high_water_mark();
  highest = std::max(highest, peak);
  std::ofstream reset("/proc/self/clear_refs");
  return reset << "5" << std::flush ? peak : 0;
}

double held_memory() { return kKibi * figure("/proc/self/status", "VmRSS:", 0) + held_in_files(); }

double free_memory(const std::string& root) {
  const double available = kKibi * figure(root + "/proc/meminfo", "MemAvailable:", kUnbounded);
  return std::max(0.0, std::min({available, left_in_groups(root), left_of_addresses()}));
}

double peak_memory() { return std::max(highest, high_water_mark()); }

}  // namespace espalier
