#include "base/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace espalier {

namespace {

using Body = std::function<void(std::size_t, int)>;

/// One loop in flight. Workers take chunk numbers from `next` until there are none left.
struct Loop {
  const Body* body = nullptr;
  std::size_t chunks = 0;
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  std::exception_ptr error;

  void run(int worker) {
    for (std::size_t chunk; (chunk = next.fetch_add(1, std::memory_order_relaxed)) < chunks;) {
      if (failed.load(std::memory_order_relaxed)) continue;
      try {
        (*body)(chunk, worker);
      } catch (...) {
        if (!failed.exchange(true)) error = std::current_exception();
      }
    }
  }
};

thread_local bool inside_loop = false;

/// Spins briefly before sleeping: a loop of an optimiser lasts milliseconds and the next one follows at once, while a
/// long spin on a machine shared with others would take the core from whoever has the work.
constexpr int kSpins = 2000;

inline void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

class Pool {
 public:
  ~Pool() { shrink(); }

  int size() const { return int(workers_.size()) + 1; }

  void resize(int count) {
    if (count == size()) return;
    shrink();
    for (int worker = 1; worker < count; ++worker) workers_.emplace_back([this, worker] { work(worker); });
    // A thread that begins may hold the allocator's lock, and a child forked meanwhile would wait for it for ever.
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return begun_ == count - 1; });
  }

  void run(Loop& loop) {
    {
      std::lock_guard lock(mutex_);
      loop_ = &loop;
      generation_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    loop.run(0);
    // All chunks are taken. A worker that has not woken by now is not waited for: on a busy machine that could be long.
    std::unique_lock lock(mutex_);
    loop_ = nullptr;
    if (running_.load(std::memory_order_acquire) == 0) return;
    lock.unlock();
    for (int spin = 0; spin < kSpins && running_.load(std::memory_order_acquire); ++spin) pause_cpu();
    lock.lock();
    done_.wait(lock, [this] { return running_.load(std::memory_order_acquire) == 0; });
  }

 private:
  void work(int worker) {
    inside_loop = true;
    {
      std::lock_guard lock(mutex_);
      ++begun_;
      done_.notify_one();
    }
    unsigned seen = 0;
    for (;;) {
      for (int spin = 0; spin < kSpins && generation_.load(std::memory_order_acquire) == seen; ++spin) pause_cpu();
      Loop* loop;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return generation_.load(std::memory_order_relaxed) != seen; });
        seen = generation_.load(std::memory_order_relaxed);
        if (ending_) return;
        loop = loop_;
        if (!loop) continue;
        running_.fetch_add(1, std::memory_order_relaxed);
      }
      loop->run(worker);
      if (running_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        std::lock_guard lock(mutex_);
        done_.notify_one();
      }
    }
  }

  void shrink() {
    if (workers_.empty()) return;
    {
      std::lock_guard lock(mutex_);
      ending_ = true;
      generation_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
    generation_.store(0);
    begun_ = 0;
    ending_ = false;
  }

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::atomic<unsigned> generation_{0};
  std::atomic<int> running_{0};
  Loop* loop_ = nullptr;
  int begun_ = 0;
  bool ending_ = false;
};

Pool& pool() {
  static Pool pool;
  return pool;
}

/// CPUs granted by the cgroup quota (version 2, then 1), or a large number.
int cgroup_quota() {
  constexpr int kUnlimited = 1 << 20;
  std::string quota;
  double period = 0;
  if (std::ifstream v2("/sys/fs/cgroup/cpu.max"); !(v2 >> quota >> period)) {
    std::ifstream quota_v1("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"), period_v1("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
    if (!(quota_v1 >> quota) || !(period_v1 >> period)) return kUnlimited;
  }
  const double microseconds = std::atof(quota.c_str());  // "max" and "-1" read as not positive
  if (microseconds <= 0 || period <= 0) return kUnlimited;
  return std::max(1, int(std::lround(microseconds / period)));
}

}  // namespace

void set_threads(int count) { pool().resize(std::max(1, count)); }

int threads() { return pool().size(); }

int available_threads() {
  cpu_set_t mask;
  int count = int(std::thread::hardware_concurrency());
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) count = CPU_COUNT(&mask);
  count = std::min(count, cgroup_quota());
  if (const char* limit = std::getenv("OMP_NUM_THREADS"); limit && std::atoi(limit) > 0)
    count = std::min(count, std::atoi(limit));
  return std::max(1, count);
}

void parallel_for(std::size_t chunks, const Body& body) {
  if (chunks == 0) return;
  if (chunks == 1 || inside_loop || pool().size() == 1) {
    for (std::size_t chunk = 0; chunk < chunks; ++chunk) body(chunk, 0);
    return;
  }
  Loop loop;
  loop.body = &body;
  loop.chunks = chunks;
  inside_loop = true;
  pool().run(loop);
  inside_loop = false;
  if (loop.error) std::rethrow_exception(loop.error);
}

double parallel_sum(std::size_t chunks, const std::function<double(std::size_t, int)>& body) {
  std::vector<double> parts(chunks);
  parallel_for(chunks, [&](std::size_t chunk, int worker) { parts[chunk] = body(chunk, worker); });
  double sum = 0;
  for (double part : parts) sum += part;
  return sum;
}

}  // namespace espalier
