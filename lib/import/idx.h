#pragma once
/// IDX, the format of MNIST and its kin: 0 0 TYPE RANK, big-endian 32-bit sizes, values. yann.lecun.com/exdb/mnist.

#include "import/array.h"

namespace espalier {

bool is_idx(std::string_view head);  ///< the first four bytes

/// Samples; N x H x W gives 1 x H x W images.
SourcePointer read_idx(ByteStream);

/// A one-dimensional file as classes.
std::vector<std::int32_t> read_idx_labels(ByteStream);

}  // namespace espalier
