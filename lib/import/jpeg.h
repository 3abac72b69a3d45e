#pragma once
/// JPEG through libjpeg, which reports errors by longjmp: functions that may be left that way hold plain values only.

#include <string_view>

#include "import/picture.h"

namespace espalier {

bool is_jpeg(std::string_view head);

/// Throws a DataError naming `file`.
Picture decode_jpeg(const std::string& file, std::string_view bytes);

}  // namespace espalier
