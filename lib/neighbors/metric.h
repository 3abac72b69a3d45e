#pragma once
/// Distances between samples. Cosine and correlation are euclidean distances of normalised rows, squared and halved:
/// 1 - cos(x, y) = |x/|x| - y/|y||^2 / 2; correlation first subtracts each row's own mean.

namespace espalier {

enum class Metric { euclidean, cosine, correlation };

}  // namespace espalier
