#include "h5/image.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/memory.h"

namespace espalier {

namespace {

constexpr std::size_t kBlock = std::size_t(1) << 20;

/// What is taken between two looks at what is free.
constexpr std::size_t kLook = std::size_t(16) << 20;

/// Writes all of `size` bytes; returns false with errno set.
bool write_all(int descriptor, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(descriptor, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes += written;
    size -= std::size_t(written);
  }
  return true;
}

}  // namespace

MemoryFile::MemoryFile() : descriptor_(::memfd_create("espalier", MFD_CLOEXEC)) {
  if (descriptor_ < 0) throw SystemError(kNoResource, "no memory file: {}", std::strerror(errno));
}

MemoryFile::MemoryFile(MemoryFile&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

MemoryFile& MemoryFile::operator=(MemoryFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

MemoryFile::~MemoryFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::string MemoryFile::path() const { return fmt::format("/proc/self/fd/{}", descriptor_); }

void MemoryFile::fill_from(int descriptor, const std::string& name) {
  std::vector<char> block(kBlock);
  for (std::size_t taken = 0, looked = 0;;) {
    const ssize_t got = ::read(descriptor, block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw SystemError(kNoInput, "{}: {}", name, std::strerror(errno));
    if (got == 0) return;
    taken += std::size_t(got);
    // The system kills a process that takes the last of the memory, without a word.
    if (taken >= looked + kLook) {
      looked = taken;
      if (free_memory() < 2 * kLook)
        throw SystemError(kNoResource, "{}: does not fit in memory, after {} MiB {:.0f} are free: name a file", name,
                          taken >> 20, free_memory() / (1 << 20));
    }
    if (!write_all(descriptor_, block.data(), std::size_t(got)))
      throw SystemError(kNoResource, "no memory for {}: {}", name, std::strerror(errno));
  }
}

void MemoryFile::drain_to(int descriptor, const std::string& name) const {
  std::vector<char> block(kBlock);
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(descriptor_, block.data(), block.size(), at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw SystemError(kNoResource, "memory file: {}", std::strerror(errno));
    if (got == 0) return;
    if (!write_all(descriptor, block.data(), std::size_t(got))) {
      if (errno == EPIPE) throw ReaderGone{};
      throw SystemError(kNoOutput, "{}: {}", name, std::strerror(errno));
    }
    at += got;
  }
}

std::string guess_format(const unsigned char* head, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(head), size);
  const auto starts = [&](std::string_view magic) { return bytes.substr(0, magic.size()) == magic; };
  const auto advice = [](std::string_view what) { return fmt::format("looks like {}; tensor-import reads it", what); };
  if (size == 0) return "is empty";
  if (starts("\x1f\x8b")) return advice("gzip");
  if (starts("\x93NUMPY")) return advice("NumPy's NPY");
  if (starts("PK\x03\x04")) return advice("a zip archive (NPZ?)");
  if (starts("\x89PNG")) return advice("a PNG image");
  if (starts("\xff\xd8\xff")) return advice("a JPEG image");
  if (starts("MATLAB 5.0")) return advice("a MATLAB 5 file");
  if (starts("P5") || starts("P6")) return advice("a PGM or PPM image");
  if (size >= 4 && head[0] == 0 && head[1] == 0 && head[2] >= 8 && head[2] <= 14 && head[3] >= 1 && head[3] <= 4)
    return advice("IDX");
  const bool text =
      std::all_of(bytes.begin(), bytes.end(), [](unsigned char c) { return c >= 32 || (c >= 9 && c <= 13); });
  return text ? advice("text (CSV? word vectors?)") : "is not HDF5";
}

}  // namespace espalier
