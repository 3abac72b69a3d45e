// convolutions: what the convolution kernels reach, layer by layer
//
// usage: convolutions [IMAGES]    (128 images, on one thread)
//
// Standard output, tab-separated: layer, direction, milliseconds (median), GFLOP/s counted as a plain convolution's
// (Winograd's filtering does with fewer, so that a share may pass 1), share of the peak of multiplications with
// additions in registers.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "clock.h"
#include "nn/convolution.h"
#include "nn/profile.h"

using namespace espalier;

namespace {

struct Sizes {
  int inputs, outputs, side, kernel, stride;
};

void measure(const Sizes& s, std::size_t images, double peak) {
  const int padding = s.kernel / 2, side = (s.side + 2 * padding - s.kernel) / s.stride + 1;
  const ConvolutionShape shape = {{s.inputs, s.side, s.side}, {s.outputs, side, side}, s.kernel, s.stride, padding};
  const std::size_t lanes = image_lanes(), blocks = image_blocks(images);
  Buffer<float> x(blocks * shape.in.size() * lanes, 0.5f), y(blocks * shape.out.size() * lanes, 0.5f), dx = x;
  std::vector<float> w(std::size_t(s.outputs * s.inputs * s.kernel * s.kernel), 0.1f), dw(w.size());
  const std::vector<float> scale(std::size_t(s.inputs), 1.5f), shift(std::size_t(s.inputs), -0.2f);
  const ActivationView view = {x.data(), scale.data(), shift.data(), true};
  std::vector<double> moments(2 * std::size_t(s.outputs));
  ConvolutionScratch scratch;
  const double operations = 2.0 * double(images * shape.out.pixels()) * double(w.size());
  const std::string name = std::to_string(s.inputs) + "-" + std::to_string(s.outputs) + " " + std::to_string(s.kernel) +
                           "x" + std::to_string(s.kernel) + "/" + std::to_string(s.stride) + " of " +
                           std::to_string(s.side);
  const auto report = [&](const char* what, const std::function<void()>& call) {
    const double seconds = median_seconds(call);
    std::printf("%s\t%s\t%.3f\t%.1f\t%.2f\n", name.c_str(), what, 1e3 * seconds, operations / seconds / 1e9,
                operations / seconds / peak);
    std::fflush(stdout);
  };
  report("forward", [&] { convolve(shape, view, w.data(), nullptr, images, y.data(), moments.data(), scratch); });
  if (s.inputs > 3)  // nobody asks for the gradient of the images
    report("backward data", [&] { convolve_back(shape, y.data(), w.data(), images, dx.data(), false, scratch); });
  report("backward weights", [&] { weight_gradient(shape, view, y.data(), images, dw.data(), nullptr, scratch); });
}

}  // namespace

int main(int argc, char** argv) {
  set_threads(1);
  const std::size_t images = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 128;
  const double peak = measure_peak(processor_seconds);
  std::printf("%zu images, %s, peak %.1f GFLOP/s\n", images, isa_name(isa()).c_str(), peak / 1e9);
  std::printf("layer\tdirection\tms\tGFLOP/s\tshare of peak\n");
  for (const Sizes& sizes : {Sizes{3, 16, 32, 3, 1},
                             {16, 16, 32, 3, 1},
                             {16, 32, 32, 3, 2},
                             {32, 32, 16, 3, 1},
                             {32, 64, 16, 3, 2},
                             {64, 64, 8, 3, 1},
                             {3, 13, 32, 3, 1},
                             {13, 13, 32, 3, 1},
                             {13, 27, 32, 3, 2},
                             {27, 27, 16, 3, 1},
                             {27, 50, 16, 3, 2},
                             {50, 50, 8, 3, 1},
                             {16, 32, 32, 1, 2},
                             {64, 128, 16, 1, 2},
                             {64, 64, 32, 3, 1},
                             {256, 256, 8, 3, 1},
                             {512, 512, 2, 3, 1},
                             {3, 8, 64, 7, 2},
                             {16, 16, 16, 5, 1}})
    measure(sizes, images, peak);
}
