#pragma once
/// How much each channel is missed: the loss that its removal costs, and the yardsticks that others use.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/control.h"
#include "shape/channel_spaces.h"

namespace espalier {

/// Lower is less missed, for all. W_c is what makes channel c: its rows in all producers. What is summed by its source
/// within a layer is a mean here, since channels of all layers are ranked together.
enum class Criterion {
  loss,         ///< mean loss on the samples with the channel silent, minus that of the whole network
  l1,           ///< mean of abs(W_c) (Li et al. 2017, arXiv 1608.08710)
  l2,           ///< root of the mean of W_c^2
  regularizer,  ///< R of hsq-gl12, by means, over the kernels that read the channel, those of its feature-wise groups:
                ///< (mean over kernels of the root of their mean abs(w))^2, averaged over readers
  fpgm,         ///< mean over the other channels d of the root of the mean of (W_c - W_d)^2
                ///< (geometric median, He et al. 2019, arXiv 1811.00250)
  bn_scale,     ///< mean of abs(scale) in its norms (Liu et al. 2017, arXiv 1708.06519)
  taylor,       ///< mean over batches of (sum of gradient * value over its norms, or over W_c where there is none)^2
                ///< (Molchanov et al. 2019, arXiv 1906.10771)
  random,
};

struct ChannelScore {
  std::size_t space = 0, channel = 0;
  double score = 0;
  double error = 0;  ///< standard error of the mean over the samples, paired; 0 where there is none
};

/// Images, normalised, one after another, with their labels.
struct ScoringSamples {
  std::vector<float> pixels;
  std::vector<std::int32_t> labels;
  std::size_t count() const { return labels.size(); }
};

struct ScoringOptions {
  Criterion criterion = Criterion::loss;
  std::size_t batch = 64;  ///< samples whose values are kept at a time
  std::uint64_t seed = 0;  ///< of random
};

/// Loss of each sample, in evaluation.
std::vector<float> sample_losses(const NetworkShape&, const ScoringSamples&, std::size_t batch, const Control&);

/// Scores of all channels of the spaces marked in `scored`, by space and channel; a space of one channel has none. The
/// loss is recomputed from the silenced layer on only, the values before it being kept. Throws UsageError for bn_scale
/// of a space without norms, BugError for no samples where the criterion needs them. Progress stage: "channels".
std::vector<ChannelScore> score_channels(const NetworkShape&, const ChannelLayout&, const std::vector<bool>& scored,
                                         const ScoringSamples&, const ScoringOptions&, const Control&);

}  // namespace espalier
