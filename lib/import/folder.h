#pragma once
/// Folders of images: which files are samples, of which class and part.

#include <string>
#include <vector>

#include "import/classes.h"

namespace espalier {

struct PictureFile {
  std::string path, id;     ///< id: the path below the folder
  std::int32_t label = -1;  ///< a code of the table, or a class where the table's names are fixed
};

struct PictureFolder {
  std::vector<PictureFile> training, test;
  bool has_labels = false;
};

/// Understood are TinyImageNet's layout (train/CLASS/images, val/images with val_annotations.txt, wnids.txt,
/// words.txt), train and test (or val) with a folder per class each, a folder per class, and images side by side. Files
/// are in natural order; names that start with a dot, and files without an image's suffix, are passed over. DataError
/// where there is no image. A pattern (ECMAScript) takes the class from its first group, matched in the id of every
/// image at any depth, and must match; UsageError where it is malformed or has no group.
PictureFolder list_pictures(const std::string& folder, const std::string& label_pattern, ClassTable&);

/// The same for files named one by one.
PictureFolder list_pictures(const std::vector<std::string>& files, const std::string& label_pattern, ClassTable&);

/// Does the folder itself, or do its folders, hold images?
bool holds_pictures(const std::string& folder);

bool is_folder(const std::string& path);

/// Names in a folder, without those that start with a dot, in natural order. SystemError (66) where it cannot be read.
std::vector<std::string> names_in(const std::string& folder);

}  // namespace espalier
