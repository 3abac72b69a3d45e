#pragma once
/// PGM and PPM: P2 and P3 in decimal, P5 and P6 in bytes. Source: the pages pgm(5) and ppm(5) of Netpbm.

#include <string_view>

#include "import/picture.h"

namespace espalier {

bool is_pnm(std::string_view head);

/// Throws a DataError naming `file`.
Picture decode_pnm(const std::string& file, std::string_view bytes);

}  // namespace espalier
