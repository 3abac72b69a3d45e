#pragma once
/// N-dimensional arrays in a stream of bytes as samples: what IDX, STL-10, NPY, NPZ and MATLAB files come down to.

#include <optional>

#include "import/elements.h"
#include "import/source.h"
#include "import/stream.h"

namespace espalier {

/// How the axes behind the first become one sample.
enum class Axes {
  as_they_are,
  guess,              ///< uint8 of N x H x W x 1, 3 or 4 is taken for channels_last, else as they are
  channels_last,      ///< N x H x W x C becomes C x H x W
  planes_transposed,  ///< N x C x W x H (column-major images) becomes C x H x W
};

struct ImageSize {
  std::size_t width = 0, height = 0;
};

struct ArrayLayout {
  ElementType type;
  std::vector<std::size_t> dims;  ///< samples first
  bool fortran = false;           ///< the first axis runs fastest: the array is held in memory whole
  Axes axes = Axes::as_they_are;
  std::optional<ImageSize> image;  ///< a flat sample of C * H * W values is such an image
};

/// Samples of the array that the stream holds from here to its end. An N x H x W array gives 1 x H x W images.
/// DataError where the shape is absurd, one-dimensional, empty, or does not fit the bytes.
SourcePointer read_array(ByteStream, ArrayLayout);

/// The array as classes, one number each. DataError where one is not an integer of 32 bits.
std::vector<std::int32_t> read_label_array(ByteStream&, const ArrayLayout&);

/// C x H x W of a flat sample of C * H * W values; DataError where they are no images of this size.
std::vector<std::size_t> image_shape(const std::string& file, std::size_t values, ImageSize);

/// Number of elements; DataError where it overflows or an axis is 0.
std::size_t element_count(const std::string& file, const std::vector<std::size_t>& dims);

}  // namespace espalier
