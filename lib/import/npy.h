#pragma once
/// NumPy's NPY, versions 1 to 3: magic, version, length, a Python dict of descr, fortran_order and shape, values.
/// Source: numpy.lib.format. NPZ is a zip archive (zip.h) of NPY members.

#include "import/array.h"

namespace espalier {

bool is_npy(std::string_view head);  ///< the first six bytes

/// Samples of integers, floats (float16 too) or booleans. `axes` and `image` as in ArrayLayout.
SourcePointer read_npy(ByteStream, Axes axes, std::optional<ImageSize> image);

/// A one-dimensional (or N x 1) array as labels: numbers become their decimal text, strings are taken as they are.
std::vector<std::string> read_npy_texts(ByteStream);

}  // namespace espalier
