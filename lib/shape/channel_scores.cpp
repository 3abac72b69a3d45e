#include "shape/channel_scores.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/parallel.h"
#include "base/random.h"
#include "nn/executor.h"
#include "nn/loss.h"
#include "shape/channel_mask.h"
#include "shape/kernel_groups.h"

namespace espalier {

namespace {

constexpr std::size_t kTaylorBatch = 32;
constexpr std::uint64_t kRandomScores = 0x5243;

/// What of the samples fits a batch.
struct Batch {
  const float* pixels;
  std::span<const std::int32_t> labels;
};

template <class Body>
void for_batches(const ScoringSamples& samples, std::size_t size, const Control& control, Body&& body) {
  const std::size_t n = samples.count(), image = n ? samples.pixels.size() / n : 0;
  for (std::size_t first = 0; first < n; first += size) {
    throw_if_stopped(control);
    const std::size_t count = std::min(size, n - first);
    body(first, Batch{samples.pixels.data() + first * image, std::span(samples.labels).subspan(first, count)});
  }
}

std::vector<ChannelScore> list_channels(const ChannelLayout& layout, const std::vector<bool>& scored) {
  std::vector<ChannelScore> channels;
  for (std::size_t s = 0; s < layout.spaces.size(); ++s)
    for (int c = 0; scored[s] && layout.spaces[s].channels > 1 && c < layout.spaces[s].channels; ++c)
      channels.push_back({s, std::size_t(c)});
  return channels;
}

/// Scores by loss. For each batch of samples the whole network runs once and keeps all its values; then the channels
/// are silenced from the last space to the first, and what lies behind them is run again, over what the channel before
/// left: that, too, lies behind.
void score_by_loss(NetworkShape network, const ChannelLayout& layout, const ScoringSamples& samples, std::size_t batch,
                   const Control& control, std::vector<ChannelScore>& channels) {
  ChannelMask mask(network, layout);
  std::vector<std::size_t> order(channels.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return mask.first_layer(channels[a].space) > mask.first_layer(channels[b].space);
  });
  Executor executor(network.architecture, network.parameters);
  std::vector<double> sum(channels.size(), 0), squares(channels.size(), 0);
  const std::size_t batches = (samples.count() + batch - 1) / batch;
  std::size_t done = 0;
  for_batches(samples, batch, control, [&](std::size_t, const Batch& part) {
    Pass pass;
    pass.retain = true;
    const Matrix& whole = executor.forward(part.pixels, part.labels.size(), pass);
    const std::vector<float> base = evaluate_loss(whole, part.labels, {}, {}, nullptr).of_image;
    for (const std::size_t i : order) {
      throw_if_stopped(control);
      const ChannelScore& channel = channels[i];
      mask.silence(channel.space, channel.channel);
      const auto first = std::size_t(mask.first_layer(channel.space));
      const Matrix& logits = executor.forward_again(network.architecture.layers[first].name);
      mask.restore();
      const std::vector<float> losses = evaluate_loss(logits, part.labels, {}, {}, nullptr).of_image;
      for (std::size_t n = 0; n < losses.size(); ++n) {
        const double increase = double(losses[n]) - base[n];
        sum[i] += increase;
        squares[i] += increase * increase;
      }
      control.report("channels", double(++done), double(batches * channels.size()));
    }
  });
  const double n = double(samples.count());
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const double mean = sum[i] / n;
    if (!std::isfinite(mean)) {  // missed beyond measure; NaN would have no place in an order
      channels[i].score = std::numeric_limits<double>::infinity();
      continue;
    }
    channels[i].score = mean;
    channels[i].error = n > 1 ? std::sqrt(std::max(0.0, squares[i] / n - mean * mean) / (n - 1)) : 0;
  }
}

/// The parameters of a layer by what they are.
const Parameter* find_parameter(const NetworkShape& network, int layer, const char* what) {
  return network.parameters.find(network.architecture.layers[std::size_t(layer)].name + "." + what);
}

/// Rows of what makes each channel of a space, in all producers, one after another.
std::vector<std::vector<float>> filters_of(const NetworkShape& network, const ChannelSpace& space) {
  std::vector<std::vector<float>> filters(std::size_t(space.channels));
  for (const int l : space.producers) {
    const Parameter& w = *find_parameter(network, l, "weight");
    const std::size_t row = w.values.size() / filters.size();
    for (std::size_t c = 0; c < filters.size(); ++c)
      filters[c].insert(filters[c].end(), w.values.begin() + c * row, w.values.begin() + (c + 1) * row);
  }
  return filters;
}

