#pragma once
/// LZF, the quick compression of h5py (compression="lzf", filter 32000), for reading.

#include <cstddef>
#include <span>
#include <vector>

namespace espalier {

/// Unpacks a chunk; false where it is damaged or gives more than `most` bytes. A chunk is a row of instructions. The
/// first byte c of one below 32 means that c + 1 bytes follow as they are. Otherwise c / 32 + 2 bytes are repeated (if
/// c / 32 is 7, the next byte is added to it) from 256 * (c % 32) + the next byte + 1 bytes back.
bool unpack_lzf(std::span<const unsigned char> packed, std::size_t most, std::vector<unsigned char>& out);

/// Makes HDF5 read such datasets.
void register_lzf();

}  // namespace espalier
