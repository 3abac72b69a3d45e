#pragma once
/// Where a tool's HDF5 output goes: a file that appears whole or not at all, or one image on standard output.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "h5/file.h"
#include "h5/image.h"
#include "h5/target.h"

namespace espalier {

class Output {
 public:
  /// `path` empty or "-": an image for standard output, which must not be a terminal (UsageError). A path that names a
  /// device or a pipe gets the image too; a file is written beside its target under a temporary name.
  explicit Output(std::string path);
  ~Output();  ///< without commit(), nothing is left behind

  H5File& file() { return *file_; }

  /// Copies everything that `input` holds except the root objects named in `except`.
  void pass_through(const H5File& input, const std::vector<std::string>& except = {});

  /// Adds a line to the history attribute of `object`; nothing for an empty line. The attributes of the input's history
  /// come with pass_through.
  void add_history(const std::string& line, const std::string& object = "/");

  /// Closes, syncs, renames or writes out. Throws SystemError (74).
  void commit();

  const std::string& name() const { return name_; }

 private:
  std::string target_, name_;
  std::optional<FileTarget> temporary_;
  std::optional<MemoryFile> image_;
  std::optional<H5File> file_;
};

/// Is an output to this path held in memory until it is whole? So it is on standard output, a pipe or a device.
bool is_held_in_memory(const std::string& path);

/// Refuses, before hours are spent, an output that cannot be written: a terminal (UsageError), a directory, a device
/// closed to us, or a file in a folder that is missing or closed to us (SystemError 74).
void require_writable(const std::string& path);

/// Refuses an output on the side, of an option such as "--log", that would replace one of the other files. UsageError.
void require_apart(const char* option, const std::string& path, const std::vector<std::string>& others);

/// Writes text to a file that appears whole or not at all.
void write_file_atomically(const std::string& path, const std::string& bytes);

}  // namespace espalier
