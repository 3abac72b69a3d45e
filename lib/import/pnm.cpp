#include "import/pnm.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"

namespace espalier {

namespace {

/// A value is one byte, or two, big-endian, where the largest is above 255.
class PnmReader {
 public:
  PnmReader(const std::string& file, std::string_view bytes) : file_(file), bytes_(bytes), at_(2) {}

  Picture read() {
    const char form = bytes_[1];
    Picture picture;
    picture.channels = form == '3' || form == '6' ? 3 : 1;
    picture.width = number();
    picture.height = number();
    const std::size_t most = number();
    if (most < 1 || most > 65535) throw DataError(file_, "", "claims a largest value of {}", most);
    require_sane_size(file_, picture.width, picture.height, picture.channels);
    const bool decimal = form == '2' || form == '3';
    const std::size_t count = picture.width * picture.height * picture.channels, bytes = most > 255 ? 2 : 1;
    if (!decimal) ++at_;  // the one space behind the header
    if (at_ > bytes_.size() || (bytes_.size() - at_) / (decimal ? 2 : bytes) < count - (decimal ? 1 : 0)) fail();
    picture.pixels.resize(count);
    for (std::uint8_t& pixel : picture.pixels) {
      const std::size_t value = decimal ? number() : binary(bytes);
      if (value > most) throw DataError(file_, "", "has a value of {}, above its largest of {}", value, most);
      pixel = std::uint8_t((value * 255 + most / 2) / most);
    }
    return picture;
  }

 private:
  [[noreturn]] void fail() const { throw DataError(file_, "", "is a truncated or damaged PGM or PPM image"); }

  std::size_t binary(std::size_t bytes) {
    std::size_t value = static_cast<unsigned char>(bytes_[at_++]);
    if (bytes == 2) value = value << 8 | static_cast<unsigned char>(bytes_[at_++]);
    return value;
  }

  /// A decimal number; a comment runs from # to the end of its line.
  std::size_t number() {
    while (at_ < bytes_.size() &&
           (std::string_view(" \t\r\n").find(bytes_[at_]) != std::string_view::npos || bytes_[at_] == '#'))
      at_ = bytes_[at_] == '#' ? std::min(bytes_.find('\n', at_), bytes_.size()) : at_ + 1;
    std::size_t value = 0;
    const auto [stop, error] = std::from_chars(bytes_.data() + at_, bytes_.data() + bytes_.size(), value);
    if (error != std::errc()) fail();
    at_ = std::size_t(stop - bytes_.data());
    return value;
  }

  const std::string& file_;
  std::string_view bytes_;
  std::size_t at_;
};

}  // namespace

bool is_pnm(std::string_view head) {
  return head.size() > 2 && head[0] == 'P' && std::string_view("2356").find(head[1]) != std::string_view::npos &&
         std::string_view(" \t\r\n#").find(head[2]) != std::string_view::npos;
}

Picture decode_pnm(const std::string& file, std::string_view bytes) {
  if (!is_pnm(bytes)) throw DataError(file, "", "is no PGM or PPM image");
  return PnmReader(file, bytes).read();
}

}  // namespace espalier
