#include "h5/lzf.h"

#include <cstdlib>
#include <cstring>
#include <exception>

#include "h5/hdf5_api.h"

namespace espalier {

namespace {

constexpr H5Z_filter_t kLzf = 32000;

/// Chunks larger than this are not unpacked where the filter's parameters do not say a size.
constexpr std::size_t kMostChunk = std::size_t(1) << 32;

/// HDF5's side of the filter: replaces the buffer. 0 is failure. h5py notes the size of a chunk as third parameter.
size_t filter_chunk(unsigned flags, size_t parameters, const unsigned values[], size_t size, size_t* capacity,
                    void** buffer) {
  if (!(flags & H5Z_FLAG_REVERSE)) return 0;
  try {
    std::vector<unsigned char> out;
    const std::size_t most = parameters >= 3 && values[2] > 0 ? values[2] : kMostChunk;
    if (!unpack_lzf({static_cast<const unsigned char*>(*buffer), size}, most, out) || out.empty()) return 0;
    void* unpacked = H5allocate_memory(out.size(), false);
    if (!unpacked) return 0;
    std::memcpy(unpacked, out.data(), out.size());
    H5free_memory(*buffer);
    *buffer = unpacked;
    *capacity = out.size();
    return out.size();
  } catch (const std::exception&) {
    return 0;
  }
}

}  // namespace

bool unpack_lzf(std::span<const unsigned char> packed, std::size_t most, std::vector<unsigned char>& out) {
  std::size_t at = 0;
  while (at < packed.size()) {
    const std::size_t control = packed[at++];
    if (control < 32) {
      const std::size_t length = control + 1;
      if (packed.size() - at < length || most - out.size() < length) return false;
      out.insert(out.end(), packed.begin() + std::ptrdiff_t(at), packed.begin() + std::ptrdiff_t(at + length));
      at += length;
      continue;
    }
    std::size_t length = control / 32;
    if (packed.size() - at < (length == 7 ? 2u : 1u)) return false;
    if (length == 7) length += packed[at++];
    length += 2;
    const std::size_t back = 256 * (control % 32) + packed[at++] + 1;
    if (back > out.size() || most - out.size() < length) return false;
    // Byte by byte: what is repeated may overlap what is being written.
    for (std::size_t i = 0; i < length; ++i) out.push_back(out[out.size() - back]);
  }
  return true;
}

void register_lzf() {
  const H5Z_class2_t filter{H5Z_CLASS_T_VERS, kLzf, 0, 1, "lzf", nullptr, nullptr, filter_chunk};
  H5Zregister(&filter);
}

}  // namespace espalier
