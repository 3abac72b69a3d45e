#pragma once
/// Numeric arrays of MATLAB files of version 5 (saved by MATLAB 5 to 7.2, or with -v6 and -v7). Source: MathWorks,
/// "MAT-File Format". Every length is held against what surrounds it before memory is taken; what is not numeric is
/// passed over unread.

#include <optional>
#include <string>
#include <vector>

#include "import/elements.h"
#include "import/stream.h"

namespace espalier {

/// A variable; the first axis runs fastest.
struct MatArray {
  std::string name;
  std::vector<std::size_t> dims;
  std::optional<ElementType> type;   ///< as stored, often narrower than its class; none where it is not real numbers
  std::optional<ByteStream> values;  ///< at the first value, ending after the last
};

bool is_mat5(std::string_view head);  ///< the first 128 bytes

/// The variables one by one.
class Mat5Reader {
 public:
  explicit Mat5Reader(const std::string& path);
  /// Nothing at the end of the file.
  std::optional<MatArray> next();

 private:
  std::string path_;
  std::uint64_t size_ = 0, offset_ = 0;
  bool big_endian_ = false;
};

}  // namespace espalier
