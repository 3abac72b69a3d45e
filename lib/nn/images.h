#pragma once
/// Labelled images in memory, and batches of them as a network takes them: normalised, and augmented in training.
///
/// Images stay bytes where they are bytes: a batch is converted while it is loaded. What chance does to an image
/// depends on (seed, epoch, row) alone, so neither threads nor a resumed run change it.

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "tensor/buffer.h"

namespace espalier {

/// N images of channels x height x width, row-major; bytes stand for x / 255.
struct ImageSet {
  std::size_t count = 0;
  int channels = 0, height = 0, width = 0;
  std::variant<Buffer<std::uint8_t>, Buffer<float>> pixels;
  std::vector<std::int32_t> labels;  ///< class of each image, 0 ... classes - 1
  int classes = 0;
  std::vector<std::string> names;  ///< of the classes; may be empty

  std::size_t image_size() const { return std::size_t(channels) * std::size_t(height) * std::size_t(width); }
};

/// x -> (x - mean[c]) / deviation[c] in channel c.
struct Normalization {
  std::vector<float> mean, deviation;
};

/// Mean and standard deviation of each channel over the images named. A constant channel has deviation 1.
Normalization measure_normalization(const ImageSet&, std::span<const std::int32_t> rows);

struct AugmentOptions {
  int crop = 4;      ///< pixels by which an image is shifted at most, either way, and an eighth of its side at most;
                     ///< what comes in is the mean
  bool flip = true;  ///< left and right are exchanged in one image of two
  int cutout = 0;    ///< side of a square that is set to the mean, its centre anywhere; 0: none (DeVries, Taylor 2017)
};

/// Images `rows` normalised, one after another, rows.size() x image_size() floats.
void load_images(const ImageSet&, const Normalization&, std::span<const std::int32_t> rows, float* out);

/// The same, augmented: what happens to row r in epoch e is drawn from (seed, e, r).
void load_augmented(const ImageSet&, const Normalization&, const AugmentOptions&, std::uint64_t seed,
                    std::uint64_t epoch, std::span<const std::int32_t> rows, float* out);

/// The rows in an order drawn from (seed, epoch).
std::vector<std::int32_t> shuffled(std::span<const std::int32_t> rows, std::uint64_t seed, std::uint64_t epoch);

/// `count` of the rows, drawn from the seed, of each class its share of them up to one; those of a smaller count are
/// among those of a larger. They keep their order.
std::vector<std::int32_t> choose_rows(const ImageSet&, std::span<const std::int32_t> rows, std::size_t count,
                                      std::uint64_t seed);

/// Splits rows into training and validation: round(share * n_c) rows of each class c are held out, drawn from the
/// seed, one at least where the class has two. Both keep their order.
struct Holdout {
  std::vector<std::int32_t> training, validation;
};
Holdout hold_out(const ImageSet&, std::span<const std::int32_t> rows, double share, std::uint64_t seed);

}  // namespace espalier
