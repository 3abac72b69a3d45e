#include "base/unfinished.h"

#include <unistd.h>

#include <atomic>
#include <cstring>

namespace espalier {

namespace {

char path_buffer[4096];
std::atomic<bool> present{false};

}  // namespace

void set_unfinished(const char* path) {
  present = false;
  if (!path || std::strlen(path) >= sizeof path_buffer) return;
  std::strcpy(path_buffer, path);
  present = true;
}

void remove_unfinished() {
  if (present.exchange(false)) ::unlink(path_buffer);
}

}  // namespace espalier
