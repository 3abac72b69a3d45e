#pragma once
/// Starting layouts, n x dims in the scale u of embed/kernel.h.

#include <cstdint>

#include "tensor/buffer.h"
#include "tensor/matrix.h"

namespace espalier {

/// Standard deviation of the first coordinate of a start: small, so that exaggeration can move samples past each other.
inline constexpr double kStartDeviation = 1e-4;

/// N(0, deviation^2) in every coordinate.
Buffer<float> random_start(std::size_t n, int dims, std::uint64_t seed, double deviation = kStartDeviation);

/// Principal component scores (n x at least dims, one component a column) scaled together so that the first has
/// standard deviation kStartDeviation. Signs are such that each component's largest score is positive. Noise of a
/// hundredth of that parts samples that coincide, and stands in for components that the data does not have.
Buffer<float> pca_start(const Matrix& scores, int dims, std::uint64_t seed);

/// A layout that exists, in units of which `units_per_u` make one of u (paper_scale(q) for the paper's scale). Throws
/// DataError if its width is not dims or a coordinate is not finite.
Buffer<float> given_start(const Matrix& layout, int dims, double units_per_u);

}  // namespace espalier
