#include "nn/convolution_scratch.h"

#include <algorithm>

#include "nn/plane_kernels.h"

namespace espalier {

namespace {

float* grown(Buffer<float>& buffer, std::size_t floats) {
  if (buffer.size() < floats) buffer = Buffer<float>(floats);
  return buffer.data();
}

}  // namespace

float* ConvolutionScratch::frame(int worker, std::size_t floats) {
  if (frames_.size() <= std::size_t(worker)) frames_.resize(std::size_t(worker) + 1);
  return grown(frames_[std::size_t(worker)], floats);
}
float* ConvolutionScratch::weights(std::size_t floats) { return grown(weights_, floats); }
float* ConvolutionScratch::sums(std::size_t floats) { return grown(sums_, floats); }

std::size_t image_lanes() { return std::size_t(plane_kernels().lanes); }
std::size_t image_blocks(std::size_t images) { return (images + image_lanes() - 1) / image_lanes(); }

const float* lane_weights(std::size_t images, std::size_t block) {
  // A window over ones then zeros: as many ones as the block has images.
  static const std::vector<float> steps = [] {
    std::vector<float> v(32, 0.0f);
    std::fill_n(v.begin(), 16, 1.0f);
    return v;
  }();
  const std::size_t in_block = std::min(images - block * image_lanes(), image_lanes());
  return steps.data() + (16 - in_block);
}

void add_moments(const std::vector<double>& jobs, std::size_t count, double* moments) {
  std::fill_n(moments, count, 0.0);
  for (std::size_t at = 0; at < jobs.size(); ++at) moments[at % count] += jobs[at];
}

}  // namespace espalier
