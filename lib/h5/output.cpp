#include "h5/output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/error.h"

namespace espalier {

namespace {

/// Takes `bytes` of disk, or of memory, before they are written.
void reserve(const std::string& path, std::size_t bytes, const std::string& name) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  int why = descriptor < 0 ? errno : EINTR;
  while (descriptor >= 0 && why == EINTR) why = ::posix_fallocate(descriptor, 0, off_t(bytes));
  if (descriptor >= 0) ::close(descriptor);
  if (why != 0 && why != EOPNOTSUPP && why != ENOSYS) throw SystemError(kNoOutput, "{}: {}", name, std::strerror(why));
}

bool same_file(const std::string& a, const std::string& b) {
  std::error_code failed;
  if (a.empty() || a == "-" || b.empty() || b == "-") return false;
  return std::filesystem::weakly_canonical(a, failed) == std::filesystem::weakly_canonical(b, failed) ||
         std::filesystem::equivalent(a, b, failed);
}

}  // namespace

Output::Output(std::string path) : target_(path == "-" ? "" : std::move(path)) {
  name_ = target_.empty() ? "standard output" : target_;
  if (target_.empty() && ::isatty(STDOUT_FILENO))
    throw UsageError("HDF5 is not written to a terminal: name a file with -o, or pipe into the next tool");
  if (is_held_in_memory(target_)) {
    image_.emplace();
    file_ = H5File::create(image_->path(), name_);
    return;
  }
  temporary_.emplace(target_);
  file_ = H5File::create(temporary_->temporary(), name_);
}

Output::~Output() = default;

void Output::pass_through(const H5File& input, const std::vector<std::string>& except) {
  // HDF5 1.10 crashes where the disk fills while it copies objects: the space is taken before, and the surplus given
  // back. Small objects may grow in the copy, hence the slack.
  const std::string path = image_ ? image_->path() : temporary_->temporary();
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
    temporary_->commit();
    return;
  }
  const int descriptor = target_.empty() ? STDOUT_FILENO : ::open(target_.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) throw SystemError(kNoOutput, "{}: {}", name_, std::strerror(errno));
  image_->drain_to(descriptor, name_);
  if (!target_.empty() && ::close(descriptor) != 0) throw SystemError(kNoOutput, "{}: {}", name_, std::strerror(errno));
}

void write_file_atomically(const std::string& path, const std::string& bytes) {
  ByteOutput output(path);
  output.write(bytes);
  output.commit();
}

bool is_held_in_memory(const std::string& path) { return path.empty() || path == "-" || is_special(path); }

void require_writable(const std::string& path) {
  if (path.empty() || path == "-") {
    if (::isatty(STDOUT_FILENO))
      throw UsageError("HDF5 is not written to a terminal: name a file with -o, or pipe into the next tool");
    return;
  }
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (std::filesystem::is_directory(path)) throw SystemError(kNoOutput, "{}: is a directory", path);
  // A file is renamed into its folder; a device or a pipe is opened as it is.
  const std::string place = is_special(path) ? path : folder.empty() ? "." : folder.string();
  if (::access(place.c_str(), W_OK) != 0) throw SystemError(kNoOutput, "{}: {}", path, std::strerror(errno));
}

void require_apart(const char* option, const std::string& path, const std::vector<std::string>& others) {
  for (const std::string& other : others)
    if (same_file(path, other)) throw UsageError("{} would replace {}", option, other);
}

}  // namespace espalier
