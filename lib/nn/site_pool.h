#pragma once
/// Memory for activations and their gradients, shared by counting and used again.

#include <cstddef>
#include <vector>

#include "tensor/buffer.h"

namespace espalier {

class SitePool {
 public:
  /// A buffer of so many floats, of one owner; its contents are anything.
  int acquire(std::size_t floats);
  void share(int handle) { ++owners_[std::size_t(handle)]; }
  void release(int handle) { --owners_[std::size_t(handle)]; }
  bool shared(int handle) const { return owners_[std::size_t(handle)] > 1; }
  float* data(int handle) { return buffers_[std::size_t(handle)].data(); }
  const float* data(int handle) const { return buffers_[std::size_t(handle)].data(); }
  std::size_t bytes() const;

 private:
  std::vector<Buffer<float>> buffers_;
  std::vector<int> owners_;
};

}  // namespace espalier
