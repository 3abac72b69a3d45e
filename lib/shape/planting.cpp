#include "shape/planting.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/random.h"
#include "nn/loss.h"

namespace espalier {

namespace {

constexpr std::uint64_t kReaders = 0x5244;
constexpr std::uint64_t kDraws = 0x6472;

bool any(const std::vector<bool>& marks) { return std::find(marks.begin(), marks.end(), true) != marks.end(); }

/// Old channels of the norm whose weight this is.
std::vector<bool> old_channels(const std::vector<bool>& is_new) {
  std::vector<bool> old = is_new;
  old.flip();
  return old;
}

/// Layers without new entries are frozen; the running statistics of old channels are, too.
void freeze_old(const GrownNetwork& grown, bool statistics, Executor& executor) {
  const auto& layers = grown.network.architecture.layers;
  const Parameters& parameters = grown.network.parameters;
  for (std::size_t p = 0, next = 0; p < parameters.size(); p = next) {
    const int l = parameters[p].info.layer;
    bool grows = false;
    for (next = p; next < parameters.size() && parameters[next].info.layer == l; ++next)
      grows = grows || any(grown.is_new[next]);
    const Layer& layer = layers[std::size_t(l)];
    const bool norm = layer.kind == LayerKind::batch_norm;
    if (!grows && (!norm || statistics))
      executor.freeze(layer.name);
    else if (norm && statistics)
      executor.freeze_statistics(layer.name, old_channels(grown.is_new[p]));
  }
}

/// Entries of weights that read a planted channel: new ones in rows that are old.
bool reads_planted(const Parameter& parameter, const std::vector<bool>& is_new, std::size_t i) {
  const std::vector<std::size_t>& shape = parameter.info.shape;
  if (shape.size() < 2 || !is_new[i]) return false;
  const std::size_t row = parameter.values.size() / shape[0], kernel = row / shape[1];
  const std::size_t column = i % row / kernel;
  // The first row is old, and shows which columns are.
  return is_new[column * kernel];
}

void draw_readers(GrownNetwork& grown, std::uint64_t seed) {
  for (std::size_t p = 0; p < grown.network.parameters.size(); ++p) {
    Parameter& parameter = grown.network.parameters[p];
    if (parameter.info.shape.size() < 2) continue;
    const double deviation = std::sqrt(2.0 * double(parameter.info.shape[0]) / double(parameter.values.size()));
    const Random random(seed, kReaders + (p << 16));
    for (std::size_t i = 0; i < parameter.values.size(); ++i)
      if (reads_planted(parameter, grown.is_new[p], i)) parameter.values[i] = float(deviation * random.normal(i));
  }
}

}  // namespace

double planted_gradient(const GrownNetwork& grown, const ScoringSamples& samples) {
  Architecture architecture = grown.network.architecture;
  for (Layer& layer : architecture.layers)
    if (layer.kind == LayerKind::dropout) layer.rate = 0;
  Parameters parameters = grown.network.parameters;
  Executor executor(architecture, parameters);
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    const Layer& layer = architecture.layers[std::size_t(parameters[p].info.layer)];
    if (layer.kind == LayerKind::batch_norm)
      executor.freeze_statistics(layer.name, std::vector<bool>(parameters[p].values.size(), true));
  }
  Pass pass;
  pass.training = true;
  Matrix by_logits;
  evaluate_loss(executor.forward(samples.pixels.data(), samples.count(), pass), samples.labels, {}, {}, &by_logits);
  const Parameters& gradients = executor.backward(by_logits);
  double squares = 0;
  for (std::size_t p = 0; p < gradients.size(); ++p)
    for (std::size_t i = 0; i < gradients[p].values.size(); ++i)
      if (reads_planted(gradients[p], grown.is_new[p], i))
        squares += double(gradients[p].values[i]) * gradients[p].values[i];
  return std::sqrt(squares);
}

GrownNetwork plant_channels(const NetworkShape& network, const ChannelLayout& layout, std::size_t space, int count,
                            const PlantOptions& options, const ScoringSamples& samples) {
  const auto draw = [&](std::uint64_t turn) {
    return insert_channels(network.architecture, network.parameters, layout, space, count,
                           Random(options.seed, kDraws).bits(turn));
  };
  GrownNetwork best = draw(0);
  if (options.init == PlantInit::random) draw_readers(best, options.seed);
  if (options.init != PlantInit::gradmax) return best;
  double largest = planted_gradient(best, samples);
  for (int turn = 1; turn < options.draws; ++turn) {
    GrownNetwork other = draw(std::uint64_t(turn));
    const double gradient = planted_gradient(other, samples);
    if (!(gradient > largest)) continue;
    largest = gradient;
    best = std::move(other);
  }
  return best;
}

TrainingHooks train_planted(const GrownNetwork& grown, OldStatistics statistics) {
  TrainingHooks hooks;
  const bool keep = statistics == OldStatistics::keep;
  hooks.prepare = [&grown, keep](Executor& executor) { freeze_old(grown, keep, executor); };
  const auto old = std::make_shared<Parameters>(grown.network.parameters);
  hooks.after_update = [&grown, old](double, double, Parameters& parameters) {
    for (std::size_t p = 0; p < parameters.size(); ++p) {
      if (!parameters[p].info.trained) continue;
      const std::vector<bool>& is_new = grown.is_new[p];
      for (std::size_t i = 0; i < is_new.size(); ++i)
        if (!is_new[i]) parameters[p].values[i] = (*old)[p].values[i];
    }
  };
  return hooks;
}

}  // namespace espalier
