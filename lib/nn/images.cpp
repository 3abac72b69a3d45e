#include "nn/images.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/parallel.h"
#include "base/random.h"

namespace espalier {

namespace {

/// Streams of random numbers; none is shared with another use.
constexpr std::uint64_t kShuffle = 0x5348, kHoldout = 0x484f, kChoice = 0x6368, kAugment = 0x4155;
constexpr std::size_t kImagesPerChunk = 16;
constexpr double kLeastDeviation = 1e-30;  ///< below it, 1 / deviation nears the end of float's range
constexpr int kSmallestShare = 8;          ///< of its side, by which an image is shifted at most

/// Calls body(pixel pointer of row i as its own type, scale to [0, 1]) for the storage at hand.
template <class Body>
void with_pixels(const ImageSet& images, Body&& body) {
  if (const auto* bytes = std::get_if<Buffer<std::uint8_t>>(&images.pixels))
    body(bytes->data(), 1.0f / 255);
  else
    body(std::get<Buffer<float>>(images.pixels).data(), 1.0f);
}

/// What chance does to one image.
struct Change {
  int down = 0, right = 0;  ///< where the image's corner goes
  bool flipped = false;
  int cut_top = 0, cut_left = 0, cut_bottom = 0, cut_right = 0;  ///< empty: no cutout
};

Change draw_change(const ImageSet& images, const AugmentOptions& options, const Random& random, std::uint64_t row) {
  const auto draw = [&](std::uint64_t which, int n) { return int(random.below(8 * row + which, std::uint64_t(n))); };
  Change change;
  const int down = std::min(options.crop, images.height / kSmallestShare);
  const int right = std::min(options.crop, images.width / kSmallestShare);
  change.down = draw(0, 2 * down + 1) - down;
  change.right = draw(1, 2 * right + 1) - right;
  change.flipped = options.flip && draw(2, 2) == 1;
  if (options.cutout > 0) {
    const int top = draw(3, images.height) - options.cutout / 2, left = draw(4, images.width) - options.cutout / 2;
    change.cut_top = std::max(0, top);
    change.cut_left = std::max(0, left);
    change.cut_bottom = std::min(images.height, top + options.cutout);
    change.cut_right = std::min(images.width, left + options.cutout);
  }
  return change;
}

template <class T>
void load_changed(const T* image, const ImageSet& images, const Normalization& normalization, float scale,
                  const Change& change, float* out) {
  const int height = images.height, width = images.width;
  for (int c = 0; c < images.channels; ++c) {
    const float factor = scale / normalization.deviation[std::size_t(c)];
    const float offset = -normalization.mean[std::size_t(c)] / normalization.deviation[std::size_t(c)];
    for (int i = 0; i < height; ++i) {
      const int from = i - change.down;
      const bool row_in = from >= 0 && from < height, row_cut = i >= change.cut_top && i < change.cut_bottom;
      for (int j = 0; j < width; ++j, ++out) {
        const int unshifted = j - change.right, source = change.flipped ? width - 1 - unshifted : unshifted;
        const bool cut = row_cut && j >= change.cut_left && j < change.cut_right;
        *out = row_in && !cut && source >= 0 && source < width
                   ? float(image[(std::size_t(c) * std::size_t(height) + std::size_t(from)) * std::size_t(width) +
                                 std::size_t(source)]) *
                             factor +
                         offset
                   : 0;
      }
    }
  }
}

void load(const ImageSet& images, const Normalization& normalization, std::span<const std::int32_t> rows,
          const AugmentOptions* options, const Random& random, float* out) {
  const std::size_t size = images.image_size();
  with_pixels(images, [&](const auto* pixels, float scale) {
    parallel_ranges(rows.size(), kImagesPerChunk, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t r = begin; r < end; ++r) {
        const auto row = std::size_t(rows[r]);
        const Change change = options ? draw_change(images, *options, random, row) : Change{};
        load_changed(pixels + row * size, images, normalization, scale, change, out + r * size);
      }
    });
  });
}

std::vector<std::vector<std::int32_t>> by_class(const ImageSet& images, std::span<const std::int32_t> rows) {
  std::vector<std::vector<std::int32_t>> members(static_cast<std::size_t>(images.classes));
  for (const std::int32_t row : rows) members[std::size_t(images.labels[std::size_t(row)])].push_back(row);
  return members;
}

}  // namespace

