#pragma once
/// The size of every kernel of a network, and its channel counts: the numbers behind pictures of networks.

#include <cstddef>
#include <string>
#include <vector>

#include "nn/parameters.h"
#include "tensor/matrix.h"

namespace espalier {

/// A layer with kernels: the K x K slice W[o][i] of a convolution, the one weight W[o][i] of a linear layer (K = 1).
struct KernelNorms {
  std::string layer;
  std::size_t kernel = 1;  ///< K
  Matrix norms;            ///< out x in: ||W[o][i]||_2
};

struct NormSelection {
  std::vector<std::string> layers;  ///< in this order; empty: all convolutions, in the network's
  bool linear = false;              ///< with none named, the linear layers too
};

/// Throws DataError, with `source` as the file's name, for a layer that the network has not, or that has no kernels;
/// and where none is left. Cost: one pass over the weights.
std::vector<KernelNorms> kernel_norms(const Architecture&, const Parameters&, const NormSelection&,
                                      const std::string& source);

/// What counts as zero where every norm up to `zero` does.
struct ZeroCounts {
  std::size_t kernels = 0, zero_kernels = 0;
  std::size_t zero_outputs = 0, zero_inputs = 0;  ///< rows and columns that hold nothing else
};
ZeroCounts count_zeros(const Matrix& norms, double zero);

/// The channels that come out of every convolution and linear layer.
struct NetworkWidths {
  struct Layer {
    std::string name;
    std::size_t channels;
  };
  std::string name;  ///< of the file
  std::vector<Layer> layers;
  std::size_t parameters = 0, macs = 0;
};
NetworkWidths widths_of(const Architecture&, const std::string& name);

}  // namespace espalier
