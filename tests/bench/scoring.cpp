// scoring: what it takes to score all inner channels of a network by loss, and what the plain way takes
//
// usage: scoring [NETWORK [SAMPLES]]    (resnet56, 512 samples)
//
// On one thread, by the clock of the processor. The plain way runs the whole network from the images on for each
// channel; one channel of each space is measured, since all take the same. Standard output, tab-separated: channels,
// seconds, seconds of the plain way, their ratio, the share of the multiplications that is run again, and the rate of
// those against the peak.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/parallel.h"
#include "clock.h"
#include "nn/executor.h"
#include "nn/profile.h"
#include "nn/stock.h"
#include "shape/channel_mask.h"
#include "shape/channel_removal.h"
#include "shape/channel_scores.h"

using namespace espalier;

int main(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "resnet56";
  const auto count = std::size_t(argc > 2 ? std::atoi(argv[2]) : 512);
  set_threads(1);
  const Architecture architecture = stock_architecture(name, {3, 32, 32}, 10, 1);
  NetworkShape net{architecture, initial_parameters(architecture, 0)};
  ScoringSamples samples;
  samples.pixels.assign(count * architecture.input.size(), 0.25f);
  samples.labels.assign(count, 3);
  const ChannelLayout layout = find_channels(architecture);
  std::vector<bool> inner;
  for (const ChannelSpace& space : layout.spaces) inner.push_back(space.inner);

  const double begin = processor_seconds();
  const std::vector<ChannelScore> scores = score_channels(net, layout, inner, samples, {}, {});
  const double seconds = processor_seconds() - begin;

  const std::vector<ImageShape> shapes = infer_shapes(architecture);
  double plain = 0, macs = 0;
  ChannelMask mask(net, layout);
  for (std::size_t s = 0; s < layout.spaces.size(); ++s) {
    const ChannelSpace& space = layout.spaces[s];
    if (!space.inner) continue;
    const double start = processor_seconds();
    sample_losses(net, samples, 64, {});
    plain += (processor_seconds() - start) * space.channels;
    for (std::size_t l = std::size_t(mask.first_layer(s)); l < architecture.layers.size(); ++l)
      macs += double(count_macs(architecture, l, shapes)) * space.channels;
  }
  const double whole = double(count_macs(architecture)) * double(scores.size());
  std::printf("network\tchannels\tsamples\tseconds\tplain_seconds\tratio\tmacs_share\tgflops\tshare_of_peak\n");
  const double rate = 2 * macs * double(count) / seconds / 1e9;
  std::printf("%s\t%zu\t%zu\t%.2f\t%.2f\t%.2f\t%.3f\t%.1f\t%.2f\n", name.c_str(), scores.size(), count, seconds, plain,
              plain / seconds, macs / whole, rate, 1e9 * rate / measure_peak(processor_seconds));
  return 0;
}
