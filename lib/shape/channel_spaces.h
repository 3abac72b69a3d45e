#pragma once
/// Which tensor slices of a network live and die together.
///
/// A channel space is a largest set of layer values whose channels are tied one to one: what a convolution or linear
/// layer gives, passed on by norms, rectifiers, pools and flattening, joined by additions. A shortcut of padded
/// channels (option A) begins a space of its own: its map says which channels of the other space it takes, so stages
/// are not tied. The image and the logits are not spaces. Where flattened values of different sizes are added, a
/// channel is the shortest run of features that is whole channels of each of them.

#include <string>
#include <vector>

#include "nn/parameters.h"

namespace espalier {

struct ChannelSpace {
  std::string name;  ///< its first layer
  int channels = 0;
  std::vector<int> layers;     ///< whose values lie in it, ascending
  std::vector<int> producers;  ///< convolutions and linear layers that give to it, ascending
  std::vector<int> readers;    ///< convolutions and linear layers that read from it, ascending
  /// One producer, neither additions nor shortcuts: channels inside a residual block, all layers of a plain chain.
  bool inner = false;
};

struct ChannelLayout {
  std::vector<ChannelSpace> spaces;  ///< by first layer
  std::vector<int> space_of;         ///< of each layer's value; -1: its channels are fixed
  std::vector<int> features;         ///< of each layer's value: per channel, more than 1 after flattening
};

ChannelLayout find_channels(const Architecture&);

/// Marks of channels: of each space, one for each channel, or none at all.
using ChannelMarks = std::vector<std::vector<bool>>;

/// A network as far as shape is concerned.
struct NetworkShape {
  Architecture architecture;
  Parameters parameters;
};

}  // namespace espalier
