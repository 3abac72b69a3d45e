#pragma once
/// A file that appears whole or not at all: written beside its target under a temporary name, synced, renamed.

#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

namespace espalier {

/// The temporary file. It is removed by the destructor, and by a signal that ends the process, unless commit() came
/// first.
class FileTarget {
 public:
  /// Makes an empty file beside `path` with the rights that the target has or would get. A link is followed, so that it
  /// survives. Throws SystemError (74), for a directory too.
  explicit FileTarget(const std::string& path);
  FileTarget(const FileTarget&) = delete;
  FileTarget& operator=(const FileTarget&) = delete;
  ~FileTarget();

  const std::string& temporary() const { return temporary_; }
  /// Syncs and renames; the writer has closed the file.
  void commit();

 private:
  std::string target_, temporary_;
};

/// True for a device or a pipe, which is written in place.
bool is_special(const std::string& path);

/// Bytes in order, of any number: to a file as above, to a device or pipe, or to standard output ("" or "-").
class ByteOutput {
 public:
  explicit ByteOutput(const std::string& path);
  ~ByteOutput();
  /// Throws SystemError (74), or ReaderGone where a pipe has no reader.
  void write(std::string_view bytes);
  void commit();

 private:
  [[noreturn]] void fail() const;
  std::string name_;
  std::FILE* file_ = nullptr;
  std::optional<FileTarget> target_;
};

}  // namespace espalier
