#pragma once
/// Parallel loops whose results do not depend on the number of threads.
///
/// Work is cut into chunks by the caller, with borders that depend on the problem alone. Chunks may run in any order
/// and on any thread; whatever they add up is added afterwards in chunk order.

#include <cstddef>
#include <functional>

namespace espalier {

/// Threads used by all loops from now on, >= 1; all have begun on return, so that a fork finds none of them in the
/// allocator. Not to be called while a loop runs.
void set_threads(int count);
int threads();

/// Threads this process may use: affinity mask and cgroup quota, capped by OMP_NUM_THREADS.
int available_threads();

/// Runs body(chunk, worker) for chunk in [0, chunks), worker in [0, threads()); returns when all are done. The worker
/// number picks scratch space and must not influence results. A single chunk, or a loop inside a loop, runs in place.
/// The first exception of a body is rethrown here, after the other chunks have ended or been skipped.
void parallel_for(std::size_t chunks, const std::function<void(std::size_t chunk, int worker)>& body);

/// Sum over chunks of body(chunk, worker), added in chunk order.
double parallel_sum(std::size_t chunks, const std::function<double(std::size_t chunk, int worker)>& body);

/// Cuts [0, n) into pieces of `size` (the last one shorter) and runs body(begin, end, worker) on each.
template <class Body>
void parallel_ranges(std::size_t n, std::size_t size, Body&& body) {
  parallel_for((n + size - 1) / size, [&](std::size_t chunk, int worker) {
    const std::size_t begin = chunk * size;
    body(begin, begin + size < n ? begin + size : n, worker);
  });
}

}  // namespace espalier
