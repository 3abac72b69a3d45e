/// PNG, JPEG, PGM and PPM; what is decoded is also turned to grey, to colour and to another size.

#include "../unit/import_making.h"
#include "fuzz.h"
#include "import/codec.h"

using namespace espalier;

std::vector<std::string> fuzz_seeds() {
  const Picture grey{4, 3, 1, std::vector<std::uint8_t>(12, 7)}, colour{4, 3, 3, std::vector<std::uint8_t>(36, 200)},
      ink{4, 3, 4, std::vector<std::uint8_t>(48, 90)};
  return {png_bytes(grey),
          png_bytes(colour),
          png_bytes(4, 3, {PNG_COLOR_TYPE_RGBA, 16, true}, std::vector<std::uint8_t>(96, 9)),
          png_bytes(4, 3, {PNG_COLOR_TYPE_PALETTE, 2, false}, std::vector<std::uint8_t>(3, 0x1b)),
          jpeg_bytes(grey, JCS_GRAYSCALE),
          jpeg_bytes(colour, JCS_RGB),
          jpeg_bytes(ink, JCS_CMYK),
          "P2\n# a comment\n2 2\n255\n0 1 2 3\n",
          "P3 1 2 15 1 2 3 4 5 6",
          std::string("P5 2 2 65535\n\0\1\0\2\0\3\0\4", 21),
          "P6 1 1 255\nabc"};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  return refuse_or_read([&] {
    const Picture picture = decode_picture("input", {reinterpret_cast<const char*>(bytes), size});
    if (picture.pixels.size() > std::size_t(1) << 16) return;
    resize(to_grey(picture), 3, 5);
    resize(to_color(picture), 8, 2);
  });
}
