#include "nn/site_pool.h"

namespace espalier {

int SitePool::acquire(std::size_t floats) {
  // The tightest free buffer that is not more than half empty.
  int best = -1;
  for (std::size_t i = 0; i < buffers_.size(); ++i) {
    const std::size_t size = buffers_[i].size();
    if (owners_[i] == 0 && size >= floats && size <= 2 * floats &&
        (best < 0 || size < buffers_[std::size_t(best)].size()))
      best = int(i);
  }
  if (best < 0) {
    best = int(buffers_.size());
    buffers_.emplace_back(floats);
    owners_.push_back(0);
  }
  owners_[std::size_t(best)] = 1;
  return best;
}

std::size_t SitePool::bytes() const {
  std::size_t total = 0;
  for (const Buffer<float>& buffer : buffers_) total += buffer.size() * sizeof(float);
  return total;
}

}  // namespace espalier
