#pragma once
/// Image files as samples of C x H x W uint8.

#include <optional>

#include "base/control.h"
#include "import/array.h"
#include "import/folder.h"

namespace espalier {

enum class Color { as_is, grey, rgb };

struct PictureOptions {
  Color color = Color::as_is;
  std::optional<ImageSize> size;  ///< resize to this; else all images must have one size
  bool skip_broken = false;       ///< pass over images that cannot be decoded, with a note, instead of stopping
};

/// Decoded in parallel, a batch at a time; the first image gives the shape. Images of another size or number of
/// channels are a DataError naming both files.
SourcePointer read_pictures(std::vector<PictureFile>, bool has_labels, const PictureOptions&, const Control&);

}  // namespace espalier
