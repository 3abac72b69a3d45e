#include "h5/output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/error.h"
#include "base/unfinished.h"

namespace espalier {

namespace {

/// A new, empty file beside `target`, with the rights that the target has or would get.
std::string make_temporary(const std::string& target) {
  const std::size_t slash = target.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : target.substr(0, slash + 1);
  std::string path = folder + "." + target.substr(folder.size()) + ".XXXXXX";
  const int descriptor = ::mkstemp(path.data());
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

/// Takes `bytes` of disk, or of memory, before they are written.
void reserve(const std::string& path, std::size_t bytes, const std::string& name) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  int why = descriptor < 0 ? errno : EINTR;
  while (descriptor >= 0 && why == EINTR) why = ::posix_fallocate(descriptor, 0, off_t(bytes));
  if (descriptor >= 0) ::close(descriptor);
  if (why != 0 && why != EOPNOTSUPP && why != ENOSYS) throw SystemError(kNoOutput, "{}: {}", name, std::strerror(why));
}

bool is_special(const std::string& path) {
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

void refuse_directory(const std::string& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode))
    throw SystemError(kNoOutput, "{}: is a directory", path);
}

}  // namespace

Output::Output(std::string path) : target_(path == "-" ? "" : std::move(path)) {
  name_ = target_.empty() ? "standard output" : target_;
  if (target_.empty() && ::isatty(STDOUT_FILENO))
    throw UsageError("HDF5 is not written to a terminal: name a file with -o, or pipe into the next tool");
  if (target_.empty() || is_special(target_)) {
    image_.emplace();
    file_ = H5File::create(image_->path());
    return;
  }
  refuse_directory(target_);
  target_ = resolve(target_);
  temporary_ = make_temporary(target_);
  set_unfinished(temporary_.c_str());
  try {
    file_ = H5File::create(temporary_);
  } catch (...) {
    discard();
    throw;
  }
}

Output::~Output() { discard(); }

void Output::discard() {
  file_.reset();
  if (temporary_.empty()) return;
  ::unlink(temporary_.c_str());
  set_unfinished(nullptr);
}

void Output::pass_through(const H5File& input, const std::vector<std::string>& except) {
  // HDF5 1.10 crashes where the disk fills while it copies objects: the space is taken before, and the surplus given
  // back. Small objects may grow in the copy, hence the slack.
  const std::string path = image_ ? image_->path() : temporary_;
  reserve(path, input.bytes() + input.bytes() / 16 + (1 << 16), name_);
  file_->copy_all(input, except);
  if (::truncate(path.c_str(), off_t(file_->bytes())) != 0)
    throw SystemError(kNoOutput, "{}: {}", name_, std::strerror(errno));
}

void Output::add_history(const std::string& line, const std::string& object) {
  if (line.empty()) return;
  std::vector<std::string> lines = file_->texts_attribute(object, "history");
  lines.push_back(line);
  file_->set_attribute(object, "history", lines);
}

void Output::commit() {
  try {
    file_->close();
  } catch (const SystemError&) {
    throw SystemError(kNoOutput, "{}: cannot be written{}", name_,
                      errno == ENOSPC || errno == EFBIG ? ": no space left" : "");
  }
  if (!image_) {
    sync_and_rename(temporary_, target_);
    temporary_.clear();
    set_unfinished(nullptr);
    return;
  }
  const int descriptor = target_.empty() ? STDOUT_FILENO : ::open(target_.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) throw SystemError(kNoOutput, "{}: {}", name_, std::strerror(errno));
  image_->drain_to(descriptor, name_);
  if (!target_.empty() && ::close(descriptor) != 0) throw SystemError(kNoOutput, "{}: {}", name_, std::strerror(errno));
}

void write_file_atomically(const std::string& path, const std::string& bytes) {
  refuse_directory(path);
  const bool special = is_special(path);
  const std::string target = special ? path : resolve(path);
  const std::string at = special ? path : make_temporary(target);
  if (!special) set_unfinished(at.c_str());
  const auto fail = [&] {
    const int why = errno;
    if (!special) ::unlink(at.c_str());
    throw SystemError(kNoOutput, "{}: {}", path, std::strerror(why));
  };
  std::FILE* file = std::fopen(at.c_str(), "wb");
  if (!file) fail();
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size() && std::fflush(file) == 0;
  const int why = errno;
  if (std::fclose(file) != 0 || !written) {
    if (!written) errno = why;
    fail();
  }
  if (!special) sync_and_rename(at, target);
  set_unfinished(nullptr);
}

}  // namespace espalier
