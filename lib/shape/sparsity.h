#pragma once
/// How much of a network is zero, and how much of it could go at once.

#include <cstddef>
#include <string>
#include <vector>

#include "nn/parameters.h"

namespace espalier {

/// How many there are, and how many of them are zero.
struct ZeroCount {
  std::size_t zero = 0, all = 0;
  double share() const { return all ? double(zero) / double(all) : 0; }
  ZeroCount& operator+=(const ZeroCount& other) {
    zero += other.zero;
    all += other.all;
    return *this;
  }
};

/// Of one convolution, or of all. A kernel is zero where all its weights are; a group where all its kernels are: an
/// input group is what a layer reads of one channel, an output group what makes one.
struct LayerSparsity {
  std::string name;
  ZeroCount weights, kernels, input_groups, output_groups;
};

struct SparsityReport {
  double threshold = 0;               ///< weights up to this size count as zero
  std::vector<LayerSparsity> layers;  ///< of every convolution
  LayerSparsity all;
  /// Shares of the network's parameters and MACs that go with the channels that nothing reads or nothing makes.
  double removable_parameters = 0, removable_macs = 0;
};

SparsityReport measure_sparsity(const Architecture&, const Parameters&, double threshold);

/// Tab-separated with a header: a row for each layer, and one for all.
std::string to_table(const SparsityReport&);
/// The same as a JSON object.
std::string to_json(const SparsityReport&);

}  // namespace espalier
