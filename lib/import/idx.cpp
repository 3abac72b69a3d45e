#include "import/idx.h"

#include "base/error.h"

namespace espalier {

namespace {

constexpr int kMostAxes = 8;

bool element_type(unsigned char code, ElementType& type) {
  using Kind = ElementType::Kind;
  switch (code) {
    case 0x08:
      type = {Kind::unsigned_integer, 1, true};
      return true;
    case 0x09:
      type = {Kind::signed_integer, 1, true};
      return true;
    case 0x0b:
      type = {Kind::signed_integer, 2, true};
      return true;
    case 0x0c:
      type = {Kind::signed_integer, 4, true};
      return true;
    case 0x0d:
      type = {Kind::real, 4, true};
      return true;
    case 0x0e:
      type = {Kind::real, 8, true};
      return true;
    default:
      return false;
  }
}

ArrayLayout read_header(ByteStream& stream) {
  unsigned char head[4];
  stream.read_exactly(head, 4, "its IDX header");
  ArrayLayout layout;
  if (!is_idx({reinterpret_cast<const char*>(head), 4}) || !element_type(head[2], layout.type))
    throw DataError(stream.name(), "", "starts with {:02x} {:02x} {:02x} {:02x}, expected the magic number of IDX",
                    head[0], head[1], head[2], head[3]);
  for (int axis = 0; axis < head[3]; ++axis) {
    unsigned char size[4];
    stream.read_exactly(size, 4, "its IDX header");
    layout.dims.push_back(std::size_t(size[0]) << 24 | std::size_t(size[1]) << 16 | std::size_t(size[2]) << 8 |
                          size[3]);
  }
  return layout;
}

}  // namespace

bool is_idx(std::string_view head) {
  ElementType type;
  return head.size() >= 4 && head[0] == 0 && head[1] == 0 && element_type(static_cast<unsigned char>(head[2]), type) &&
         head[3] >= 1 && head[3] <= kMostAxes;
}

SourcePointer read_idx(ByteStream stream) {
  ArrayLayout layout = read_header(stream);
  return read_array(std::move(stream), std::move(layout));
}

std::vector<std::int32_t> read_idx_labels(ByteStream stream) {
  const ArrayLayout layout = read_header(stream);
  if (layout.dims.size() != 1) throw DataError(stream.name(), "", "has {} axes, labels have one", layout.dims.size());
  return read_label_array(stream, layout);
}

}  // namespace espalier
