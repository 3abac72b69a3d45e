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

/// Samples as images, channels x height x width floats each; 1 channel is grey, 3 are RGB. Only those shown are read,
/// and a thousand of the others where the brightness of these leaves the scale in doubt.
struct ImageSource {
  std::size_t channels = 0, height = 0, width = 0;
  std::size_t count = 0;  ///< samples
  std::function<void(std::size_t sample, float* out)> read;
};

struct Thumbnail {
  std::size_t sample = 0;
  Box box;  ///< mm
};

/// One for each cell that holds a sample; `size` mm is the longer side, cells have the shape of the images.
std::vector<Thumbnail> choose_thumbnails(std::span<const Spot>, const Box&, double size, const ImageSource&);

/// Images of the samples chosen, all on one scale of brightness. Black is 0, or the least value where some are below 0;
/// white is 1 where none is above, 255 where the greatest is from 128 to 255, else the greatest (16 for digits counted
/// in 0 to 16). Throws DataError where there are neither 1 nor 3 channels.
std::vector<Pixels> read_thumbnails(std::span<const Thumbnail>, const ImageSource&);

}  // namespace espalier
