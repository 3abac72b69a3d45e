#pragma once
/// Files that people write or read as text.

#include <string>

namespace espalier {

/// All bytes of a file. SystemError (66) where it cannot be opened or is a directory.
std::string read_text_file(const std::string& path);

}  // namespace espalier
