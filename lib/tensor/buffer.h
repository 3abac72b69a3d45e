#pragma once
/// Contiguous storage aligned for the widest vectors; large buffers ask for huge pages.

#include <cstddef>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>

namespace espalier {

/// Aligned bytes, huge pages from 2 MiB on. Throws SystemError (71) naming the size when there is no memory.
void* allocate_aligned(std::size_t bytes);
void free_aligned(void*);

/// A fixed-size array of plain values, aligned to 64 bytes and padded by 64, not initialised unless asked for.
template <class T>
class Buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Buffer() = default;
  explicit Buffer(std::size_t size) : data_(static_cast<T*>(allocate_aligned(size * sizeof(T)))), size_(size) {}
  Buffer(std::size_t size, T value) : Buffer(size) {
    for (T& x : *this) x = value;
  }
  Buffer(const Buffer& other) : Buffer(other.size_) {
    if (size_) std::memcpy(data_, other.data_, size_ * sizeof(T));
  }
  Buffer(Buffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Buffer() { free_aligned(data_); }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }
  operator std::span<T>() { return {data_, size_}; }
  operator std::span<const T>() const { return {data_, size_}; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace espalier
