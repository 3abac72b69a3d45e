#include "import/zip.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/error.h"

namespace espalier {

namespace {

constexpr std::uint32_t kEnd = 0x06054b50, kEnd64 = 0x06064b50, kLocator64 = 0x07064b50, kCentral = 0x02014b50,
                        kLocal = 0x04034b50;
constexpr std::size_t kEndSize = 22, kEnd64Size = 56, kLocator64Size = 20, kCentralSize = 46, kLocalSize = 30;
constexpr std::size_t kLongestComment = 65535;

/// A file read at given places; every read is held against its size.
class Archive {
 public:
  explicit Archive(const std::string& path) : name_(path), file_(path, std::ios::binary) {
    if (!file_) throw SystemError(kNoInput, "{}: {}", path, std::strerror(errno));
    file_.seekg(0, std::ios::end);
    size_ = std::uint64_t(std::max<std::streamoff>(0, file_.tellg()));
  }

  std::vector<unsigned char> bytes(std::uint64_t offset, std::uint64_t count) {
    if (offset > size_ || count > size_ - offset) throw DataError(name_, "", "is a truncated or damaged zip archive");
    std::vector<unsigned char> out(count);
    file_.clear();
    file_.seekg(std::streamoff(offset));
    file_.read(reinterpret_cast<char*>(out.data()), std::streamsize(count));
    if (!file_) throw DataError(name_, "", "is a truncated or damaged zip archive");
    return out;
  }

  [[noreturn]] void fail() const { throw DataError(name_, "", "is a truncated or damaged zip archive"); }
  std::uint64_t size() const { return size_; }
  const std::string& name() const { return name_; }

 private:
  std::string name_;
  std::ifstream file_;
  std::uint64_t size_ = 0;
};

/// A little-endian number of `size` bytes at `at`; beyond the end, 0 (callers have checked).
std::uint64_t number(const std::vector<unsigned char>& bytes, std::size_t at, int size) {
  std::uint64_t value = 0;
  for (int i = size; i-- > 0;) value = value << 8 | bytes[at + std::size_t(i)];
  return value;
}

struct Directory {
  std::uint64_t offset = 0, size = 0, entries = 0;
};

Directory find_directory(Archive& archive) {
  const std::uint64_t tail_size = std::min<std::uint64_t>(archive.size(), kEndSize + kLongestComment);
  const std::uint64_t tail_at = archive.size() - tail_size;
  const std::vector<unsigned char> tail = archive.bytes(tail_at, tail_size);
  if (tail_size < kEndSize) archive.fail();
  std::size_t at = tail.size() - kEndSize + 1;
  do {
    if (at-- == 0) archive.fail();
  } while (number(tail, at, 4) != kEnd);
  Directory directory{number(tail, at + 16, 4), number(tail, at + 12, 4), number(tail, at + 10, 2)};
  if (directory.offset != 0xffffffff && directory.size != 0xffffffff && directory.entries != 0xffff) return directory;

  if (tail_at + at < kLocator64Size) archive.fail();
  const std::vector<unsigned char> locator = archive.bytes(tail_at + at - kLocator64Size, kLocator64Size);
  if (number(locator, 0, 4) != kLocator64) archive.fail();
  const std::vector<unsigned char> end = archive.bytes(number(locator, 8, 8), kEnd64Size);
  if (number(end, 0, 4) != kEnd64) archive.fail();
  return {number(end, 48, 8), number(end, 40, 8), number(end, 32, 8)};
}

/// Sizes that do not fit 32 bits stand in the extra field 1, in this order, those only that are all ones before.
void read_zip64(const Archive& archive, const std::vector<unsigned char>& extra, FilePart& member) {
  for (std::size_t at = 0; at + 4 <= extra.size();) {
    const std::size_t id = number(extra, at, 2), size = number(extra, at + 2, 2), end = at + 4 + size;
    if (end > extra.size()) archive.fail();
    if (id == 1) {
      std::size_t place = at + 4;
      for (std::uint64_t* field : {&member.unpacked, &member.packed, &member.offset}) {
        if (*field != 0xffffffff) continue;
        if (place + 8 > end) archive.fail();
        *field = number(extra, place, 8);
        place += 8;
      }
    }
    at = end;
  }
}

/// The packed bytes follow the local header, whose name and extra field may be longer than the directory's.
void locate(Archive& archive, FilePart& member) {
  const std::vector<unsigned char> local = archive.bytes(member.offset, kLocalSize);
  if (number(local, 0, 4) != kLocal) archive.fail();
  member.offset += kLocalSize + number(local, 26, 2) + number(local, 28, 2);
  if (member.offset > archive.size() || member.packed > archive.size() - member.offset) archive.fail();
  constexpr std::uint64_t kMostPacked = 1032;
  if (member.packing == FilePart::Packing::deflate ? member.unpacked / kMostPacked > member.packed
                                                   : member.unpacked != member.packed)
    throw DataError(archive.name(), "", "claims {} bytes of {}, {} are stored", member.unpacked, member.name,
                    member.packed);
}

}  // namespace

std::vector<FilePart> list_zip(const std::string& path) {
  Archive archive(path);
  const Directory directory = find_directory(archive);
  const std::vector<unsigned char> bytes = archive.bytes(directory.offset, directory.size);
  std::vector<FilePart> members;
  std::size_t at = 0;
  for (std::uint64_t entry = 0; entry < directory.entries; ++entry) {
    if (at + kCentralSize > bytes.size() || number(bytes, at, 4) != kCentral) archive.fail();
    const std::size_t name_size = number(bytes, at + 28, 2), extra_size = number(bytes, at + 30, 2);
    const std::size_t method = number(bytes, at + 10, 2);
    FilePart member;
    member.crc = std::uint32_t(number(bytes, at + 16, 4));
    member.packed = number(bytes, at + 20, 4);
    member.unpacked = number(bytes, at + 24, 4);
    member.offset = number(bytes, at + 42, 4);
    const std::size_t name_at = at + kCentralSize, extra_at = name_at + name_size;
    if (extra_at + extra_size > bytes.size()) archive.fail();
    member.name.assign(bytes.begin() + std::ptrdiff_t(name_at), bytes.begin() + std::ptrdiff_t(extra_at));
    read_zip64(archive,
               {bytes.begin() + std::ptrdiff_t(extra_at), bytes.begin() + std::ptrdiff_t(extra_at + extra_size)},
               member);
    const bool encrypted = number(bytes, at + 8, 2) & 1;
    if (encrypted || (method != 0 && method != 8))
      throw DataError(path, "", "holds {} encrypted, or packed by method {}: expected stored or deflated", member.name,
                      method);
    member.packing = method == 8 ? FilePart::Packing::deflate : FilePart::Packing::stored;
    locate(archive, member);
    members.push_back(std::move(member));
    at = extra_at + extra_size + number(bytes, at + 32, 2);
  }
  return members;
}

}  // namespace espalier
