#pragma once
/// Pictures of 8 bits per channel, and what is done to them before they are samples.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace espalier {

struct Picture {
  std::size_t width = 0, height = 0, channels = 0;  ///< channels: 1 grey, 3 red, green, blue
  std::vector<std::uint8_t> pixels;                 ///< row by row, channels interleaved
};

/// Throws a DataError for an image without pixels, or with more than 2^28 values.
void require_sane_size(const std::string& file, std::size_t width, std::size_t height, std::size_t channels);

/// Luma of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B, rounded.
Picture to_grey(const Picture&);
/// Grey three times over.
Picture to_color(const Picture&);

/// Each axis by itself: the average of the area that a pixel covers when shrinking, linear between pixel centres when
/// growing.
Picture resize(const Picture&, std::size_t width, std::size_t height);

}  // namespace espalier
