#include "import/mat5.h"

#include <filesystem>

#include "base/error.h"

namespace espalier {

namespace {

constexpr std::size_t kHeader = 128, kTag = 8, kMostAxes = 32, kLongestName = 4096;
constexpr std::uint64_t kMostPacked = 1032;

/// Types of data elements, as the format numbers them.
enum Stored : std::uint32_t { kInt8 = 1, kInt32 = 5, kUint32 = 6, kMatrix = 14, kCompressed = 15 };

/// Classes of arrays: 6 to 15 are double, single and the integers.
constexpr unsigned kFirstNumeric = 6, kLastNumeric = 15, kComplex = 0x08, kLogical = 0x02;

struct Tag {
  std::uint32_t type = 0, size = 0;
  bool small = false;  ///< up to four bytes stand in the tag itself
  unsigned char inside[4] = {};
};

/// Elements inside a variable.
class ElementReader {
 public:
  ElementReader(ByteStream& stream, bool big_endian) : stream_(stream), big_endian_(big_endian) {}

  std::uint32_t word(const unsigned char* raw) const {
    return big_endian_ ? std::uint32_t(raw[0]) << 24 | raw[1] << 16 | raw[2] << 8 | raw[3]
                       : std::uint32_t(raw[3]) << 24 | raw[2] << 16 | raw[1] << 8 | raw[0];
  }

  Tag tag() {
    unsigned char raw[kTag];
    stream_.read_exactly(raw, kTag, "a tag");
    Tag tag{word(raw), word(raw + 4), false, {}};
    if (tag.type >> 16 == 0) return tag;
    tag = {tag.type & 0xffff, tag.type >> 16, true, {raw[4], raw[5], raw[6], raw[7]}};
    if (tag.size > 4) throw DataError(stream_.name(), "", "has a damaged tag");
    return tag;
  }

  /// The bytes of an element that must have this type and at most this many bytes.
  std::vector<unsigned char> bytes(std::uint32_t type, std::size_t most, const char* what) {
    const Tag t = tag();
    if (t.type != type || t.size > most) throw DataError(stream_.name(), "", "has damaged {}", what);
    if (t.small) return {t.inside, t.inside + t.size};
    std::vector<unsigned char> out(t.size);
    stream_.read_exactly(out.data(), out.size(), what);
    stream_.skip((kTag - t.size % kTag) % kTag, what);
    return out;
  }

 private:
  ByteStream& stream_;
  bool big_endian_;
};

std::optional<ElementType> element_type(std::uint32_t stored, bool big_endian) {
  using Kind = ElementType::Kind;
  switch (stored) {
    case 1:
      return ElementType{Kind::signed_integer, 1, big_endian};
    case 2:
      return ElementType{Kind::unsigned_integer, 1, big_endian};
    case 3:
      return ElementType{Kind::signed_integer, 2, big_endian};
    case 4:
      return ElementType{Kind::unsigned_integer, 2, big_endian};
    case 5:
      return ElementType{Kind::signed_integer, 4, big_endian};
    case 6:
      return ElementType{Kind::unsigned_integer, 4, big_endian};
    case 7:
      return ElementType{Kind::real, 4, big_endian};
    case 9:
      return ElementType{Kind::real, 8, big_endian};
    case 12:
      return ElementType{Kind::signed_integer, 8, big_endian};
    case 13:
      return ElementType{Kind::unsigned_integer, 8, big_endian};
    default:
      return std::nullopt;
  }
}

/// Bytes that the shape and the type ask for; nothing where that overflows.
std::optional<std::uint64_t> bytes_of(const std::vector<std::size_t>& dims, const ElementType& type) {
  std::uint64_t bytes = type.bytes;
  for (std::size_t d : dims)
    if (__builtin_mul_overflow(bytes, std::uint64_t(d), &bytes)) return std::nullopt;
  return bytes;
}

/// Flags, shape, name and, for real numbers, the tag of the values. The stream stands behind the matrix's own tag.
MatArray read_array_header(ByteStream stream, bool big_endian) {
  ElementReader elements(stream, big_endian);
  MatArray array;
  const std::vector<unsigned char> flags = elements.bytes(kUint32, 8, "flags");
  if (flags.size() != 8) throw DataError(stream.name(), "", "has damaged flags");
  const std::uint32_t word = elements.word(flags.data());
  const std::vector<unsigned char> dims = elements.bytes(kInt32, 4 * kMostAxes, "dimensions");
  for (std::size_t i = 0; i + 4 <= dims.size(); i += 4) array.dims.push_back(elements.word(dims.data() + i));
  const std::vector<unsigned char> name = elements.bytes(kInt8, kLongestName, "a name");
  array.name.assign(name.begin(), name.end());
  const unsigned kind = word & 0xff, marks = word >> 8 & 0xff;
  if (kind < kFirstNumeric || kind > kLastNumeric || (marks & kComplex)) return array;

  const Tag tag = elements.tag();
  array.type = element_type(tag.type, big_endian);
  if (!array.type) throw DataError(stream.name(), array.name, "has values of the unknown type {}", tag.type);
  if ((marks & kLogical) && array.type->bytes == 1) array.type->kind = ElementType::Kind::boolean;
  if (bytes_of(array.dims, *array.type) != tag.size)
    throw DataError(stream.name(), array.name, "has {} bytes of values, which do not fit its shape", tag.size);
  if (tag.small) {
    array.values = ByteStream::from_memory(stream.name(), tag.inside, tag.size);
  } else {
    stream.require_room(tag.size, "values");
    stream.end_after(tag.size);
    array.values = std::move(stream);
  }
  return array;
}

}  // namespace

bool is_mat5(std::string_view head) {
  if (head.size() < kHeader) return false;
  const std::string_view mark = head.substr(126, 2);
  // The version stands before the mark: 1 for version 5, 2 for 7.3.
  return (mark == "IM" && head[125] == 1) || (mark == "MI" && head[124] == 1);
}

Mat5Reader::Mat5Reader(const std::string& path) : path_(path), offset_(kHeader) {
  ByteStream stream = ByteStream::open(path);
  const std::string_view head = stream.peek(kHeader);
  if (!is_mat5(head)) throw DataError(path, "", "is not a MATLAB file of version 5");
  big_endian_ = head[126] == 'M';
  std::error_code error;
  size_ = std::filesystem::file_size(path, error);
  if (error) throw SystemError(kNoInput, "{}: {}", path, error.message());
}

std::optional<MatArray> Mat5Reader::next() {
  while (offset_ < size_) {
    FilePart part{fmt::format("variable at byte {}", offset_),
                  offset_,
                  size_ - offset_,
                  size_ - offset_,
                  FilePart::Packing::stored,
                  std::nullopt};
    ByteStream stream = ByteStream::open_part(path_, part);
    const Tag tag = ElementReader(stream, big_endian_).tag();
    if (tag.small || tag.size > size_ - offset_ - kTag) throw DataError(path_, "", "ends inside {}", part.name);
    part.offset = offset_ + kTag;
    part.packed = part.unpacked = tag.size;
    offset_ += kTag + tag.size;
    if (tag.type != kMatrix && tag.type != kCompressed) continue;
    if (tag.type == kCompressed) {
      part.packing = FilePart::Packing::zlib;
      part.unpacked = part.packed * kMostPacked;
    }
    ByteStream inner = ByteStream::open_part(path_, part);
    if (tag.type == kCompressed && ElementReader(inner, big_endian_).tag().type != kMatrix)
      throw DataError(path_, "", "holds no matrix in {}", part.name);
    return read_array_header(std::move(inner), big_endian_);
  }
  return std::nullopt;
}

}  // namespace espalier
