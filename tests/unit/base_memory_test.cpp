#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/memory.h"
#include "base/need.h"

using namespace espalier;

namespace {

/// A folder that stands for /, and is gone at the end.
class FalseRoot {
 public:
  FalseRoot() {
    char name[] = "/tmp/espalier-root-XXXXXX";
    path_ = ::mkdtemp(name);
    write("/proc/meminfo", "MemTotal: 9000 kB\nMemAvailable: 8000 kB\n");
  }
  ~FalseRoot() { std::filesystem::remove_all(path_); }
  void write(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path_ + file).parent_path());
    std::ofstream(path_ + file) << text;
  }
  double free_kib() const { return free_memory(path_) / 1024; }

 private:
  std::string path_;
};

}  // namespace

TEST_CASE("free memory is what the system has available where no group has a limit") {
  const FalseRoot root;
  CHECK(root.free_kib() == 8000);
  root.write("/proc/self/cgroup", "0::/job\n");
  root.write("/sys/fs/cgroup/job/memory.max", "max\n");
  root.write("/sys/fs/cgroup/job/memory.current", "4096000\n");
  CHECK(root.free_kib() == 8000);
}

TEST_CASE("free memory is held to the tightest limit of a group and those above it, version 2") {
  const FalseRoot root;
  root.write("/proc/self/cgroup", "0::/slurm/job/step\n");
  root.write("/sys/fs/cgroup/slurm/job/memory.max", "5120000\n");
  root.write("/sys/fs/cgroup/slurm/job/memory.current", "2048000\n");
  root.write("/sys/fs/cgroup/slurm/job/memory.stat", "anon 1024000\ninactive_file 1024000\n");
  CHECK(root.free_kib() == 4000);
  root.write("/sys/fs/cgroup/slurm/memory.max", "3072000\n");
  root.write("/sys/fs/cgroup/slurm/memory.current", "2048000\n");
  CHECK(root.free_kib() == 1000);
}

TEST_CASE("free memory is held to the limit of a group of version 1, and is never less than nothing") {
  const FalseRoot root;
  root.write("/proc/self/cgroup", "5:cpu,cpuacct:/job\n4:memory:/job\n");
  root.write("/sys/fs/cgroup/memory/job/memory.limit_in_bytes", "3072000\n");
  root.write("/sys/fs/cgroup/memory/job/memory.usage_in_bytes", "1024000\n");
  CHECK(root.free_kib() == 2000);
  root.write("/sys/fs/cgroup/memory/job/memory.usage_in_bytes", "4096000\n");
  CHECK(root.free_kib() == 0);
  root.write("/sys/fs/cgroup/memory/job/memory.limit_in_bytes", "9223372036854771712\n");
  CHECK(root.free_kib() == 8000);
}

TEST_CASE("a need is refused where it is more than what is free, with the figures and the advice") {
  Control control;
  control.free_memory = [] { return 10.0 * (1 << 20); };
  CHECK_NOTHROW(require_memory(control, {{"samples", 10.0 * (1 << 20)}}, "lower --k"));
  CHECK_NOTHROW(require_memory({}, {{"samples", 1e18}}, "lower --k"));
  try {
    require_memory(control, {{"samples", 8.0 * (1 << 20)}, {"pairs", 4.0 * (1 << 20)}}, "lower --k");
    FAIL("no error");
  } catch (const SystemError& error) {
    CHECK(error.code() == kNoResource);
    CHECK(std::string(error.what()) ==
          "needs about 12 MiB of memory (samples 8 MiB, pairs 4 MiB), 10 MiB are free: lower --k");
  }
}
