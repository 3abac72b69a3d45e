#pragma once
/// Pictures of samples on their map: the plane is cut into cells of the size of a thumbnail, and in each cell the
/// sample nearest to its centre is shown, so that no two overlap.

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "plot/canvas.h"
#include "plot/projection.h"

namespace espalier {

/// Samples as images, channels x height x width floats each; 1 channel is grey, 3 are RGB. Only those shown are read.
struct ImageSource {
  std::size_t channels = 0, height = 0, width = 0;
  std::function<void(std::size_t sample, float* out)> read;
};

struct Thumbnail {
  std::size_t sample = 0;
  Box box;  ///< mm
};

/// One for each cell that holds a sample; `size` mm is the longer side, cells have the shape of the images.
std::vector<Thumbnail> choose_thumbnails(std::span<const Spot>, const Box&, double size, const ImageSource&);

/// Images of the samples chosen, all on one scale of brightness: 0 to 255 as it is, 0 to 1 times 255, anything else
/// stretched from its least to its greatest value. Throws DataError where there are neither 1 nor 3 channels.
std::vector<Pixels> read_thumbnails(std::span<const Thumbnail>, const ImageSource&);

}  // namespace espalier
