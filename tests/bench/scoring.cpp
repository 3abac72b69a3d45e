// scoring: what it takes to score all inner channels of a network by loss, and what the plain way takes
//
// usage: scoring [NETWORK [SAMPLES [DATA]]]    (resnet56, 512 samples)
//
// On one thread, by the clock of the processor. NETWORK is the name of an architecture, with weights as training begins
// with them and noise for samples; or a network's file, with training rows of DATA. The plain way runs the whole
// network without the channel from the images on, in batches of the same size; one channel of each space is run, since
// all take the same, and its scores compared. Standard output, tab-separated: channels, samples, seconds, seconds of
// the plain way, their ratio, the largest difference between scores of both ways, the largest of those scores, the
// share of the plain way's multiplications that lie behind the channels, and the rate of these, whether run or left
// out, against the peak.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/parallel.h"
#include "base/random.h"
#include "clock.h"
#include "h5/training_setup.h"
#include "nn/profile.h"
#include "nn/stock.h"
#include "shape/channel_mask.h"
#include "shape/channel_removal.h"

using namespace espalier;

namespace {

struct Case {
  NetworkShape network;
  ScoringSamples samples;
};

Case fresh_network(const std::string& name, std::size_t count) {
  const Architecture architecture = stock_architecture(name, {3, 32, 32}, 10, 1);
  Case fresh{{architecture, initial_parameters(architecture, 0)}, {}};
  const Random random(1, 1);
  for (std::size_t i = 0; i < count * architecture.input.size(); ++i)
    fresh.samples.pixels.push_back(float(random.normal(i)));
  for (std::size_t n = 0; n < count; ++n) fresh.samples.labels.push_back(std::int32_t(n % 10));
  return fresh;
}

Case stored_network(const std::string& file, std::size_t count, const std::string& data) {
  TrainingJob job;
  job.from = file;
  const TrainingSetup setup = prepare_training(SampleFile::open(data, {}, {}), job, {});
  return {{setup.network.architecture, setup.network.parameters}, draw_samples(setup, int(count), 0)};
}

double mean_of(const std::vector<float>& losses) {
  double sum = 0;
  for (const float loss : losses) sum += loss;
  return sum / double(losses.size());
}

}  // namespace

int main(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "resnet56";
  const auto wanted = std::size_t(argc > 2 ? std::atoi(argv[2]) : 512);
  set_threads(1);
  auto [net, samples] = argc > 3 ? stored_network(name, wanted, argv[3]) : fresh_network(name, wanted);
  const Architecture& architecture = net.architecture;
  const ChannelLayout layout = find_channels(architecture);
  std::vector<bool> inner;
  for (const ChannelSpace& space : layout.spaces) inner.push_back(space.inner);

  const ScoringOptions options;
  const double begin = processor_seconds();
  const std::vector<ChannelScore> scores = score_channels(net, layout, inner, samples, options, {});
  const double seconds = processor_seconds() - begin;

  const std::vector<ImageShape> shapes = infer_shapes(architecture);
  const double base = mean_of(sample_losses(net, samples, options.batch, {}));
  double plain = 0, macs = 0, difference = 0, largest = 0;
  ChannelMask mask(net, layout);
  for (const ChannelScore& score : scores) {
    if (score.channel > 0) continue;
    const double channels = layout.spaces[score.space].channels;
    mask.silence(score.space, score.channel);
    const double start = processor_seconds();
    const std::vector<float> losses = sample_losses(net, samples, options.batch, {});
    plain += (processor_seconds() - start) * channels;
    mask.restore();
    const double increase = mean_of(losses) - base;
    difference = std::max(difference, std::fabs(increase - score.score));
    largest = std::max(largest, std::fabs(increase));
    for (std::size_t l = std::size_t(mask.first_layer(score.space)); l < architecture.layers.size(); ++l)
      macs += double(count_macs(architecture, l, shapes)) * channels;
  }
  const double whole = double(count_macs(architecture)) * double(scores.size());
  const double rate = 2 * macs * double(samples.count()) / seconds;
  std::printf(
      "network\tchannels\tsamples\tseconds\tplain_seconds\tratio\tdifference\tlargest\tmacs_share\tgflops"
      "\tshare_of_peak\n");
  std::printf("%s\t%zu\t%zu\t%.2f\t%.2f\t%.2f\t%.1e\t%.3f\t%.3f\t%.1f\t%.2f\n", name.c_str(), scores.size(),
              samples.count(), seconds, plain, plain / seconds, difference, largest, macs / whole, rate / 1e9,
              rate / measure_peak(processor_seconds));
  return 0;
}
