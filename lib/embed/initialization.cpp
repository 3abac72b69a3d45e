#include "embed/initialization.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/random.h"

namespace espalier {

namespace {

constexpr std::uint64_t kStream = 0x7374617274;  // "start"

struct Component {
  double mean = 0, deviation = 0, farthest = 0;  // farthest from the mean, with its sign
};

Component describe(const Matrix& scores, std::size_t column) {
  Component c;
  const double n = double(scores.rows());
  for (std::size_t i = 0; i < scores.rows(); ++i) c.mean += scores(i, column) / n;
  for (std::size_t i = 0; i < scores.rows(); ++i) {
    const double x = scores(i, column) - c.mean;
    c.deviation += x * x / n;
    if (std::fabs(x) > std::fabs(c.farthest)) c.farthest = x;
  }
  c.deviation = std::sqrt(c.deviation);
  return c;
}

}  // namespace

Buffer<float> random_start(std::size_t n, int dims, std::uint64_t seed, double deviation) {
  const Random random(seed, kStream);
  Buffer<float> layout(n * std::size_t(dims));
  for (std::size_t i = 0; i < layout.size(); ++i) layout[i] = float(deviation * random.normal(i));
  return layout;
}

Buffer<float> pca_start(const Matrix& scores, int dims, std::uint64_t seed) {
  Buffer<float> layout = random_start(scores.rows(), dims, seed, kStartDeviation / 100);
  const double first = scores.cols() ? describe(scores, 0).deviation : 0;
  if (!(first > 0)) return random_start(scores.rows(), dims, seed);
  for (std::size_t c = 0; c < std::min(scores.cols(), std::size_t(dims)); ++c) {
    const Component component = describe(scores, c);
    const double scale = std::copysign(kStartDeviation / first, component.farthest);
    for (std::size_t i = 0; i < scores.rows(); ++i)
      layout[i * std::size_t(dims) + c] += float(scale * (scores(i, c) - component.mean));
  }
  return layout;
}

Buffer<float> given_start(const Matrix& given, int dims, double units_per_u) {
  if (given.cols() != std::size_t(dims))
    throw DataError("", "", "the starting layout has {} coordinates, expected {}", given.cols(), dims);
  Buffer<float> layout(given.size());
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (!std::isfinite(given.data()[i]))
      throw DataError("", "", "the starting layout has {} in row {}", given.data()[i], i / given.cols());
    layout[i] = float(given.data()[i] / units_per_u);
  }
  return layout;
}

}  // namespace espalier
