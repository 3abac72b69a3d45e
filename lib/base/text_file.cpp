#include "base/text_file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/error.h"

namespace espalier {

std::string read_text_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw SystemError(kNoInput, "{}: {}", path, std::strerror(errno));
  if (std::filesystem::is_directory(path)) throw SystemError(kNoInput, "{}: {}", path, std::strerror(EISDIR));
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace espalier
