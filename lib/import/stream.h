#pragma once
/// Bytes of a file, of standard input, or of one member of a zip archive, in order; gzip is unpacked on the way.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace espalier {

/// A stretch of a file that holds one packed thing: a member of a zip archive, a variable of a MATLAB file.
struct FilePart {
  enum class Packing { stored, deflate, zlib };
  std::string name;
  std::uint64_t offset = 0;  ///< of the packed bytes in the file
  std::uint64_t packed = 0;
  std::uint64_t unpacked = 0;  ///< or an upper bound
  Packing packing = Packing::stored;
  std::optional<std::uint32_t> crc;
};

/// Memory is one window of 256 KiB, or what peek() asks for. A damaged or truncated gzip stream, bytes after its end,
/// or gzip inside gzip is a DataError naming the file; what cannot be opened, or is a directory, a SystemError (66).
class ByteStream {
 public:
  /// A path, or "-" for standard input. An empty file is a DataError.
  static ByteStream open(const std::string& path);
  static ByteStream open_part(const std::string& file, const FilePart&);
  static ByteStream from_memory(std::string name, const void* bytes, std::size_t size);
  ByteStream(ByteStream&&) noexcept;
  ByteStream& operator=(ByteStream&&) noexcept;
  ~ByteStream();

  const std::string& name() const;  ///< for messages: the path, "standard input" or "file: part"

  /// The next bytes without taking them, fewer than `size` only where the stream ends. Valid until the next call.
  std::string_view peek(std::size_t size);
  bool at_end() { return peek(1).empty(); }
  /// Takes up to `size` bytes; fewer only where the stream ends.
  std::size_t read(void* out, std::size_t size);
  /// Takes `size` bytes, or throws a DataError: "ends inside WHAT".
  void read_exactly(void* out, std::size_t size, std::string_view what);
  void skip(std::size_t size, std::string_view what);
  /// Takes one line without its line end (LF, CRLF or CR LF at the end of the file); false at the end of the stream.
  bool read_line(std::string& line);

  /// Throws a DataError where `size` more bytes cannot be there: beyond the file, or beyond what its packed bytes can
  /// hold. A pipe can hold anything.
  void require_room(std::uint64_t size, std::string_view what) const;
  /// The same, to be called before memory for `size` bytes is allocated: what comes by a pipe is held to 1 GiB.
  void require_allocatable(std::uint64_t size, std::string_view what) const;
  /// Lets the stream end after `size` more bytes; at most 7 others, which fill up, may follow in the file.
  void end_after(std::uint64_t size);
  /// Throws a DataError where anything is left.
  void require_end(std::string_view after);

 private:
  struct State;
  explicit ByteStream(std::unique_ptr<State>);
  std::unique_ptr<State> state_;
};

}  // namespace espalier
