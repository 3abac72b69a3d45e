#pragma once
/// Channels cut into tiles that fit the registers.

#include <cstdint>

namespace espalier {

/// As even as can be: 13 in tiles of at most 6 are 4, 4 and 5.
struct ChannelTiles {
  int channels, count;
  ChannelTiles(int all, int most) : channels(all), count((all + most - 1) / most) {}
  int begin(int tile) const { return int(std::int64_t(channels) * tile / count); }
  int size(int tile) const { return begin(tile + 1) - begin(tile); }
};

}  // namespace espalier