std::vector<int> norms_of(const NetworkShape& network, const ChannelSpace& space) {
  std::vector<int> norms;
  for (const int l : space.layers)
    if (network.architecture.layers[std::size_t(l)].kind == LayerKind::batch_norm) norms.push_back(l);
  return norms;
}

/// Root of the mean square of what x and y differ in.
double distance(const std::vector<float>& x, const std::vector<float>& y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += (double(x[i]) - y[i]) * (double(x[i]) - y[i]);
  return x.empty() ? 0 : std::sqrt(sum / double(x.size()));  // empty where no layer makes the channel
}

std::vector<double> sizes_of_filters(const NetworkShape& network, const ChannelSpace& space, bool squared) {
  std::vector<double> scores;
  for (const std::vector<float>& filter : filters_of(network, space)) {
    double sum = 0;
    for (const float w : filter) sum += squared ? double(w) * w : std::fabs(double(w));
    const double mean = filter.empty() ? 0 : sum / double(filter.size());
    scores.push_back(squared ? std::sqrt(mean) : mean);
  }
  return scores;
}

/// A channel that is alone has no score: 0 / 0, and is not listed.
std::vector<double> distances_of_filters(const NetworkShape& network, const ChannelSpace& space) {
  const std::vector<std::vector<float>> filters = filters_of(network, space);
  std::vector<double> scores(filters.size(), 0);
  parallel_for(filters.size(), [&](std::size_t c, int) {
    for (const std::vector<float>& other : filters) scores[c] += distance(filters[c], other);
    scores[c] /= double(filters.size() - 1);
  });
  return scores;
}

std::vector<double> scales_of_norms(const NetworkShape& network, const ChannelLayout& layout,
                                    const ChannelSpace& space) {
  std::vector<double> scores(std::size_t(space.channels), 0);
  const std::vector<int> norms = norms_of(network, space);
  if (norms.empty()) throw UsageError("layer '{}' has no batch norm whose scale could score it", space.name);
  for (const int l : norms) {
    const Parameter& scale = *find_parameter(network, l, "weight");
    const auto features = std::size_t(layout.features[std::size_t(l)]);
    for (std::size_t f = 0; f < scale.values.size(); ++f)
      scores[f / features] += std::fabs(scale.values[f]) / double(features * norms.size());
  }
  return scores;
}

/// A reader's kernels of one channel form a group; of a linear layer behind flattening a kernel is a row's features.
/// The penalty is the square of a sum over kernels, of roots of sums over weights: means make layers comparable.
std::vector<double> penalties_of_readers(const NetworkShape& network, const ChannelSpace& space) {
  std::vector<double> scores(std::size_t(space.channels), 0);
  for (const int l : space.readers) {
    const Parameter& w = *find_parameter(network, l, "weight");
    const std::size_t outs = w.info.shape[0], kernel = w.values.size() / (outs * scores.size());
    for (std::size_t c = 0; c < scores.size(); ++c) {
      std::vector<float> group;
      for (std::size_t o = 0; o < outs; ++o) {
        const float* const at = w.values.data() + (o * scores.size() + c) * kernel;
        group.insert(group.end(), at, at + kernel);
      }
      scores[c] += penalize(Regularizer::hsq_gl12, {group, kernel}, 1, {}) /
                   (double(outs * outs * kernel) * double(space.readers.size()));
    }
  }
  return scores;
}

/// Adds (sum of gradient * value)^2 of each channel.
void add_taylor(const NetworkShape& network, const ChannelLayout& layout, const ChannelSpace& space,
                const Parameters& gradients, std::vector<double>& scores) {
  std::vector<int> layers = norms_of(network, space);
  if (layers.empty()) layers = space.producers;
  std::vector<double> change(scores.size(), 0);
  for (const int l : layers)
    for (const char* what : {"weight", "bias"}) {
      const Parameter* const p = find_parameter(network, l, what);
      if (!p) continue;
      const float* const gradient = gradients.find(p->info.name)->values.data();
      const std::size_t row = p->values.size() / p->info.shape[0] * std::size_t(layout.features[std::size_t(l)]);
      for (std::size_t i = 0; i < p->values.size(); ++i) change[i / row] += double(gradient[i]) * p->values[i];
    }
  for (std::size_t c = 0; c < scores.size(); ++c) scores[c] += change[c] * change[c];
}

