#include "import/npy.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace espalier {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kLongestHeader = 1 << 20;
constexpr std::size_t kMostAxes = 32;

struct NpyHeader {
  std::string descr;
  ArrayLayout layout;
};

/// The header's Python literal, read token by token: a dict of strings, booleans and one tuple of integers.
class HeaderParser {
 public:
  HeaderParser(const std::string& file, std::string_view text) : file_(file), text_(text) {}

  NpyHeader parse() {
    NpyHeader header;
    bool has_descr = false, has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr") {
        header.descr = descr();
        has_descr = true;
      } else if (key == "fortran_order") {
        header.layout.fortran = boolean();
        has_order = true;
      } else if (key == "shape") {
        header.layout.dims = tuple();
        has_shape = true;
      } else {
        fail();
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (!has_descr || !has_order || !has_shape) fail();
    return header;
  }

 private:
  [[noreturn]] void fail() const { throw DataError(file_, "", "has a malformed NPY header near byte {}", at_); }

  void skip_spaces() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  bool accept(char c) {
    skip_spaces();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail();
  }
  std::string quoted() {
    skip_spaces();
    const char quote = at_ < text_.size() ? text_[at_] : ' ';
    if (quote != '\'' && quote != '"') fail();
    const std::size_t stop = text_.find(quote, at_ + 1);
    if (stop == std::string_view::npos) fail();
    std::string word(text_.substr(at_ + 1, stop - at_ - 1));
    at_ = stop + 1;
    return word;
  }
  std::string descr() {
    if (accept('[')) throw DataError(file_, "", "holds records of several fields: save one array of numbers");
    return quoted();
  }
  bool boolean() {
    skip_spaces();
    for (const std::string_view word : {"True", "False"})
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return word == "True";
      }
    fail();
  }
  std::vector<std::size_t> tuple() {
    std::vector<std::size_t> sizes;
    expect('(');
    while (!accept(')')) {
      skip_spaces();
      std::size_t size = 0;
      const char* begin = text_.data() + at_;
      const auto [stop, error] = std::from_chars(begin, text_.data() + text_.size(), size);
      if (error != std::errc() || sizes.size() == kMostAxes) fail();
      at_ += std::size_t(stop - begin);
      accept('L');  // Python 2 wrote its long integers so
      sizes.push_back(size);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return sizes;
  }

  const std::string& file_;
  std::string_view text_;
  std::size_t at_ = 0;
};

NpyHeader read_header(ByteStream& stream) {
  unsigned char head[8], size[4] = {};
  stream.read_exactly(head, 8, "its NPY header");
  if (!is_npy({reinterpret_cast<const char*>(head), 6}) || head[6] < 1 || head[6] > 3)
    throw DataError(stream.name(), "", "is no NPY file of version 1, 2 or 3");
  stream.read_exactly(size, head[6] == 1 ? 2 : 4, "its NPY header");
  const std::size_t length =
      size[0] | std::size_t(size[1]) << 8 | std::size_t(size[2]) << 16 | std::size_t(size[3]) << 24;
  if (length > kLongestHeader) throw DataError(stream.name(), "", "claims an NPY header of {} bytes", length);
  std::string text(length, '\0');
  stream.read_exactly(text.data(), length, "its NPY header");
  return HeaderParser(stream.name(), text).parse();
}

struct Descr {
  char order = '|', kind = ' ';
  std::size_t size = 0;
};

Descr parse_descr(const std::string& file, const std::string& text) {
  Descr d;
  std::string_view rest = text;
  if (!rest.empty() && std::string_view("<>|=").find(rest[0]) != std::string_view::npos) {
    d.order = rest[0];
    rest.remove_prefix(1);
  }
  if (!rest.empty()) {
    d.kind = rest[0];
    rest.remove_prefix(1);
    std::from_chars(rest.data(), rest.data() + rest.size(), d.size);
  }
  if (d.kind == 'O') throw DataError(file, "", "holds pickled Python objects: save an array of numbers");
  return d;
}

