#include <doctest/doctest.h>

#include <vector>

#include "base/error.h"
#include "h5/checkpoint.h"
#include "h5_making.h"

using namespace espalier;
using making::TemporaryPath;

namespace {

Buffer<float> buffer(std::vector<float> values) {
  Buffer<float> out(values.size());
  std::copy(values.begin(), values.end(), out.begin());
  return out;
}

bool same(const Buffer<float>& x, const Buffer<float>& y) { return std::equal(x.begin(), x.end(), y.begin(), y.end()); }

SweepState state() {
  SweepState state;
  state.finished.push_back({1.25, 750, buffer({1, 2, 3, 4})});
  state.current.emplace();
  state.current->layout = buffer({5, 6, 7, 8});
  state.current->velocity = buffer({.1f, .2f, .3f, .4f});
  state.current->gains = buffer({1, 1, 2, 2});
  state.current->iteration = 30;
  state.current->end = 750;
  state.snapshot_iterations = {10, 20};
  state.snapshots.push_back(buffer({1, 1, 1, 1}));
  state.snapshots.push_back(buffer({2, 2, 2, 2}));
  return state;
}

}  // namespace

TEST_CASE("a checkpoint gives back what was saved") {
  const TemporaryPath at;
  const CheckpointKey key{"qsne -q 1.5,2", 7, "avx2"};
  const SweepState saved = state();
  write_checkpoint(at.path, key, saved);
  const SweepState read = read_checkpoint(at.path, key, 4, {}).value();
  REQUIRE(read.finished.size() == 1);
  CHECK(read.finished[0].kl == 1.25);
  CHECK(read.finished[0].iterations == 750);
  CHECK(same(read.finished[0].layout, saved.finished[0].layout));
  REQUIRE(read.current.has_value());
  CHECK(read.current->iteration == 30);
  CHECK(read.current->end == 750);
  CHECK(same(read.current->velocity, saved.current->velocity));
  CHECK(read.snapshot_iterations == saved.snapshot_iterations);
  CHECK(same(read.snapshots.at(1), saved.snapshots[1]));
}

TEST_CASE("a checkpoint of another run is refused") {
  const TemporaryPath at;
  const CheckpointKey key{"qsne -q 1.5,2", 7, "avx2"};
  write_checkpoint(at.path, key, state());
  const auto read = [&](const CheckpointKey& other, std::size_t coordinates) {
    return read_checkpoint(at.path, other, coordinates, {});
  };
  CHECK_THROWS_WITH_AS(read({"qsne -q 2", 7, "avx2"}, 4), doctest::Contains("this is 'qsne -q 2'"), DataError);
  CHECK_THROWS_WITH_AS(read({"qsne -q 1.5,2", 8, "avx2"}, 4), doctest::Contains("another input"), DataError);
  CHECK_THROWS_WITH_AS(read(key, 6), doctest::Contains("has 4 numbers, 6 are expected"), DataError);
  CHECK(!read_checkpoint(at.path + ".none", key, 4, {}));
}
