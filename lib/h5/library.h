#pragma once
/// The HDF5 library as a whole, and a handle that closes itself. hdf5.h is included by the .cpp files of this room
/// only.

#include <cstdint>
#include <string>
#include <utility>

namespace espalier {

/// Silences HDF5's own error stack and switches file locking off (shared cluster file systems refuse it).
/// Called before a file is opened or made.
void silence_hdf5();

/// An HDF5 identifier with the function that closes it.
class Handle {
 public:
  using Id = std::int64_t;
  using Closer = int (*)(Id);

  Handle() = default;
  Handle(Id id, Closer closer) : id_(id), closer_(closer) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), closer_(other.closer_) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(closer_, other.closer_);
    return *this;
  }
  ~Handle() { close(); }

  operator Id() const { return id_; }
  bool valid() const { return id_ >= 0; }
  /// Closes now; false where HDF5 reports that it could not (data not written).
  bool close() { return id_ < 0 || closer_(std::exchange(id_, -1)) >= 0; }

 private:
  Id id_ = -1;
  Closer closer_ = nullptr;
};

// Closers for handles.
int close_file(Handle::Id);
int close_dataset(Handle::Id);
int close_object(Handle::Id);
int close_group(Handle::Id);
int close_space(Handle::Id);
int close_type(Handle::Id);
int close_attribute(Handle::Id);
int close_properties(Handle::Id);

/// A new property list of class `cls`.
Handle properties(Handle::Id cls);

/// How to reach `path`: the default driver resolves symbolic links by name, which leads nowhere for a memory file under
/// /proc/self/fd; the stdio driver just opens it.
Handle access_properties(const std::string& path);

}  // namespace espalier
