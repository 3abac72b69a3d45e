#pragma once
/// Numbers as foreign files store them: integers, floats and booleans of any width and byte order.

#include <cstddef>
#include <cstdint>

namespace espalier {

struct ElementType {
  enum class Kind { unsigned_integer, signed_integer, real, boolean };
  Kind kind = Kind::unsigned_integer;
  std::size_t bytes = 1;  ///< 1, 2, 4 or 8; a real has 2, 4 or 8, a boolean 1
  bool big_endian = false;

  /// True where the bytes are kept as uint8 samples.
  bool is_u8() const { return bytes == 1 && kind != Kind::signed_integer; }
};

/// `count` numbers from unaligned bytes, rounded to float; each `stride` bytes after the last.
void decode_floats(const unsigned char* raw, std::size_t count, std::size_t stride, ElementType, float* out);

/// `count` numbers as integers. False where one is not an integer in [-2^31, 2^31).
bool decode_ints(const unsigned char* raw, std::size_t count, ElementType, std::int32_t* out);

/// The value of an IEEE 754 half.
float half_to_float(std::uint16_t half);

}  // namespace espalier
