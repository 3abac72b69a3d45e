#include <cstdio>
// jpeglib.h needs size_t and FILE first.
#include <jerror.h>
#include <jpeglib.h>

#include <csetjmp>

#include "base/error.h"
#include "import/jpeg.h"

namespace espalier {

namespace {

/// What libjpeg needs, released by the destructor of the caller's frame.
struct JpegReader {
  jpeg_decompress_struct jpeg = {};
  jpeg_error_mgr errors = {};
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX] = "";
  ~JpegReader() { jpeg_destroy_decompress(&jpeg); }
};

[[noreturn]] void on_error(j_common_ptr common) {
  JpegReader& reader = *static_cast<JpegReader*>(common->client_data);
  reader.errors.format_message(common, reader.message);
  std::longjmp(reader.jump, 1);
}

/// libjpeg fills up what is missing with grey and goes on; such an image counts as damaged. Bytes between markers and
/// the like are harmless and common.
void on_message(j_common_ptr common, int level) {
  JpegReader& reader = *static_cast<JpegReader*>(common->client_data);
  if (level >= 0) return;
  switch (reader.errors.msg_code) {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_JFIF_MAJOR:
    case JWRN_ADOBE_XFORM:
    case JWRN_TOO_MUCH_DATA:
      return;
    default:
      on_error(common);
  }
}

/// Plain values only: left by longjmp.
bool read_header(JpegReader* reader, const unsigned char* bytes, std::size_t size) {
  if (setjmp(reader->jump)) return false;
  jpeg_create_decompress(&reader->jpeg);
  reader->jpeg.client_data = reader;
  jpeg_mem_src(&reader->jpeg, bytes, static_cast<unsigned long>(size));
  jpeg_read_header(&reader->jpeg, TRUE);
  const J_COLOR_SPACE space = reader->jpeg.jpeg_color_space;
  reader->jpeg.out_color_space = space == JCS_GRAYSCALE                   ? JCS_GRAYSCALE
                                 : space == JCS_CMYK || space == JCS_YCCK ? JCS_CMYK
                                                                          : JCS_RGB;
  jpeg_calc_output_dimensions(&reader->jpeg);
  return true;
}

/// Plain values only: left by longjmp.
bool read_pixels(JpegReader* reader, unsigned char* out, std::size_t stride) {
  if (setjmp(reader->jump)) return false;
  jpeg_start_decompress(&reader->jpeg);
  while (reader->jpeg.output_scanline < reader->jpeg.output_height) {
    unsigned char* row = out + reader->jpeg.output_scanline * stride;
    jpeg_read_scanlines(&reader->jpeg, &row, 1);
  }
  jpeg_finish_decompress(&reader->jpeg);
  return true;
}

/// Cyan, magenta, yellow and black to red, green and blue. Adobe's files hold the complement of the ink.
void cmyk_to_rgb(Picture& picture, bool inverted) {
  const std::size_t count = picture.width * picture.height;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* ink = picture.pixels.data() + 4 * i;
    const auto light = [&](int c) { return inverted ? int(ink[c]) : 255 - ink[c]; };
    const int rgb[3] = {light(0) * light(3) / 255, light(1) * light(3) / 255, light(2) * light(3) / 255};
    for (std::size_t c = 0; c < 3; ++c) picture.pixels[3 * i + c] = std::uint8_t(rgb[c]);
  }
  picture.channels = 3;
  picture.pixels.resize(3 * count);
}

}  // namespace

bool is_jpeg(std::string_view head) { return head.starts_with("\xff\xd8\xff"); }

Picture decode_jpeg(const std::string& file, std::string_view bytes) {
  JpegReader reader;
  reader.jpeg.err = jpeg_std_error(&reader.errors);
  reader.jpeg.client_data = &reader;
  reader.errors.error_exit = on_error;
  reader.errors.emit_message = on_message;
  const auto fail = [&] { throw DataError(file, "", "is a JPEG image that cannot be decoded: {}", reader.message); };
  if (!read_header(&reader, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size())) fail();

  Picture picture;
  picture.width = reader.jpeg.output_width;
  picture.height = reader.jpeg.output_height;
  picture.channels = std::size_t(reader.jpeg.out_color_components);
  require_sane_size(file, picture.width, picture.height, picture.channels);
  // A block of 8 x 8 takes a bit at least, and where colour is thinned out by 4 x 4, 18 blocks make 3072 values.
  constexpr std::size_t kMostPacked = 4096;
  if (picture.width * picture.height * picture.channels / kMostPacked > bytes.size())
    throw DataError(file, "", "claims {} x {} pixels in {} bytes", picture.width, picture.height, bytes.size());
  picture.pixels.resize(picture.width * picture.height * picture.channels);
  if (!read_pixels(&reader, picture.pixels.data(), picture.width * picture.channels)) fail();
  if (picture.channels == 4) cmyk_to_rgb(picture, reader.jpeg.saw_Adobe_marker);
  return picture;
}

}  // namespace espalier
