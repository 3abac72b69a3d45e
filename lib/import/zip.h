#pragma once
/// The members of a zip archive, as far as NPZ needs them: stored or deflated, zip64 too. Source: PKWARE's APPNOTE.

#include <string>
#include <vector>

#include "import/stream.h"

namespace espalier {

/// The central directory. Every offset and size is held against the file; members that overlap the directory, are
/// encrypted or packed in another way are a DataError.
std::vector<FilePart> list_zip(const std::string& path);

}  // namespace espalier
