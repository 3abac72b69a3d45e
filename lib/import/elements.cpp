#include "import/elements.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/error.h"

namespace espalier {

namespace {

template <class T>
T load(const unsigned char* raw, bool big_endian) {
  unsigned char bytes[sizeof(T)];
  std::memcpy(bytes, raw, sizeof(T));
  if (big_endian == (std::endian::native == std::endian::little)) std::reverse(bytes, bytes + sizeof(T));
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

template <class T>
struct Plain {
  bool big_endian;
  T operator()(const unsigned char* raw) const { return load<T>(raw, big_endian); }
};

struct Half {
  bool big_endian;
  float operator()(const unsigned char* raw) const { return half_to_float(load<std::uint16_t>(raw, big_endian)); }
};

struct Boolean {
  int operator()(const unsigned char* raw) const { return *raw != 0; }
};

/// Calls `body` with the function that loads one element of the type.
template <class Body>
void with_loader(ElementType type, const Body& body) {
  const bool big = type.big_endian;
  using Kind = ElementType::Kind;
  switch (type.kind) {
    case Kind::boolean:
      return body(Boolean{});
    case Kind::real:
      return type.bytes == 2 ? body(Half{big}) : type.bytes == 4 ? body(Plain<float>{big}) : body(Plain<double>{big});
    case Kind::signed_integer:
      return type.bytes == 1   ? body(Plain<std::int8_t>{big})
             : type.bytes == 2 ? body(Plain<std::int16_t>{big})
             : type.bytes == 4 ? body(Plain<std::int32_t>{big})
                               : body(Plain<std::int64_t>{big});
    case Kind::unsigned_integer:
      return type.bytes == 1   ? body(Plain<std::uint8_t>{big})
             : type.bytes == 2 ? body(Plain<std::uint16_t>{big})
             : type.bytes == 4 ? body(Plain<std::uint32_t>{big})
                               : body(Plain<std::uint64_t>{big});
  }
  throw BugError("unknown kind of element");
}

}  // namespace

float half_to_float(std::uint16_t half) {
  const int exponent = (half >> 10) & 31, mantissa = half & 1023;
  float value;
  if (exponent == 31)
    value = mantissa ? std::nanf("") : HUGE_VALF;
  else if (exponent == 0)
    value = std::ldexp(float(mantissa), -24);
  else
    value = std::ldexp(float(mantissa + 1024), exponent - 25);
  return half & 0x8000 ? -value : value;
}

void decode_floats(const unsigned char* raw, std::size_t count, std::size_t stride, ElementType type, float* out) {
  with_loader(type, [&](const auto& loader) {
    for (std::size_t i = 0; i < count; ++i) out[i] = float(loader(raw + i * stride));
  });
}

bool decode_ints(const unsigned char* raw, std::size_t count, ElementType type, std::int32_t* out) {
  bool good = true;
  with_loader(type, [&](const auto& loader) {
    for (std::size_t i = 0; i < count; ++i) {
      const double value = double(loader(raw + i * type.bytes));
      const bool fits = value >= INT32_MIN && value <= INT32_MAX && value == std::floor(value);
      out[i] = fits ? std::int32_t(value) : 0;
      good = good && fits;
    }
  });
  return good;
}

}  // namespace espalier
