#pragma once
/// Hierarchical group sparse regularization of a network's convolutions: which kernels stand together, how strongly.
///
/// The objective is the loss + mix * lambda * sum R(group) + (1 - mix) * lambda * sum abs(w), over all groups and
/// weights of all regularized layers (Mitsuno, Miyao, Kurita 2020, arXiv 2004.04394). A solver takes it as a gradient,
/// or by a proximal step after each update, which reaches exact zeros.

#include <functional>
#include <string>
#include <vector>

#include "nn/parameters.h"
#include "shape/kernel_groups.h"

namespace espalier {

enum class Grouping {
  feature,  ///< one group for each input channel: what a layer reads of it
  neuron,   ///< one group for each output channel: what makes it
};

enum class Solver { sgd, prox };

enum class LambdaCourse { constant, warm_up, ramp };

struct RegularizationOptions {
  Regularizer kind = Regularizer::hsq_gl12;
  Grouping grouping = Grouping::feature;
  Solver solver = Solver::sgd;
  double lambda = 1e-4;
  double mix = 0.5;               ///< share of R; the rest is the sum of absolute weights
  bool normalize_groups = false;  ///< R of a group is divided by its number of kernels
  LambdaCourse course = LambdaCourse::constant;
  double warmup = 5;  ///< epochs of linear growth, of warm_up
};

/// lambda in the middle of training, `epoch` of `epochs` done: constant, growing over the first epochs, or all along.
double lambda_at(const RegularizationOptions&, double epoch, double epochs);

/// Convolutions that stand beside a longer way to the same addition: 1 x 1, of a value that another convolution reads.
std::vector<bool> find_projections(const Architecture&);

/// The parameters (places in the list) that are regularized: weights of convolutions, without projections, unless
/// `projections`, and without the layers in `exclude`. Throws UsageError for a name that no convolution has.
std::vector<std::size_t> find_regularized(const Architecture&, const Parameters&, bool projections,
                                          const std::vector<std::string>& exclude);

/// What the penalty is with this lambda.
double penalty(const RegularizationOptions&, double lambda, const std::vector<std::size_t>& regularized,
               const Parameters&);

/// The same; adds its gradient to those of the parameters.
double add_penalty(const RegularizationOptions&, double lambda, const std::vector<std::size_t>& regularized,
                   const Parameters&, Parameters& gradients);

/// The proximal operator of step * penalty: soft thresholds of the absolute weights first, then that of R, which
/// together are exact where R is convex.
void shrink_weights(const RegularizationOptions&, double lambda, double step,
                    const std::vector<std::size_t>& regularized, Parameters&);

}  // namespace espalier
