#include "import/folder.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <regex>

#include "base/error.h"
#include "import/codec.h"
#include "import/stream.h"

namespace espalier {

namespace {

namespace fs = std::filesystem;

std::vector<std::string> folders_in(const fs::path& folder) {
  std::vector<std::string> names = names_in(folder.string());
  std::erase_if(names, [&](const std::string& name) { return !is_folder(folder / name); });
  return names;
}

/// Ids of the images in `folder` under `prefix`, with those in folders below where `deep`.
void gather(const fs::path& folder, const std::string& prefix, bool deep, std::vector<PictureFile>& files) {
  for (const std::string& name : names_in(folder.string())) {
    const fs::path path = folder / name;
    if (!is_folder(path)) {
      if (has_picture_suffix(name)) files.push_back({path.string(), prefix + name, -1});
    } else if (deep && !fs::is_symlink(path)) {
      gather(path, prefix + name + "/", deep, files);
    }
  }
}

/// A folder per class, the images in it or in folders below.
std::vector<PictureFile> class_folders(const fs::path& root, const std::string& prefix, ClassTable& classes) {
  std::vector<PictureFile> files;
  for (const std::string& name : folders_in(root)) {
    const std::size_t first = files.size();
    gather(root / name, prefix + name + "/", true, files);
    if (files.size() == first) continue;
    const std::int32_t code = classes.code(name);
    for (std::size_t i = first; i < files.size(); ++i) files[i].label = code;
  }
  return files;
}

std::vector<std::string> lines_of(const fs::path& path) {
  ByteStream stream = ByteStream::open(path.string());
  std::vector<std::string> lines;
  for (std::string line; stream.read_line(line);)
    if (!line.empty()) lines.push_back(line);
  return lines;
}

using ClassNumbers = std::map<std::string, std::int32_t>;

/// words.txt names far more classes than the set has: "n01443537<tab>goldfish, Carassius auratus".
std::vector<std::string> tiny_imagenet_names(const fs::path& root, const std::vector<std::string>& wnids,
                                             const ClassNumbers& numbers) {
  std::vector<std::string> names = wnids;
  std::error_code error;
  if (!fs::exists(root / "words.txt", error)) return names;
  for (const std::string& line : lines_of(root / "words.txt")) {
    const std::size_t tab = line.find('\t');
    const auto found = numbers.find(line.substr(0, tab));
    if (tab != std::string::npos && found != numbers.end()) names[std::size_t(found->second)] = line.substr(tab + 1);
  }
  return names;
}

/// val_annotations.txt: "val_0.JPEG<tab>n03444034<tab>box".
std::vector<PictureFile> tiny_imagenet_validation(const fs::path& root, const ClassNumbers& numbers) {
  const fs::path table = root / "val" / "val_annotations.txt";
  std::map<std::string, std::int32_t> class_of;
  for (const std::string& line : lines_of(table)) {
    const std::size_t tab = line.find('\t'), end = line.find('\t', tab + 1);
    const std::string wnid = tab == std::string::npos ? "" : line.substr(tab + 1, end - tab - 1);
    if (!numbers.count(wnid))
      throw DataError(table.string(), "", "has the line '{}' without a class of wnids.txt", line);
    class_of[line.substr(0, tab)] = numbers.at(wnid);
  }
  std::vector<PictureFile> files;
  gather(root / "val" / "images", "val/images/", false, files);
  for (PictureFile& file : files) {
    const auto found = class_of.find(fs::path(file.path).filename().string());
    if (found == class_of.end()) throw DataError(table.string(), "", "does not name {}", file.id);
    file.label = found->second;
  }
  return files;
}

PictureFolder tiny_imagenet(const fs::path& root, ClassTable& classes) {
  const std::vector<std::string> wnids = lines_of(root / "wnids.txt");
  ClassNumbers numbers;
  for (const std::string& wnid : wnids) numbers.emplace(wnid, std::int32_t(numbers.size()));
  if (numbers.size() != wnids.size()) throw DataError((root / "wnids.txt").string(), "", "names a class twice");
  PictureFolder out;
  for (const std::string& wnid : folders_in(root / "train")) {
    const auto found = numbers.find(wnid);
    if (found == numbers.end()) throw DataError((root / "wnids.txt").string(), "", "does not name the folder {}", wnid);
    const std::size_t first = out.training.size();
    gather(root / "train" / wnid, "train/" + wnid + "/", true, out.training);
    for (std::size_t i = first; i < out.training.size(); ++i) out.training[i].label = found->second;
  }
  if (is_folder(root / "val")) out.test = tiny_imagenet_validation(root, numbers);
  out.has_labels = true;
  classes.fix_names(tiny_imagenet_names(root, wnids, numbers));
  return out;
}

/// The folder of the second part, if there are two.
std::string test_folder(const fs::path& root) {
  if (!is_folder(root / "train")) return "";
  for (const char* name : {"test", "val", "valid", "validation"})
    if (is_folder(root / name)) return name;
  return "";
}

void label_by_pattern(std::vector<PictureFile>& files, const std::string& pattern, ClassTable& classes) {
  std::regex regex;
  try {
    regex.assign(pattern, std::regex::ECMAScript);
  } catch (const std::regex_error&) {
    throw UsageError("--label-pattern '{}' is no regular expression", pattern);
  }
  if (regex.mark_count() == 0) throw UsageError("--label-pattern '{}' has no group in parentheses", pattern);
  for (PictureFile& file : files) {
    std::smatch match;
    if (!std::regex_search(file.id, match, regex) || match[1].length() == 0)
      throw DataError(file.path, "", "does not match --label-pattern '{}'", pattern);
    file.label = classes.code(match[1].str());
  }
}

PictureFolder by_layout(const fs::path& root, ClassTable& classes) {
  std::error_code error;
  if (fs::exists(root / "wnids.txt", error) && is_folder(root / "train")) return tiny_imagenet(root, classes);
  PictureFolder out;
  if (const std::string test = test_folder(root); !test.empty()) {
    out.training = class_folders(root / "train", "train/", classes);
    out.test = class_folders(root / test, test + "/", classes);
    out.has_labels = !out.training.empty();
    if (out.has_labels) return out;
    out.test.clear();
  }
  gather(root, "", false, out.training);
  if (!out.training.empty()) return out;
  out.training = class_folders(root, "", classes);
  out.has_labels = true;
  return out;
}

}  // namespace

bool is_folder(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

std::vector<std::string> names_in(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    if (const std::string name = entry->path().filename().string(); name[0] != '.') names.push_back(name);
  if (error) throw SystemError(kNoInput, "{}: {}", folder, error.message());
  std::sort(names.begin(), names.end(), natural_less);
  return names;
}

bool holds_pictures(const std::string& folder) {
  for (const std::string& name : names_in(folder)) {
    const fs::path path = fs::path(folder) / name;
    if (is_folder(path) ? !fs::is_symlink(path) && holds_pictures(path.string()) : has_picture_suffix(name))
      return true;
  }
  return false;
}

PictureFolder list_pictures(const std::string& folder, const std::string& label_pattern, ClassTable& classes) {
  PictureFolder out;
  if (label_pattern.empty()) {
    out = by_layout(folder, classes);
  } else {
    const std::string test = test_folder(folder);
    if (test.empty()) {
      gather(folder, "", true, out.training);
    } else {
      gather(fs::path(folder) / "train", "train/", true, out.training);
      gather(fs::path(folder) / test, test + "/", true, out.test);
    }
    label_by_pattern(out.training, label_pattern, classes);
    label_by_pattern(out.test, label_pattern, classes);
    out.has_labels = true;
  }
  if (out.training.empty()) throw DataError(folder, "", "holds no PNG, JPEG, PGM or PPM images");
  return out;
}

PictureFolder list_pictures(const std::vector<std::string>& files, const std::string& label_pattern,
                            ClassTable& classes) {
  PictureFolder out;
  for (const std::string& file : files) out.training.push_back({file, fs::path(file).filename().string(), -1});
  if (!label_pattern.empty()) label_by_pattern(out.training, label_pattern, classes);
  out.has_labels = !label_pattern.empty();
  return out;
}

}  // namespace espalier
