#pragma once
/// One channel silenced at a time, in place: what scoring by loss does thousands of times.

#include <string>
#include <utility>
#include <vector>

#include "shape/channel_spaces.h"

namespace espalier {

class ChannelMask {
 public:
  /// Keeps references to all.
  ChannelMask(NetworkShape&, const ChannelLayout&);
  ~ChannelMask() { restore(); }
  ChannelMask(const ChannelMask&) = delete;
  ChannelMask& operator=(const ChannelMask&) = delete;

  /// Puts zeros where the channel gets its values: into the norms, into the weights and biases of producers that no
  /// norm follows, and -1 into the maps of shortcuts. The channel is then 0 as in mask_channels.
  void silence(std::size_t space, std::size_t channel);
  /// Puts back what the last silence() took.
  void restore();

  /// The first layer that silence() changes.
  int first_layer(std::size_t space) const;

 private:
  struct Taken {
    float* place;
    std::vector<float> values;
  };
  void take(float* place, std::size_t count);
  bool is_changed(int layer) const;

  NetworkShape& network_;
  const ChannelLayout& layout_;
  std::vector<std::size_t> first_parameter_;  ///< of each layer
  std::vector<bool> normed_;                  ///< of each layer: norms are all that reads it
  std::vector<Taken> taken_;
  std::vector<std::pair<int*, int>> maps_;
};

}  // namespace espalier