ElementType number_type(const std::string& file, const std::string& text) {
  const Descr d = parse_descr(file, text);
  using Kind = ElementType::Kind;
  const bool big = d.order == '>';
  const bool width = d.size == 1 || d.size == 2 || d.size == 4 || d.size == 8;
  if (d.kind == 'f' && width && d.size > 1) return {Kind::real, d.size, big};
  if (d.kind == 'i' && width) return {Kind::signed_integer, d.size, big};
  if (d.kind == 'u' && width) return {Kind::unsigned_integer, d.size, big};
  if (d.kind == 'b' && d.size == 1) return {Kind::boolean, 1, big};
  throw DataError(file, "", "holds elements of type '{}', expected integers, floats or booleans", text);
}

void append_utf8(std::string& out, std::uint32_t c) {
  if (c < 0x80) {
    out += char(c);
  } else if (c < 0x800) {
    out += char(0xc0 | c >> 6);
    out += char(0x80 | (c & 63));
  } else if (c < 0x10000) {
    out += char(0xe0 | c >> 12);
    out += char(0x80 | (c >> 6 & 63));
    out += char(0x80 | (c & 63));
  } else {
    out += char(0xf0 | (c >> 18 & 7));
    out += char(0x80 | (c >> 12 & 63));
    out += char(0x80 | (c >> 6 & 63));
    out += char(0x80 | (c & 63));
  }
}

/// One string of a fixed width, zeros behind its end; UCS-4 for kind U.
std::string fixed_text(const unsigned char* raw, const Descr& d) {
  std::string text;
  if (d.kind == 'S') {
    text.assign(raw, raw + d.size);
    text.resize(std::min(text.find('\0'), text.size()));
    return text;
  }
  for (std::size_t i = 0; i < d.size; ++i, raw += 4) {
    const bool big = d.order == '>';
    const std::uint32_t c = std::uint32_t(raw[big ? 3 : 0]) | std::uint32_t(raw[big ? 2 : 1]) << 8 |
                            std::uint32_t(raw[big ? 1 : 2]) << 16 | std::uint32_t(raw[big ? 0 : 3]) << 24;
    if (c == 0) break;
    append_utf8(text, c);
  }
  return text;
}

std::vector<std::string> read_texts(ByteStream& stream, const Descr& d, std::size_t count) {
  const std::size_t width = d.kind == 'S' ? d.size : 4 * d.size;
  std::uint64_t bytes = 0;
  if (d.size == 0 || d.size > kLongestHeader ||
      __builtin_mul_overflow(std::uint64_t(count), std::uint64_t(width), &bytes))
    throw DataError(stream.name(), "", "claims {} texts of {} bytes", count, width);
  stream.require_allocatable(bytes, "labels");
  std::vector<unsigned char> raw(std::size_t(bytes) + 1);
  stream.read_exactly(raw.data(), std::size_t(bytes), "its labels");
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < count; ++i) texts.push_back(fixed_text(raw.data() + i * width, d));
  return texts;
}

}  // namespace

bool is_npy(std::string_view head) { return head.starts_with(kMagic); }

SourcePointer read_npy(ByteStream stream, Axes axes, std::optional<ImageSize> image) {
  NpyHeader header = read_header(stream);
  header.layout.type = number_type(stream.name(), header.descr);
  header.layout.axes = axes;
  header.layout.image = image;
  return read_array(std::move(stream), std::move(header.layout));
}

std::vector<std::string> read_npy_texts(ByteStream stream) {
  NpyHeader header = read_header(stream);
  const std::vector<std::size_t>& dims = header.layout.dims;
  const std::size_t count = element_count(stream.name(), dims);
  if (dims.empty() || count != std::max(dims.front(), dims.back()))
    throw DataError(stream.name(), "", "has {} axes, labels have one", dims.size());
  const Descr d = parse_descr(stream.name(), header.descr);
  if (d.kind == 'U' || d.kind == 'S') return read_texts(stream, d, count);
  header.layout.type = number_type(stream.name(), header.descr);
  std::vector<std::string> texts;
  for (std::int32_t label : read_label_array(stream, header.layout)) texts.push_back(fmt::format("{}", label));
  return texts;
}

}  // namespace espalier
