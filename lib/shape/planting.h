#pragma once
/// Channels that are planted into a network and trained while all that is older keeps its bytes.

#include <cstdint>

#include "nn/trainer.h"
#include "shape/channel_insertion.h"
#include "shape/channel_scores.h"

namespace espalier {

enum class PlantInit {
  zero,     ///< what makes a channel is drawn, what reads it is 0: the function stays
  random,   ///< what reads it is drawn, too
  gradmax,  ///< as zero; of several draws the one with the largest gradient by what reads it (the aim of Evci et al.
            ///< 2022, arXiv 2201.05125, as far as norms in between allow)
};

struct PlantOptions {
  PlantInit init = PlantInit::zero;
  int draws = 8;  ///< of gradmax
  std::uint64_t seed = 0;
};

/// `count` channels planted in a space. The samples serve gradmax alone.
GrownNetwork plant_channels(const NetworkShape&, const ChannelLayout&, std::size_t space, int count,
                            const PlantOptions&, const ScoringSamples&);

/// Norm of the gradient of the mean loss by the new entries of what reads the planted channels, norms with their
/// running statistics, nothing dropped: how much there is to be gained at once.
double planted_gradient(const GrownNetwork&, const ScoringSamples&);

enum class OldStatistics { keep, update };

/// Hooks of a training of the new entries alone: layers without any are frozen, old entries are put back after every
/// update, and old channels of norms keep their running statistics, unless told otherwise. Keeps a reference to
/// `grown`, whose parameters are the ones to be trained.
TrainingHooks train_planted(const GrownNetwork& grown, OldStatistics);

}  // namespace espalier
