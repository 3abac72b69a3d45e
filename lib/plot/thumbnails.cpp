#include "plot/thumbnails.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "tensor/matrix.h"

namespace espalier {

namespace {

struct Brightness {
  double black = 0, white = 255;
  std::uint8_t operator()(float x) const {
    return std::uint8_t(std::lround(std::clamp(255 * (x - black) / (white - black), 0.0, 255.0)));
  }
};

struct Range {
  float least = 0, most = 0;
  void take(const Matrix& values) {
    const auto [low, high] = std::minmax_element(values.data(), values.data() + values.size());
    least = std::min(least, *low);
    most = std::max(most, *high);
  }
  /// Bytes that are all dark: of a dark part of a set, or of a set that does not use the whole range.
  bool in_doubt() const { return least >= 0 && most > 1 && most < kLeastWhite; }

  static constexpr float kLeastWhite = 128;
};

/// The range of the images shown and, where that is in doubt, of a thousand spread evenly over the set.
Range range_of(const Matrix& shown, const ImageSource& source) {
  constexpr std::size_t most_read = 1000;
  Range range;
  range.take(shown);
  const std::size_t reads = std::min(source.count, most_read);
  Matrix image(1, shown.cols());
  for (std::size_t k = 0; k < reads && range.in_doubt(); ++k) {
    source.read(k * source.count / reads, image.data());
    range.take(image);
  }
  return range;
}

Brightness brightness_of(const Range& range) {
  if (range.least < 0) return {range.least, range.most};
  if (range.most <= 1) return {0, 1};
  return {0, range.most >= Range::kLeastWhite && range.most <= 255 ? 255.0 : double(range.most)};
}

Pixels to_pixels(const float* image, const ImageSource& source, const Brightness& brightness) {
  const std::size_t area = source.height * source.width;
  Pixels out{source.width, source.height, std::vector<std::uint8_t>(4 * area, 255)};
  for (std::size_t i = 0; i < area; ++i)
    for (std::size_t c = 0; c < 3; ++c)
      out.rgba[4 * i + c] = brightness(image[(source.channels == 3 ? c * area : 0) + i]);
  return out;
}

}  // namespace

std::vector<Thumbnail> choose_thumbnails(std::span<const Spot> spots, const Box& box, double size,
                                         const ImageSource& source) {
  const double longer = double(std::max(source.width, source.height));
  const double width = size * double(source.width) / longer, height = size * double(source.height) / longer;
  constexpr double gap = 1.06;  // cell to thumbnail
  const long columns = std::max(1l, long(box.width / (width * gap))),
             rows = std::max(1l, long(box.height / (height * gap)));
  const double cell_width = box.width / double(columns), cell_height = box.height / double(rows);
  struct Nearest {
    double distance = std::numeric_limits<double>::infinity();
    std::size_t sample = 0;
  };
  std::vector<Nearest> cells(std::size_t(columns * rows));
  const auto centre = [&](long column, long row) {
    return Place{box.x + (double(column) + 0.5) * cell_width, box.y + (double(row) + 0.5) * cell_height};
  };
  for (std::size_t i = 0; i < spots.size(); ++i) {
    const long column = std::clamp(long((spots[i].x - box.x) / cell_width), 0l, columns - 1);
    const long row = std::clamp(long((spots[i].y - box.y) / cell_height), 0l, rows - 1);
    const Place c = centre(column, row);
    const double distance = std::hypot(spots[i].x - c.x, spots[i].y - c.y);
    Nearest& cell = cells[std::size_t(row * columns + column)];
    if (distance < cell.distance) cell = {distance, i};
  }
  std::vector<Thumbnail> chosen;
  for (long row = 0; row < rows; ++row)
    for (long column = 0; column < columns; ++column) {
      const Nearest& cell = cells[std::size_t(row * columns + column)];
      if (!std::isfinite(cell.distance)) continue;
      const Place c = centre(column, row);
      chosen.push_back({cell.sample, {c.x - width / 2, c.y - height / 2, width, height}});
    }
  return chosen;
}

std::vector<Pixels> read_thumbnails(std::span<const Thumbnail> thumbnails, const ImageSource& source) {
  if ((source.channels != 1 && source.channels != 3) || source.height == 0 || source.width == 0)
    throw DataError("", "", "samples of {} x {} x {} are not images: 1 x H x W or 3 x H x W is needed", source.channels,
                    source.height, source.width);
  Matrix images(thumbnails.size(), source.channels * source.height * source.width);
  for (std::size_t i = 0; i < thumbnails.size(); ++i) source.read(thumbnails[i].sample, images.row(i));
  const Brightness brightness = brightness_of(range_of(images, source));
  std::vector<Pixels> out;
  for (std::size_t i = 0; i < thumbnails.size(); ++i) out.push_back(to_pixels(images.row(i), source, brightness));
  return out;
}

}  // namespace espalier
