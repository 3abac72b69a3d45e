// widths: does the time of a network fall in proportion to its multiplications when its widths shrink?
//
// usage: widths [ROUNDS]    (7)
//
// ResNet-20 with narrower stages on one thread, by the clock of the processor, so that other programs disturb little.
// Standard output, tab-separated: widths, millions of multiplications with additions an image, what (inference of 256
// images, training of 128), microseconds an image (least of all rounds, widths taking turns), time for each
// multiplication relative to full width (1 is in proportion), and which share of the time convolutions forward, data
// and weights backward together, norms, and all other layers took.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "clock.h"
#include "nn/executor.h"
#include "nn/loss.h"
#include "nn/stock.h"

using namespace espalier;

namespace {

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

struct Costs {
  double seconds = std::numeric_limits<double>::infinity();  ///< of a pass over one batch
  double convolutions = 0, norms = 0, others = 0;            ///< of it
};

class Bench {
 public:
  Bench(const std::vector<int>& widths, bool training)
      : training_(training),
        images_(training ? 128 : 256),
        architecture_(resnet20(widths)),
        parameters_(initial_parameters(architecture_, 1)),
        executor_(architecture_, parameters_, processor_seconds),
        pixels_(images_ * architecture_.input.size()),
        labels_(images_, 1) {
    for (std::size_t i = 0; i < pixels_.size(); ++i) pixels_[i] = float(i * 7 % 17) / 17 - 0.5f;
    for (const int w : widths) name_ += (name_.empty() ? "" : "-") + std::to_string(w);
    pass();
  }

  void run() {
    executor_.take_times();
    const double begin = processor_seconds();
    pass();
    const double seconds = processor_seconds() - begin;
    if (seconds >= best_.seconds) return;
    best_ = {seconds};
    const Executor::Times times = executor_.take_times();
    for (std::size_t i = 0; i < architecture_.layers.size(); ++i) {
      const LayerKind kind = architecture_.layers[i].kind;
      double& sum = kind == LayerKind::convolution  ? best_.convolutions
                    : kind == LayerKind::batch_norm ? best_.norms
                                                    : best_.others;
      sum += times.forward[i] + times.backward[i];
    }
  }

  double seconds_each() const { return best_.seconds / double(images_) / double(count_macs(architecture_)); }

  void print(const Bench& full) const {
    std::printf("%s\t%.2f\t%s\t%.1f\t%.2f\t%.2f\t%.2f\t%.2f\n", name_.c_str(), double(count_macs(architecture_)) / 1e6,
                training_ ? "training" : "inference", 1e6 * best_.seconds / double(images_),
                seconds_each() / full.seconds_each(), best_.convolutions / best_.seconds, best_.norms / best_.seconds,
                best_.others / best_.seconds);
  }

 private:
  void pass() {
    const Matrix& logits = executor_.forward(pixels_.data(), images_, {.training = training_});
    if (!training_) return;
    evaluate_loss(logits, labels_, {}, {}, &by_logits_);
    executor_.backward(by_logits_);
  }

  bool training_;
  std::size_t images_;
  Architecture architecture_;
  Parameters parameters_;
  Executor executor_;
  std::vector<float> pixels_;
  std::vector<std::int32_t> labels_;
  Matrix by_logits_;
  std::string name_;
  Costs best_;
};

}  // namespace

int main(int argc, char** argv) {
  set_threads(1);
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 7;
  std::printf("widths\tmillion MACs\twhat\tus\ttime / MACs\tconvolutions\tnorms\tothers\n");
  for (const bool training : {false, true}) {
    std::vector<std::unique_ptr<Bench>> benches;
    for (const std::vector<int>& widths :
         {std::vector{16, 32, 64}, {13, 27, 50}, {12, 24, 48}, {8, 16, 32}, {4, 8, 16}})
      benches.push_back(std::make_unique<Bench>(widths, training));
    for (int round = 0; round < rounds; ++round)
      for (const auto& bench : benches) bench->run();
    for (const auto& bench : benches) bench->print(*benches[0]);
  }
}
