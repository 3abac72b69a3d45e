#pragma once
/// Architectures by name.

#include <string>
#include <vector>

#include "nn/architecture.h"

namespace espalier {

/// Names that stock_architecture knows: resnet20, resnet32, resnet44, resnet56, resnet110 (He et al. 2016, for CIFAR;
/// -b: 1 x 1 projections instead of padded shortcuts), resnet18 (3 x 3 stem), resnet18-w8 (widths 8 to 64, 7 x 7 stem),
/// vgg16-bn, vgg11-mini, alexnet-mini (the small nets of the regularization paper's code), cnn-mini (for MNIST).
std::vector<std::string> stock_names();

/// The architecture for images of this shape. `width` scales every convolution's channels (round to nearest, at least
/// 1). Throws UsageError for a name that is unknown, DataError where the images are too small.
Architecture stock_architecture(const std::string& name, const ImageShape& input, int classes, double width = 1);

}  // namespace espalier
