// planting: what a step of a trial costs, in which planted channels alone are trained, beside a step of all
//
// usage: planting [NETWORK [IMAGES]]    (resnet20, 128 images)
//
// On one thread, by the clock of the processor. Standard output, tab-separated: layer in which a tenth of its channels
// was planted, milliseconds of a trial's step, those of a step that trains the whole network before planting, and their
// ratio; the mean of the ratios last. The teacher's logits are not counted: trials of a round share them.
#include "shape/planting.h"

#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/parallel.h"
#include "clock.h"
#include "nn/loss.h"
#include "nn/stock.h"
#include "nn/updates.h"

using namespace espalier;

namespace {

double step_seconds(const Architecture& net, Parameters& parameters, std::size_t images, const TrainingHooks& hooks) {
  Executor executor(net, parameters);
  if (hooks.prepare) hooks.prepare(executor);
  UpdateState state = initial_update_state(parameters, UpdateRule::sgd);
  const std::vector<float> pixels(images * net.input.size(), 0.5f);
  const std::vector<std::int32_t> labels(images, 1);
  Matrix by_logits;
  return median_seconds(
      [&] {
        evaluate_loss(executor.forward(pixels.data(), images, {.training = true}), labels, {}, {}, &by_logits);
        update_parameters(parameters, executor.backward(by_logits), state, {}, 1e-4);
        if (hooks.after_update) hooks.after_update(0, 1e-4, parameters);
      },
      1.0);
}

}  // namespace

int main(int argc, char** argv) {
  set_threads(1);
  const std::string name = argc > 1 ? argv[1] : "resnet20";
  const auto images = std::size_t(argc > 2 ? std::atoi(argv[2]) : 128);
  const Architecture net = stock_architecture(name, {3, 32, 32}, 10, 1);
  const NetworkShape network{net, initial_parameters(net, 0)};
  const ChannelLayout layout = find_channels(net);
  Parameters parameters = network.parameters;
  const double whole = step_seconds(net, parameters, images, {});
  std::printf("layer\ttrial_ms\twhole_ms\tratio\n");
  double sum = 0;
  int layers = 0;
  for (std::size_t s = 0; s < layout.spaces.size(); ++s) {
    if (!layout.spaces[s].inner) continue;
    GrownNetwork grown = plant_channels(network, layout, s, std::max(1, layout.spaces[s].channels / 10), {}, {});
    const TrainingHooks hooks = train_planted(grown, OldStatistics::keep);
    const double trial = step_seconds(grown.network.architecture, grown.network.parameters, images, hooks);
    std::printf("%s\t%.2f\t%.2f\t%.3f\n", layout.spaces[s].name.c_str(), 1e3 * trial, 1e3 * whole, trial / whole);
    sum += trial / whole;
    ++layers;
  }
  std::printf("mean\t\t\t%.3f\n", sum / layers);
  return 0;
}
