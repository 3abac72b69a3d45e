#include <doctest/doctest.h>

#include "base/parallel.h"
#include "embed/initialization.h"
#include "embed/optimizer.h"
#include "embed/transform.h"
#include "embed_samples.h"

using namespace espalier;
using namespace espalier::test;

namespace {

struct Map {
  Matrix x = blobs(450, 5, 3, 12);
  Buffer<float> layout;

  Map() {
    Optimizer optimizer(compute_affinities(nearest(x, 30), {{10}}), random_start(450, 2, 1), classic_schedule(1, 2));
    optimizer.run({});
    layout = optimizer.state().layout;
  }
};

double apart(const float* u, const float* v) { return std::hypot(u[0] - v[0], u[1] - v[1]); }

}  // namespace

TEST_CASE("copies of a map's samples come to rest near their originals") {
  const Map map;
  Matrix copies(90, 5);
  for (std::size_t i = 0; i < 90; ++i)
    for (std::size_t t = 0; t < 5; ++t) copies(i, t) = map.x(5 * i, t);
  const Buffer<float> placed = transform(nearest(copies, map.x, 30), {{10}}, map.layout, {});
  double spread = 0, error = 0;
  for (std::size_t i = 0; i < 90; ++i) {
    error += apart(&placed[2 * i], &map.layout[10 * i]) / 90;
    spread += apart(&map.layout[10 * i], &map.layout[10 * ((i + 3) % 90)]) / 90;  // within the same blob
  }
  CHECK_LT(error, 0.25 * spread);
}

TEST_CASE("new samples land in the blob they come from") {
  const Map map;
  const Matrix fresh = blobs(60, 5, 3, 12, 99);
  const Buffer<float> placed = transform(nearest(fresh, map.x, 30), {{10}}, map.layout, {});
  for (std::size_t i = 0; i < 60; ++i) {
    std::size_t closest = 0;
    for (std::size_t j = 0; j < 450; ++j)
      if (apart(&placed[2 * i], &map.layout[2 * j]) < apart(&placed[2 * i], &map.layout[2 * closest])) closest = j;
    CHECK_EQ(closest % 3, i % 3);
  }
}

TEST_CASE("new samples do not see each other, and threads do not matter") {
  const Map map;
  const Matrix fresh = blobs(30, 5, 3, 12, 99);
  Matrix first(1, 5);
  for (std::size_t t = 0; t < 5; ++t) first(0, t) = fresh(0, t);
  const Buffer<float> all = transform(nearest(fresh, map.x, 30), {{10}}, map.layout, {});
  const Buffer<float> alone = transform(nearest(first, map.x, 30), {{10}}, map.layout, {});
  CHECK_LT(apart(&all[0], &alone[0]), 1e-3);
  set_threads(4);
  CHECK(same_bytes(all, transform(nearest(fresh, map.x, 30), {{10}}, map.layout, {})));
  set_threads(1);
}
