// regularizers: what the penalty adds to a training step of ResNet-20
//
// usage: regularizers [IMAGES]    (128 images)
//
// On one thread, by the clock of the processor. Standard output, tab-separated: regularizer, grouping, milliseconds of
// a gradient and of a proximal step (medians), and both as shares of a step of training.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include "base/parallel.h"
#include "clock.h"
#include "nn/executor.h"
#include "nn/loss.h"
#include "nn/stock.h"
#include "nn/updates.h"
#include "shape/regularization.h"

using namespace espalier;

namespace {

constexpr double kStep = 1;  // of sparsify at its largest rate, 0.1 / (1 - momentum)

double step_seconds(const Architecture& net, Parameters& parameters, std::size_t images) {
  Executor executor(net, parameters);
  UpdateState state = initial_update_state(parameters, UpdateRule::sgd);
  const std::vector<float> pixels(images * net.input.size(), 0.5f);
  const std::vector<std::int32_t> labels(images, 1);
  return median_seconds(
      [&] {
        Matrix by_logits;
        evaluate_loss(executor.forward(pixels.data(), images, {true, 0, 0}), labels, {}, {}, &by_logits);
        update_parameters(parameters, executor.backward(by_logits), state, {}, 1e-4);
      },
      1.0);
}

}  // namespace

int main(int argc, char** argv) {
  set_threads(1);
  const auto images = std::size_t(argc > 1 ? std::atoi(argv[1]) : 128);
  const Architecture net = stock_architecture("resnet20", {3, 32, 32}, 10, 1);
  Parameters parameters = initial_parameters(net, 0), gradients(net);
  const std::vector<std::size_t> places = find_regularized(net, parameters, false, {});
  const double step = step_seconds(net, parameters, images);
  std::printf("regularizer\tgrouping\tgradient_ms\tprox_ms\tgradient_share\tprox_share\n");
  for (std::size_t kind = 0; kind < regularizer_names().size(); ++kind)
    for (const Grouping grouping : {Grouping::feature, Grouping::neuron}) {
      RegularizationOptions options;
      options.kind = Regularizer(kind);
      options.grouping = grouping;
      const double gradient = median_seconds([&] { add_penalty(options, 1e-4, places, parameters, gradients); });
      Parameters shrinking = parameters;
      const double prox = median_seconds([&] { shrink_weights(options, 1e-4, kStep, places, shrinking); });
      std::printf("%s\t%s\t%.3f\t%.3f\t%.4f\t%.4f\n", regularizer_names()[kind].c_str(),
                  grouping == Grouping::feature ? "feature" : "neuron", 1e3 * gradient, 1e3 * prox, gradient / step,
                  prox / step);
    }
  return 0;
}
