#include "import/codec.h"

#include "base/error.h"
#include "import/jpeg.h"
#include "import/png.h"
#include "import/pnm.h"

namespace espalier {

bool is_picture(std::string_view head) { return is_png(head) || is_jpeg(head) || is_pnm(head); }

bool has_picture_suffix(const std::string& file_name) {
  const std::size_t dot = file_name.rfind('.');
  if (dot == std::string::npos) return false;
  std::string suffix = file_name.substr(dot + 1);
  for (char& c : suffix)
    if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
  for (const char* known : {"png", "jpg", "jpeg", "pgm", "ppm", "pnm"})
    if (suffix == known) return true;
  return false;
}

Picture decode_picture(const std::string& file, std::string_view bytes) {
  if (is_png(bytes)) return decode_png(file, bytes);
  if (is_jpeg(bytes)) return decode_jpeg(file, bytes);
  if (is_pnm(bytes)) return decode_pnm(file, bytes);
  throw DataError(file, "", "{}", bytes.empty() ? "is empty" : "is no PNG, JPEG, PGM or PPM image");
}

}  // namespace espalier
