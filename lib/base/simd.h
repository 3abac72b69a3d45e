#pragma once
/// Vectors for NAME.kernel.cpp files: kLanes floats side by side, 16, 8 or 4 by instruction set, by the compiler's
/// vector extensions, so that one readable source serves AVX-512, AVX2, SSE2 and NEON. Everything here lives in the
/// kernel's own namespace: an AVX-512 copy of a shared inline function, picked by the linker, would crash the baseline.

#ifndef ESPALIER_KERNEL
#error "base/simd.h is for NAME.kernel.cpp files only"
#endif

#include <cstddef>
#include <cstdint>

namespace espalier::ESPALIER_KERNEL {

#if defined(__AVX512F__)
inline constexpr int kLanes = 16;
#elif defined(__AVX2__)
inline constexpr int kLanes = 8;
#else
inline constexpr int kLanes = 4;
#endif

using Float = float __attribute__((vector_size(kLanes * 4)));
using Int = std::int32_t __attribute__((vector_size(kLanes * 4)));
using UnalignedFloat = float __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));
using UnalignedInt = std::int32_t __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));

#define ESPALIER_INLINE static inline __attribute__((always_inline))

ESPALIER_INLINE Float splat(float x) { return x - Float{}; }
ESPALIER_INLINE Float load(const float* p) { return *reinterpret_cast<const UnalignedFloat*>(p); }
/// Loaded once for several uses; else compilers read memory again in each of them, more than a core can.
ESPALIER_INLINE Float load_once(const float* p) {
  Float x = load(p);
#if defined(__x86_64__)
  asm("" : "+v"(x));
#elif defined(__aarch64__)
  asm("" : "+w"(x));
#endif
  return x;
}
ESPALIER_INLINE void store(float* p, Float x) { *reinterpret_cast<UnalignedFloat*>(p) = x; }
ESPALIER_INLINE Float minimum(Float x, Float y) { return x < y ? x : y; }
ESPALIER_INLINE Float maximum(Float x, Float y) { return x > y ? x : y; }
ESPALIER_INLINE Float round_to_even(Float x) {
  const Float magic = splat(12582912.0f);  // 1.5 * 2^23: adding it leaves no fraction bits, |x| < 2^22
  return (x + magic) - magic;
}
ESPALIER_INLINE Int to_int(Float x) { return __builtin_convertvector(x, Int); }
ESPALIER_INLINE Float to_float(Int x) { return __builtin_convertvector(x, Float); }

/// Sum of the lanes, in an order that depends on kLanes alone: halves are added to each other.
ESPALIER_INLINE float sum(float __attribute__((vector_size(16))) x) { return (x[0] + x[2]) + (x[1] + x[3]); }
#if defined(__AVX2__)
ESPALIER_INLINE float sum(float __attribute__((vector_size(32))) x) {
  return sum(__builtin_shufflevector(x, x, 0, 1, 2, 3) + __builtin_shufflevector(x, x, 4, 5, 6, 7));
}
#endif
#if defined(__AVX512F__)
ESPALIER_INLINE float sum(float __attribute__((vector_size(64))) x) {
  return sum(__builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7) +
             __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15));
}
#endif

/// exp(x), relative error about 1e-7 for -87 < x < 88; below, 0; above, about 1.7e38.
/// Cody and Waite reduction to |r| <= ln 2 / 2, then a degree-6 polynomial (Cephes expf).
ESPALIER_INLINE Float exp(Float x) {
  const Float clamped = minimum(maximum(x, splat(-87.0f)), splat(88.0f));
  const Float n = round_to_even(clamped * 1.44269504088896341f);
  const Float r = (clamped - n * 0.693359375f) + n * 2.12194440e-4f;
  Float p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const Float y = p * r * r + r + 1.0f;
  const Int bits = (to_int(n) + 127) << 23;
  Float power;
  __builtin_memcpy(&power, &bits, sizeof power);
  return x < splat(-87.0f) ? Float{} : y * power;
}

/// What a logarithm is summed from: x = 2^octave (1 + r) with 1 + r in [sqrt(1/2), sqrt(2)), and
/// log(1 + r) = r - r^2 / 2 + cubic r^3 (Cephes logf).
struct LogParts {
  Float octave, r, cubic;
};

/// For x > 0 and normal.
ESPALIER_INLINE LogParts split_log(Float x) {
  Int bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  const Int shifted = bits - 0x3f3504f3;  // the bits of sqrt(1/2)
  const Int mantissa_bits = (shifted & 0x007fffff) + 0x3f3504f3;
  Float mantissa;
  __builtin_memcpy(&mantissa, &mantissa_bits, sizeof mantissa);
  const Float r = mantissa - 1.0f;
  Float p = splat(7.0376836292e-2f);
  p = p * r - 1.1514610310e-1f;
  p = p * r + 1.1676998740e-1f;
  p = p * r - 1.2420140846e-1f;
  p = p * r + 1.4249322787e-1f;
  p = p * r - 1.6668057665e-1f;
  p = p * r + 2.0000714765e-1f;
  p = p * r - 2.4999993993e-1f;
  p = p * r + 3.3333331174e-1f;
  return {to_float(shifted >> 23), r, p};
}

/// log(x) for x > 0 and normal, relative error about 1e-7.
ESPALIER_INLINE Float log(Float x) {
  const auto [e, r, cubic] = split_log(x);
  const Float z = r * r;
  return (e * 0.693359375f + (cubic * z * r + e * -2.12194440e-4f)) + (r - 0.5f * z);
}

/// log(1 + x) for x >= 0, accurate near 0: the rounding error of 1 + x is given back.
ESPALIER_INLINE Float log1p(Float x) {
  const Float y = x + 1.0f;
  return log(y) + (x - (y - 1.0f)) / y;
}

}  // namespace espalier::ESPALIER_KERNEL
