#include <doctest/doctest.h>

#include <limits>

#include "base/error.h"
#include "embed/initialization.h"
#include "embed_samples.h"

using namespace espalier;
using namespace espalier::test;

namespace {

double deviation(const Buffer<float>& layout, std::size_t m, std::size_t column) {
  double sum = 0, squares = 0;
  const std::size_t n = layout.size() / m;
  for (std::size_t i = 0; i < n; ++i) sum += layout[i * m + column], squares += std::pow(layout[i * m + column], 2);
  return std::sqrt(squares / double(n) - std::pow(sum / double(n), 2));
}

}  // namespace

TEST_CASE("a random start has the deviation asked for and depends on the seed alone") {
  const Buffer<float> one = random_start(20000, 2, 7), again = random_start(20000, 2, 7),
                      other = random_start(20000, 2, 8);
  CHECK_EQ(deviation(one, 2, 0), doctest::Approx(1e-4).epsilon(0.03));
  CHECK_EQ(deviation(one, 2, 1), doctest::Approx(1e-4).epsilon(0.03));
  CHECK(same_bytes(one, again));
  CHECK_FALSE(same_bytes(one, other));
}

TEST_CASE("a PCA start keeps the shape of the scores, whatever their sign, and is 1e-4 wide") {
  Matrix scores = blobs(500, 3, 2, 4), flipped = scores;
  for (std::size_t i = 0; i < 500; ++i) scores(i, 1) *= 0.5f;
  for (std::size_t t = 0; t < scores.size(); ++t) flipped.data()[t] = -scores.data()[t];
  const Buffer<float> start = pca_start(scores, 2, 0);
  CHECK_EQ(deviation(start, 2, 0), doctest::Approx(1e-4).epsilon(0.01));
  CHECK_LT(deviation(start, 2, 1), deviation(start, 2, 0));
  const Buffer<float> same = pca_start(flipped, 2, 0);
  for (std::size_t t = 0; t < start.size(); ++t) CHECK_EQ(same[t], doctest::Approx(start[t]).epsilon(1e-6).scale(1e-4));
}

TEST_CASE("a PCA start parts duplicates and fills in components that the data lack") {
  const Buffer<float> start = pca_start(blobs(50, 1, 2, 4), 2, 0);
  CHECK_GT(deviation(start, 2, 1), 0);
  const Buffer<float> constant = pca_start(Matrix(50, 2, 3.0f), 2, 0);
  CHECK_EQ(deviation(constant, 2, 0), doctest::Approx(1e-4).epsilon(0.5));
  CHECK_NE(constant[0], constant[2]);
}

TEST_CASE("a given start is converted to u, and refused when its shape or its numbers are wrong") {
  Matrix layout(3, 2, 5.0f);
  const Buffer<float> start = given_start(layout, 2, 0.5);
  for (float u : start) CHECK_EQ(u, 10);
  CHECK_THROWS_AS(given_start(layout, 3, 1), DataError);
  layout(1, 1) = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(given_start(layout, 2, 1), DataError);
}
