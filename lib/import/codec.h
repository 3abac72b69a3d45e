#pragma once
/// PNG, JPEG, PGM and PPM images in memory, decoded to 8 bits per channel.

#include <string_view>

#include "import/picture.h"

namespace espalier {

/// By its first bytes. Values are those in the file: no gamma or colour profile is applied. 16 bits become the upper 8,
/// palettes colour, CMYK colour; transparency is dropped. An image that is truncated, damaged, of more than 2^28 values
/// or of another format is a DataError naming `file`.
Picture decode_picture(const std::string& file, std::string_view bytes);

bool is_picture(std::string_view head);                 ///< the first eight bytes
bool has_picture_suffix(const std::string& file_name);  ///< png, jpg, jpeg, pgm, ppm, pnm in any case

}  // namespace espalier