Normalization measure_normalization(const ImageSet& images, std::span<const std::int32_t> rows) {
  const auto channels = std::size_t(images.channels);
  const std::size_t plane = images.image_size() / channels, chunk = 256;
  std::vector<double> sums((rows.size() + chunk - 1) / chunk * 2 * channels, 0);
  with_pixels(images, [&](const auto* pixels, float scale) {
    parallel_ranges(rows.size(), chunk, [&](std::size_t begin, std::size_t end, int) {
      double* sum = sums.data() + begin / chunk * 2 * channels;
      for (std::size_t r = begin; r < end; ++r)
        for (std::size_t c = 0; c < channels; ++c) {
          const auto* x = pixels + (std::size_t(rows[r]) * channels + c) * plane;
          double total = 0, squares = 0;
          for (std::size_t p = 0; p < plane; ++p) {
            const double value = double(x[p]) * scale;
            total += value;
            squares += value * value;
          }
          sum[2 * c] += total;
          sum[2 * c + 1] += squares;
        }
    });
  });
  Normalization result;
  for (std::size_t c = 0; c < channels; ++c) {
    double total = 0, squares = 0;
    for (std::size_t at = 0; at < sums.size(); at += 2 * channels) {
      total += sums[at + 2 * c];
      squares += sums[at + 2 * c + 1];
    }
    const double n = double(rows.size() * plane), mean = total / n;
    const double deviation = std::sqrt(std::max(0.0, squares / n - mean * mean));
    result.mean.push_back(float(mean));
    result.deviation.push_back(deviation > std::max(1e-6 * std::abs(mean), kLeastDeviation) ? float(deviation) : 1.0f);
  }
  return result;
}

void load_images(const ImageSet& images, const Normalization& normalization, std::span<const std::int32_t> rows,
                 float* out) {
  load(images, normalization, rows, nullptr, Random(0, 0), out);
}

void load_augmented(const ImageSet& images, const Normalization& normalization, const AugmentOptions& options,
                    std::uint64_t seed, std::uint64_t epoch, std::span<const std::int32_t> rows, float* out) {
  load(images, normalization, rows, &options, Random(seed, kAugment + (epoch << 16)), out);
}

std::vector<std::int32_t> shuffled(std::span<const std::int32_t> rows, std::uint64_t seed, std::uint64_t epoch) {
  const Random random(seed, kShuffle + (epoch << 16));
  std::vector<std::int32_t> order(rows.begin(), rows.end());
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[std::size_t(random.below(i, i))]);
  return order;
}

std::vector<std::int32_t> choose_rows(const ImageSet& images, std::span<const std::int32_t> rows, std::size_t count,
                                      std::uint64_t seed) {
  // The i-th of the n drawn of a class stands at (i + 1/2) / n: a beginning of that order has its share of every class.
  std::vector<std::pair<double, std::int32_t>> order;
  const std::vector<std::vector<std::int32_t>> members = by_class(images, rows);
  for (std::size_t c = 0; c < members.size(); ++c) {
    const std::vector<std::int32_t> drawn = shuffled(members[c], seed, kChoice + c);
    for (std::size_t i = 0; i < drawn.size(); ++i)
      order.emplace_back((double(i) + 0.5) / double(drawn.size()), drawn[i]);
  }
  std::sort(order.begin(), order.end());
  std::vector<std::int32_t> chosen;
  for (std::size_t i = 0; i < std::min(count, order.size()); ++i) chosen.push_back(order[i].second);
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

Holdout hold_out(const ImageSet& images, std::span<const std::int32_t> rows, double share, std::uint64_t seed) {
  const std::vector<std::vector<std::int32_t>> members = by_class(images, rows);
  Holdout result;
  for (std::size_t c = 0; c < members.size(); ++c) {
    const std::size_t n = members[c].size();
    auto held = std::size_t(std::lround(share * double(n)));
    if (held == 0 && n > 1 && share > 0) held = 1;
    const std::vector<std::int32_t> order = shuffled(members[c], seed, kHoldout + c);
    result.validation.insert(result.validation.end(), order.begin(), order.begin() + std::ptrdiff_t(held));
    result.training.insert(result.training.end(), order.begin() + std::ptrdiff_t(held), order.end());
  }
  std::sort(result.training.begin(), result.training.end());
  std::sort(result.validation.begin(), result.validation.end());
  return result;
}

}  // namespace espalier
