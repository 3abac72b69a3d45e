#pragma once
/// HDF5 files that live in memory, for pipes: HDF5 needs random access, a pipe has none.

#include <string>

namespace espalier {

/// An anonymous file in memory with a path by which it can be opened; the memory goes when the object does.
class MemoryFile {
 public:
  MemoryFile();
  MemoryFile(MemoryFile&&) noexcept;
  MemoryFile& operator=(MemoryFile&&) noexcept;
  ~MemoryFile();
  std::string path() const;

  /// Everything that the descriptor still has to give. SystemError (71) before the last of the memory is taken.
  void fill_from(int descriptor, const std::string& name);
  /// Writes the whole contents; throws SystemError (74), or ReaderGone where the pipe has no reader.
  void drain_to(int descriptor, const std::string& name) const;

 private:
  int descriptor_ = -1;
};

/// What the first bytes of a file that is not HDF5 look like, with advice: "looks like gzip; tensor-import reads it".
std::string guess_format(const unsigned char* head, std::size_t size);

}  // namespace espalier