/// Gradients of the network as it is used: norms with their running statistics.
std::vector<std::vector<double>> taylor_scores(NetworkShape network, const ChannelLayout& layout,
                                               const ScoringSamples& samples, const Control& control) {
  Executor executor(network.architecture, network.parameters);
  for (const Layer& layer : network.architecture.layers)
    if (layer.kind == LayerKind::batch_norm)
      executor.freeze_statistics(layer.name,
                                 std::vector<bool>(network.parameters.find(layer.name + ".bias")->values.size(), true));
  std::vector<std::vector<double>> scores;
  for (const ChannelSpace& space : layout.spaces) scores.emplace_back(std::size_t(space.channels), 0.0);
  for_batches(samples, kTaylorBatch, control, [&](std::size_t first, const Batch& part) {
    Pass pass;
    pass.training = true;
    Matrix by_logits;
    evaluate_loss(executor.forward(part.pixels, part.labels.size(), pass), part.labels, {}, {}, &by_logits);
    const Parameters& gradients = executor.backward(by_logits);
    for (std::size_t s = 0; s < scores.size(); ++s) add_taylor(network, layout, layout.spaces[s], gradients, scores[s]);
    control.report("samples", double(first + part.labels.size()), double(samples.count()));
  });
  const double batches = double((samples.count() + kTaylorBatch - 1) / kTaylorBatch);
  for (std::vector<double>& of_space : scores)
    for (double& score : of_space) score /= batches;
  return scores;
}

std::vector<double> weight_scores(const NetworkShape& network, const ChannelLayout& layout, std::size_t s,
                                  const ScoringOptions& options) {
  const ChannelSpace& space = layout.spaces[s];
  switch (options.criterion) {
    case Criterion::l1:
      return sizes_of_filters(network, space, false);
    case Criterion::l2:
      return sizes_of_filters(network, space, true);
    case Criterion::regularizer:
      return penalties_of_readers(network, space);
    case Criterion::fpgm:
      return distances_of_filters(network, space);
    case Criterion::bn_scale:
      return scales_of_norms(network, layout, space);
    default:
      break;
  }
  std::vector<double> scores;
  const Random random(options.seed, kRandomScores + (s << 16));
  for (int c = 0; c < space.channels; ++c) scores.push_back(random.uniform(std::uint64_t(c)));
  return scores;
}

}  // namespace

std::vector<float> sample_losses(const NetworkShape& network, const ScoringSamples& samples, std::size_t batch,
                                 const Control& control) {
  Parameters parameters = network.parameters;
  Executor executor(network.architecture, parameters);
  std::vector<float> losses;
  for_batches(samples, batch, control, [&](std::size_t, const Batch& part) {
    const Matrix& logits = executor.forward(part.pixels, part.labels.size());
    const std::vector<float> of_image = evaluate_loss(logits, part.labels, {}, {}, nullptr).of_image;
    losses.insert(losses.end(), of_image.begin(), of_image.end());
  });
  return losses;
}

std::vector<ChannelScore> score_channels(const NetworkShape& network, const ChannelLayout& layout,
                                         const std::vector<bool>& scored, const ScoringSamples& samples,
                                         const ScoringOptions& options, const Control& control) {
  std::vector<ChannelScore> channels = list_channels(layout, scored);
  const bool measured = options.criterion == Criterion::loss || options.criterion == Criterion::taylor;
  if (measured && samples.count() == 0) throw BugError("scores by loss over no samples");
  if (options.criterion == Criterion::loss) {
    score_by_loss(network, layout, samples, options.batch, control, channels);
    return channels;
  }
  std::vector<std::vector<double>> scores(layout.spaces.size());
  if (options.criterion == Criterion::taylor) scores = taylor_scores(network, layout, samples, control);
  for (std::size_t s = 0; s < scores.size(); ++s)
    if (scores[s].empty() && scored[s]) scores[s] = weight_scores(network, layout, s, options);
  for (ChannelScore& channel : channels) channel.score = scores[channel.space][channel.channel];
  return channels;
}

}  // namespace espalier
