#pragma once
/// Training recipes by name.

#include <string>
#include <vector>

#include "nn/trainer.h"

namespace espalier {

/// one-cycle: ResNet-20 on CIFAR-10 to about 91 % in 30 epochs. long: 80 epochs along a cosine. he: He et al. 2016, 200
/// epochs, rate 0.1, a tenth after 100 and 150. mitsuno: the regularization paper's, 100 epochs, rate 0.01, a fifth at
/// each third. digits: for MNIST, 10 epochs of AdamW, no flips.
std::vector<std::string> recipe_names();

/// Throws UsageError for a name that is unknown.
TrainingOptions find_recipe(const std::string& name);

}  // namespace espalier
