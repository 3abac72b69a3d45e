#include "import/kind.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "base/error.h"
#include "import/codec.h"
#include "import/folder.h"
#include "import/idx.h"
#include "import/npy.h"
#include "import/words.h"

namespace espalier {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHead = 4096;

bool is_text(std::string_view head) {
  return std::all_of(head.begin(), head.end(), [](char c) {
    const auto u = static_cast<unsigned char>(c);
    return u >= 32 ? u != 127 : u >= 9 && u <= 13;
  });
}

std::string suffix_of(const std::string& path) {
  std::string name = fs::path(path).filename().string();
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  const std::size_t dot = name.rfind('.');
  return dot == std::string::npos ? "" : name.substr(dot + 1);
}

/// CIFAR's records have no magic: the length and the name must do.
ImportKind kind_of_bin(const std::string& path) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  if (error || size == 0) return ImportKind::guess;
  const std::string name = fs::path(path).filename().string();
  if (name.ends_with("_X.bin")) return ImportKind::stl10;
  if (size % 3073 == 0 && size % 3074 != 0) return ImportKind::cifar10;
  if (size % 3074 == 0 && size % 3073 != 0) return ImportKind::cifar100;
  return ImportKind::guess;
}

/// Formats that people hold in their hands, with what to do about them.
std::string what_else(std::string_view head) {
  if (head.starts_with("\x89HDF\r\n\x1a\n")) return "is HDF5 already: the tools read it as it is";
  if (head.size() > 262 && head.substr(257, 5) == "ustar") return "is a tar archive: unpack it first";
  if (head.size() > 2 && head[0] == '\x80' && head[1] >= 2 && head[1] <= 5)
    return "is a Python pickle: save NPY, or take the binary version of the set";
  return "is of no format that can be told; --kind names it";
}

bool is_idx_name(const std::string& name) {
  return name.find("images") != std::string::npos && name.find("idx") != std::string::npos;
}

ImportKind kind_of_names(const std::string& folder, const std::vector<std::string>& names) {
  const auto has = [&](const char* name) { return std::find(names.begin(), names.end(), name) != names.end(); };
  if (has("data_batch_1.bin") || has("test_batch.bin")) return ImportKind::cifar10;
  if (has("train_X.bin") || has("test_X.bin")) return ImportKind::stl10;
  if (has("train.bin") || has("fine_label_names.txt")) return ImportKind::cifar100;
  if (std::any_of(names.begin(), names.end(), is_idx_name)) return ImportKind::idx;
  return holds_pictures(folder) ? ImportKind::images : ImportKind::guess;
}

}  // namespace

ImportKind kind_of_bytes(std::string_view head) {
  if (is_npy(head)) return ImportKind::npy;
  if (head.starts_with("PK\x03\x04") || head.starts_with("PK\x05\x06")) return ImportKind::npz;
  if (head.starts_with("MATLAB 5.0") || head.starts_with("MATLAB 7.3")) return ImportKind::mat;
  if (is_idx(head)) return ImportKind::idx;
  if (is_picture(head)) return ImportKind::images;
  if (!is_text(head)) return ImportKind::guess;
  return looks_like_words(head) ? ImportKind::words : ImportKind::table;
}

ImportKind kind_of_file(const std::string& path) {
  ByteStream stream = ByteStream::open(path);
  const std::string_view head = stream.peek(kHead);
  const std::string suffix = suffix_of(path);
  const ImportKind by_content = kind_of_bytes(head);
  if (by_content == ImportKind::words && (suffix == "csv" || suffix == "tsv")) return ImportKind::table;
  if (by_content != ImportKind::guess) return by_content;
  if (suffix == "mat") return ImportKind::mat;
  const ImportKind by_name = suffix == "bin" ? kind_of_bin(path) : ImportKind::guess;
  if (by_name == ImportKind::guess) throw DataError(path, "", "{}", what_else(head));
  return by_name;
}

Found kind_of_folder(const std::string& path) {
  const std::vector<std::string> names = names_in(path);
  if (names.size() == 1 && is_folder(path + "/" + names[0])) {
    const std::string inner = path + "/" + names[0];
    // A link that leads back up would never end.
    if (!fs::is_symlink(inner)) return kind_of_folder(inner);
  }
  const ImportKind kind = kind_of_names(path, names);
  if (kind == ImportKind::guess)
    throw DataError(path, "", "holds neither images nor MNIST, CIFAR or STL-10 by their published names");
  return {kind, path};
}

}  // namespace espalier
