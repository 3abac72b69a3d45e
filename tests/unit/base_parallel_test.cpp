#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

#include "base/parallel.h"

using namespace espalier;

TEST_CASE("every chunk runs once, whatever the number of threads") {
  for (int count : {1, 2, 4, 7}) {
    set_threads(count);
    for (std::size_t chunks : {0, 1, 2, 1000}) {
      std::vector<std::atomic<int>> seen(chunks);
      parallel_for(chunks, [&](std::size_t chunk, int worker) {
        CHECK_LT(worker, count);
        ++seen[chunk];
      });
      for (const auto& s : seen) CHECK_EQ(s.load(), 1);
    }
  }
  set_threads(1);
}

TEST_CASE("a sum over chunks is the same double for 1, 2 and 4 threads") {
  double sums[3] = {};
  int at = 0;
  for (int count : {1, 2, 4}) {
    set_threads(count);
    sums[at++] = parallel_sum(1000, [](std::size_t chunk, int) { return 1.0 / double(3 * chunk + 1); });
  }
  set_threads(1);
  CHECK_EQ(sums[0], sums[1]);
  CHECK_EQ(sums[0], sums[2]);
}

TEST_CASE("an exception in a chunk reaches the caller, and the pool goes on working") {
  set_threads(2);
  CHECK_THROWS_AS(parallel_for(100,
                               [](std::size_t chunk, int) {
                                 if (chunk == 57) throw std::runtime_error("57");
                               }),
                  std::runtime_error);
  std::atomic<int> done{0};
  parallel_for(100, [&](std::size_t, int) { ++done; });
  CHECK_EQ(done.load(), 100);
  set_threads(1);
}

TEST_CASE("a loop inside a loop runs in place") {
  set_threads(2);
  std::atomic<int> done{0};
  parallel_for(8, [&](std::size_t, int) { parallel_for(8, [&](std::size_t, int) { ++done; }); });
  CHECK_EQ(done.load(), 64);
  set_threads(1);
}
