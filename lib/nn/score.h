#pragma once
/// How well a network does on images.

#include <span>
#include <vector>

#include "base/control.h"
#include "nn/executor.h"
#include "nn/images.h"
#include "nn/loss.h"

namespace espalier {

inline constexpr std::size_t kScoreBatch = 256;  ///< images at a time, where nobody says

struct Score {
  std::size_t images = 0;
  double loss = 0;                        ///< mean
  double accuracy = 0;                    ///< share whose label has the largest logit
  double top5 = 0;                        ///< share whose label is among the five largest
  std::vector<std::int32_t> predictions;  ///< the class of each image's largest logit
};

/// Calls batch(first, logits) for each batch of the rows in evaluation, if there is a function; the same for any batch
/// size and number of threads. Stopped where control says so. Progress stage: "images".
Score score_images(Executor&, const ImageSet&, const Normalization&, std::span<const std::int32_t> rows,
                   std::size_t batch, const Control&,
                   const std::function<void(std::size_t first, const Matrix& logits)>& each = {});

}  // namespace espalier
