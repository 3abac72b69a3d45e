#pragma once
/// The binary forms of CIFAR-10, CIFAR-100 (cs.toronto.edu/~kriz/cifar.html) and STL-10
/// (cs.stanford.edu/~acoates/stl10).

#include "import/source.h"
#include "import/stream.h"

namespace espalier {

enum class CifarLabels { ten, coarse, fine };  ///< CIFAR-10, or one of the two labels of CIFAR-100

/// Records of one label byte (CIFAR-100: coarse, fine), then 3 x 32 x 32 bytes.
SourcePointer read_cifar(ByteStream, CifarLabels);

/// 3 x 96 x 96 images whose planes are column-major; no header. Labels stand in a file of their own.
SourcePointer read_stl10(ByteStream, std::size_t file_bytes);

/// Bytes 1 to 10 as classes 0 to 9.
std::vector<std::int32_t> read_stl10_labels(ByteStream, std::size_t file_bytes);

}  // namespace espalier
