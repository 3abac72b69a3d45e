#pragma once
/// What the ways to convolve have in common: shapes, views of the input, memory.

#include <cstddef>
#include <vector>

#include "nn/architecture.h"
#include "tensor/buffer.h"

namespace espalier {

struct ConvolutionShape {
  ImageShape in, out;
  int kernel = 1, stride = 1, padding = 0;
};

/// Activations as a reader sees them: x * scale[c] + shift[c], then max(0, .), taken while they are read.
struct ActivationView {
  const float* sites = nullptr;
  const float* scale = nullptr;  ///< nullptr: as they are
  const float* shift = nullptr;
  bool rectify = false;
};

/// Memory that convolutions share, one after another; grows to what the largest needs.
class ConvolutionScratch {
 public:
  float* frame(int worker, std::size_t floats);
  float* weights(std::size_t floats);
  float* sums(std::size_t floats);

 private:
  std::vector<Buffer<float>> frames_;
  Buffer<float> weights_, sums_;
};

/// Lanes of a vector, and blocks that hold so many images.
std::size_t image_lanes();
std::size_t image_blocks(std::size_t images);

/// 1 for lanes of `block` that hold one of `images`, 0 for the others.
const float* lane_weights(std::size_t images, std::size_t block);

/// Adds up the moments of all jobs, in their order: `jobs` times `count` sums.
void add_moments(const std::vector<double>& jobs, std::size_t count, double* moments);

}  // namespace espalier
