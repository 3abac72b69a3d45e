#include "h5/target.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <random>
#include <utility>

#include "base/error.h"
#include "base/unfinished.h"

namespace espalier {

namespace {

/// A name for a file beside `target`.
std::string temporary_name(const std::string& target) {
  static constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
  const std::size_t slash = target.rfind('/');
  const std::size_t folder = slash == std::string::npos ? 0 : slash + 1;
  std::string name = target.substr(0, folder) + "." + target.substr(folder) + ".";
  std::random_device random;
  for (int i = 0; i < 6; ++i) name += kLetters[random() % kLetters.size()];
  return name;
}

/// A new, empty file beside `target`, with the rights that the target has or would get. It is remembered before it is
/// there: a signal that comes while a busy disk makes it finds its name.
std::string make_temporary(const std::string& target) {
  std::string path;
  int descriptor = -1;
  do {
    path = temporary_name(target);
    set_unfinished(path.c_str());
    descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0) set_unfinished(nullptr);
  } while (descriptor < 0 && errno == EEXIST);
  if (descriptor < 0) throw SystemError(kNoOutput, "{}: {}", target, std::strerror(errno));
  struct stat old = {};
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::fchmod(descriptor, ::stat(target.c_str(), &old) == 0 ? old.st_mode & 0777 : 0666 & ~mask);
  ::close(descriptor);
  return path;
}

/// A link is followed to the file it names, so that the link itself survives.
std::string resolve(const std::string& path) {
  char* real = ::realpath(path.c_str(), nullptr);
  if (!real) return path;
  std::string resolved = real;
  std::free(real);
  return resolved;
}

/// Makes the renamed file durable; the folder too.
void sync_and_rename(const std::string& temporary, const std::string& target) {
  const auto fail = [&] { throw SystemError(kNoOutput, "{}: {}", target, std::strerror(errno)); };
  const int descriptor = ::open(temporary.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail();
  const bool synced = ::fsync(descriptor) == 0;
  ::close(descriptor);
  if (!synced || ::rename(temporary.c_str(), target.c_str()) != 0) fail();
  const std::size_t slash = target.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : target.substr(0, slash + 1);
  if (const int at = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); at >= 0) {
    ::fsync(at);
    ::close(at);
  }
}

void refuse_directory(const std::string& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode))
    throw SystemError(kNoOutput, "{}: is a directory", path);
}

}  // namespace

FileTarget::FileTarget(const std::string& path) {
  refuse_directory(path);
  target_ = resolve(path);
  temporary_ = make_temporary(target_);
}

FileTarget::~FileTarget() {
  if (temporary_.empty()) return;
  ::unlink(temporary_.c_str());
  set_unfinished(nullptr);
}

void FileTarget::commit() {
  sync_and_rename(temporary_, target_);
  temporary_.clear();
  set_unfinished(nullptr);
}

bool is_special(const std::string& path) {
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

ByteOutput::ByteOutput(const std::string& path) {
  if (path.empty() || path == "-") {
    name_ = "standard output";
    file_ = stdout;
    return;
  }
  name_ = path;
  if (!is_special(path)) target_.emplace(path);
  file_ = std::fopen(target_ ? target_->temporary().c_str() : path.c_str(), "wb");
  if (!file_) fail();
}

ByteOutput::~ByteOutput() {
  if (file_ && file_ != stdout) std::fclose(file_);
}

void ByteOutput::write(std::string_view bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) fail();
}

void ByteOutput::commit() {
  if (std::fflush(file_) != 0) fail();
  if (file_ == stdout) return;
  std::FILE* file = std::exchange(file_, nullptr);
  if (std::fclose(file) != 0) fail();
  if (target_) target_->commit();
}

void ByteOutput::fail() const {
  if (errno == EPIPE) throw ReaderGone{};
  throw SystemError(kNoOutput, "{}: {}", name_, std::strerror(errno));
}

}  // namespace espalier
