#pragma once
/// Losses of logits, with their gradients.

#include <cstdint>
#include <span>
#include <vector>

#include "tensor/matrix.h"

namespace espalier {

struct LossOptions {
  double smoothing = 0;  ///< label smoothing: the target is (1 - smoothing) of the label and smoothing / classes of all
  double temperature = 4;   ///< of distillation, > 0
  double distillation = 0;  ///< share of the teacher's term, in [0, 1]; 0: labels alone
};

/// What a batch's logits amount to.
struct Loss {
  double sum = 0;               ///< over the images
  std::size_t correct = 0;      ///< labels with the largest logit, the first of equals
  std::size_t among_five = 0;   ///< labels among the five largest
  std::vector<float> of_image;  ///< loss of each image
};

/// (1 - alpha) CE(softmax z, target) + alpha T^2 KL(softmax(t / T) || softmax(z / T)) of each image, with z the logits
/// and t the teacher's (Hinton, Vinyals, Dean 2015, arXiv 1503.02531). `teacher` is empty where alpha is 0. `gradient`,
/// unless nullptr, becomes that of the mean loss by the logits. Sums in double; the same for any number of threads.
Loss evaluate_loss(const Matrix& logits, std::span<const std::int32_t> labels, const Matrix& teacher,
                   const LossOptions&, Matrix* gradient);

/// The same with two labels an image, the first with the share that is given for all (mixup: Zhang et al. 2018).
/// Correct counts the first.
Loss evaluate_mixed_loss(const Matrix& logits, std::span<const std::int32_t> labels,
                         std::span<const std::int32_t> others, double share, const Matrix& teacher, const LossOptions&,
                         Matrix* gradient);

}  // namespace espalier
