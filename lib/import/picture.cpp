#include "import/picture.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace espalier {

namespace {

constexpr std::size_t kMostValues = std::size_t(1) << 28;

/// Which old pixels make a new one, and with what weights (they sum to 1).
struct Blend {
  std::size_t first = 0;
  std::vector<float> weights;
};

std::vector<Blend> blends(std::size_t from, std::size_t to) {
  std::vector<Blend> out(to);
  const double scale = double(from) / double(to);
  for (std::size_t i = 0; i < to; ++i) {
    Blend& blend = out[i];
    if (to > from) {
      // Pixel centres stand at half-integers; beyond the outermost the border goes on.
      const double centre = std::clamp((double(i) + 0.5) * scale - 0.5, 0.0, double(from - 1));
      blend.first = std::min(std::size_t(centre), from - 1);
      const float share = float(centre - double(blend.first));
      blend.weights = {1 - share};
      if (share > 0) blend.weights.push_back(share);
    } else {
      const double begin = double(i) * scale, end = begin + scale;
      blend.first = std::min(std::size_t(begin), from - 1);
      for (std::size_t j = blend.first; j < from && double(j) < end - 1e-9; ++j)
        blend.weights.push_back(float((std::min(end, double(j + 1)) - std::max(begin, double(j))) / scale));
    }
  }
  return out;
}

}  // namespace

void require_sane_size(const std::string& file, std::size_t width, std::size_t height, std::size_t channels) {
  if (width == 0 || height == 0 || width > kMostValues / height || width * height > kMostValues / channels)
    throw DataError(file, "", "claims {} x {} pixels, expected 1 to {} values", width, height, kMostValues);
}

Picture to_grey(const Picture& picture) {
  if (picture.channels == 1) return picture;
  Picture grey{picture.width, picture.height, 1, {}};
  grey.pixels.resize(picture.width * picture.height);
  for (std::size_t i = 0; i < grey.pixels.size(); ++i) {
    const std::uint8_t* p = picture.pixels.data() + 3 * i;
    grey.pixels[i] = std::uint8_t((299 * p[0] + 587 * p[1] + 114 * p[2] + 500) / 1000);
  }
  return grey;
}

Picture to_color(const Picture& picture) {
  if (picture.channels == 3) return picture;
  Picture color{picture.width, picture.height, 3, {}};
  for (std::uint8_t p : picture.pixels) color.pixels.insert(color.pixels.end(), 3, p);
  return color;
}

Picture resize(const Picture& picture, std::size_t width, std::size_t height) {
  if (picture.width == width && picture.height == height) return picture;
  const std::size_t c = picture.channels;
  const std::vector<Blend> across = blends(picture.width, width), down = blends(picture.height, height);
  std::vector<float> narrow(picture.height * width * c, 0.0f);
  for (std::size_t y = 0; y < picture.height; ++y)
    for (std::size_t x = 0; x < width; ++x)
      for (std::size_t j = 0; j < across[x].weights.size(); ++j)
        for (std::size_t k = 0; k < c; ++k)
          narrow[(y * width + x) * c + k] +=
              across[x].weights[j] * float(picture.pixels[(y * picture.width + across[x].first + j) * c + k]);
  Picture out{width, height, c, std::vector<std::uint8_t>(width * height * c)};
  const std::size_t row = width * c;
  std::vector<float> sum(row);
  for (std::size_t y = 0; y < height; ++y) {
    std::fill(sum.begin(), sum.end(), 0.0f);
    for (std::size_t j = 0; j < down[y].weights.size(); ++j)
      for (std::size_t i = 0; i < row; ++i) sum[i] += down[y].weights[j] * narrow[(down[y].first + j) * row + i];
    for (std::size_t i = 0; i < row; ++i)
      out.pixels[y * row + i] = std::uint8_t(std::clamp(std::lround(sum[i]), 0l, 255l));
  }
  return out;
}

}  // namespace espalier
