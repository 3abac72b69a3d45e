#include "import/png.h"

#include <png.h>

#include <csetjmp>
#include <cstring>

#include "base/error.h"

namespace espalier {

namespace {

struct Source {
  const unsigned char* next;
  std::size_t left;
};

/// What libpng needs, released by the destructor of the caller's frame.
struct PngReader {
  png_structp png = nullptr;
  png_infop info = nullptr;
  Source source = {};
  std::jmp_buf jump;
  char message[128] = "";
  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
};

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  PngReader& reader = *static_cast<PngReader*>(png_get_error_ptr(png));
  std::strncpy(reader.message, message, sizeof reader.message - 1);
  std::longjmp(reader.jump, 1);
}

void on_warning(png_structp, png_const_charp) {}

void read_bytes(png_structp png, png_bytep out, png_size_t size) {
  Source& source = *static_cast<Source*>(png_get_io_ptr(png));
  if (size > source.left) png_error(png, "it is truncated");
  std::memcpy(out, source.next, size);
  source.next += size;
  source.left -= size;
}

/// Reads up to the pixels and asks for 8-bit grey or RGB. Plain values only: left by longjmp.
bool read_header(PngReader* reader) {
  if (setjmp(reader->jump)) return false;
  png_set_read_fn(reader->png, &reader->source, read_bytes);
  png_read_info(reader->png, reader->info);
  png_set_strip_16(reader->png);
  png_set_expand(reader->png);
  png_set_strip_alpha(reader->png);
  return true;
}

/// `passes` is 7 for an interlaced image. Plain values only: left by longjmp.
bool read_pixels(PngReader* reader, unsigned char* out, std::size_t stride, std::size_t height) {
  if (setjmp(reader->jump)) return false;
  const int passes = png_set_interlace_handling(reader->png);
  png_read_update_info(reader->png, reader->info);
  for (int pass = 0; pass < passes; ++pass)
    for (std::size_t y = 0; y < height; ++y) png_read_row(reader->png, out + y * stride, nullptr);
  png_read_end(reader->png, nullptr);
  return true;
}

}  // namespace

bool is_png(std::string_view head) { return head.starts_with("\x89PNG\r\n\x1a\n"); }

Picture decode_png(const std::string& file, std::string_view bytes) {
  PngReader reader;
  reader.source = {reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()};
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, on_error, on_warning);
  if (reader.png) reader.info = png_create_info_struct(reader.png);
  if (!reader.info) throw SystemError(kNoResource, "{}: no memory to decode it", file);
  const auto fail = [&] { throw DataError(file, "", "is a PNG image that cannot be decoded: {}", reader.message); };
  if (!read_header(&reader)) fail();

  Picture picture;
  picture.width = png_get_image_width(reader.png, reader.info);
  picture.height = png_get_image_height(reader.png, reader.info);
  picture.channels = png_get_color_type(reader.png, reader.info) & PNG_COLOR_MASK_COLOR ? 3 : 1;
  require_sane_size(file, picture.width, picture.height, picture.channels);
  // One bit per pixel, deflated at most 1,032 to 1, is the least that a pixel takes.
  if (picture.width * picture.height / 8 / 1032 > bytes.size())
    throw DataError(file, "", "claims {} x {} pixels in {} bytes", picture.width, picture.height, bytes.size());
  picture.pixels.resize(picture.width * picture.height * picture.channels);
  if (!read_pixels(&reader, picture.pixels.data(), picture.width * picture.channels, picture.height)) fail();
  return picture;
}

}  // namespace espalier
