// convolutions: what the convolution kernels reach, layer by layer, and what a whole network makes of it
//
// usage: convolutions [THREADS [IMAGES]]    (2 threads, 128 images)
//
// Standard output, tab-separated: layer, direction, milliseconds (median), GFLOP/s counted as a plain convolution's
// (Winograd's filtering does with fewer, so that a share may pass 1), share of the peak of multiplications with
// additions in registers; then images a second of ResNet-20 and of its odd widths.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "nn/executor.h"
#include "nn/loss.h"
#include "nn/profile.h"
#include "nn/stock.h"

using namespace espalier;

namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Median seconds of a call.
double median_seconds(const std::function<void()>& call, double budget = 0.25) {
  call();
  std::vector<double> times;
  const double start = seconds_now();
  while (times.size() < 7 || seconds_now() - start < budget) {
    const double begin = seconds_now();
    call();
    times.push_back(seconds_now() - begin);
  }
  std::nth_element(times.begin(), times.begin() + std::ptrdiff_t(times.size() / 2), times.end());
  return times[times.size() / 2];
}

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

/// ResNet-20 with these widths of its stages.
Architecture resnet20(std::vector<int> widths) {
  const std::map<int, int> of = {{3, 3}, {16, widths[0]}, {32, widths[1]}, {64, widths[2]}};
  Architecture a = stock_architecture("resnet20", {3, 32, 32}, 10);
  for (Layer& layer : a.layers) {
    if (layer.kind == LayerKind::convolution) layer.channels = of.at(layer.channels);
    if (layer.kind != LayerKind::shortcut) continue;
    const int before = of.at(layer.channels / 2);
    layer.channels = of.at(layer.channels);
    layer.map.assign(std::size_t(layer.channels), -1);
    for (int c = 0; c < before; ++c) layer.map[std::size_t(c + (layer.channels - before) / 2)] = c;
  }
  return a;
}

void measure_network(const char* name, const Architecture& architecture, std::size_t images) {
  Parameters parameters = initial_parameters(architecture, 1);
  Executor executor(architecture, parameters);
  std::vector<float> x(images * architecture.input.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = float(i * 7 % 17) / 17 - 0.5f;
  const std::vector<std::int32_t> labels(images, 1);
  Matrix by_logits;
  const double training = median_seconds(
      [&] {
        evaluate_loss(executor.forward(x.data(), images, {.training = true}), labels, {}, {}, &by_logits);
        executor.backward(by_logits);
      },
      3);
  std::printf("%s\ttraining\t%.1f\timages/s\t%.0f MiB\n", name, double(images) / training,
              double(executor.activation_bytes()) / (1 << 20));
  Executor scoring(architecture, parameters);
  const double inference = median_seconds([&] { scoring.forward(x.data(), images); }, 2);
  std::printf("%s\tinference\t%.1f\timages/s\t%.0f MiB\n", name, double(images) / inference,
              double(scoring.activation_bytes()) / (1 << 20));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  set_threads(argc > 1 ? std::atoi(argv[1]) : 2);
  const std::size_t images = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 128;
  const double peak = measure_peak(seconds_now);
  std::printf("%d threads, %zu images, %s, peak %.1f GFLOP/s\n", threads(), images, isa_name(isa()).c_str(),
              peak / 1e9);
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
  measure_network("resnet20 16-32-64", resnet20({16, 32, 64}), images);
  measure_network("resnet20 13-27-50", resnet20({13, 27, 50}), images);
  measure_network("resnet56", stock_architecture("resnet56", {3, 32, 32}, 10), images);
}
