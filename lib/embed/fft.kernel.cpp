#include "embed/fft.h"

#include "base/simd.h"

namespace espalier::ESPALIER_KERNEL {

// Transforms of r points in place: a holds real parts, b imaginary parts.

template <class V>
ESPALIER_INLINE void transform_2(V* a, V* b) {
  const V x = a[0] - a[1], y = b[0] - b[1];
  a[0] += a[1];
  b[0] += b[1];
  a[1] = x;
  b[1] = y;
}

template <class T, class V>
ESPALIER_INLINE void transform_3(V* a, V* b) {
  constexpr T half = T(-0.5), sine = T(0.86602540378443864676);
  const V x = a[1] + a[2], y = b[1] + b[2];
  const V u = (a[1] - a[2]) * sine, v = (b[1] - b[2]) * sine;
  const V p = a[0] + half * x, q = b[0] + half * y;
  a[0] += x;
  b[0] += y;
  a[1] = p + v;
  b[1] = q - u;
  a[2] = p - v;
  b[2] = q + u;
}

template <class V>
ESPALIER_INLINE void transform_4(V* a, V* b) {
  const V s0 = a[0] + a[2], t0 = b[0] + b[2], s1 = a[0] - a[2], t1 = b[0] - b[2];
  const V s2 = a[1] + a[3], t2 = b[1] + b[3], s3 = a[1] - a[3], t3 = b[1] - b[3];
  a[0] = s0 + s2;
  b[0] = t0 + t2;
  a[1] = s1 + t3;
  b[1] = t1 - s3;
  a[2] = s0 - s2;
  b[2] = t0 - t2;
  a[3] = s1 - t3;
  b[3] = t1 + s3;
}

template <class T, class V>
ESPALIER_INLINE void transform_5(V* a, V* b) {
  constexpr T c1 = T(0.30901699437494742410), c2 = T(-0.80901699437494742410);  // cos 2 pi / 5, cos 4 pi / 5
  constexpr T s1 = T(0.95105651629515357212), s2 = T(0.58778525229247312917);   // and sines
  const V x1 = a[1] + a[4], y1 = b[1] + b[4], u1 = a[1] - a[4], v1 = b[1] - b[4];
  const V x2 = a[2] + a[3], y2 = b[2] + b[3], u2 = a[2] - a[3], v2 = b[2] - b[3];
  const V p1 = a[0] + c1 * x1 + c2 * x2, q1 = b[0] + c1 * y1 + c2 * y2;
  const V p2 = a[0] + c2 * x1 + c1 * x2, q2 = b[0] + c2 * y1 + c1 * y2;
  const V m1 = s1 * u1 + s2 * u2, n1 = s1 * v1 + s2 * v2;
  const V m2 = s2 * u1 - s1 * u2, n2 = s2 * v1 - s1 * v2;
  a[0] += x1 + x2;
  b[0] += y1 + y2;
  a[1] = p1 + n1;
  b[1] = q1 - m1;
  a[4] = p1 - n1;
  b[4] = q1 + m1;
  a[2] = p2 + n2;
  b[2] = q2 - m2;
  a[3] = p2 - n2;
  b[3] = q2 + m2;
}

/// Two transforms of 4 points: of sums, and of differences times exp(-2 pi i k / 8).
template <class T, class V>
ESPALIER_INLINE void transform_8(V* a, V* b) {
  constexpr T h = T(0.70710678118654752440);
  V e[4], f[4], o[4], g[4];
  for (int k = 0; k < 4; ++k) {
    e[k] = a[k] + a[k + 4];
    f[k] = b[k] + b[k + 4];
    o[k] = a[k] - a[k + 4];
    g[k] = b[k] - b[k + 4];
  }
  const V o1 = h * (o[1] + g[1]), g1 = h * (g[1] - o[1]);
  const V o2 = g[2], g2 = -o[2];
  const V o3 = h * (g[3] - o[3]), g3 = -h * (o[3] + g[3]);
  o[1] = o1, o[2] = o2, o[3] = o3;
  g[1] = g1, g[2] = g2, g[3] = g3;
  transform_4(e, f);
  transform_4(o, g);
  for (int k = 0; k < 4; ++k) {
    a[2 * k] = e[k];
    b[2 * k] = f[k];
    a[2 * k + 1] = o[k];
    b[2 * k + 1] = g[k];
  }
}

template <int radix, class T, class V>
ESPALIER_INLINE void transform(V* a, V* b) {
  if constexpr (radix == 2) transform_2(a, b);
  if constexpr (radix == 3) transform_3<T>(a, b);
  if constexpr (radix == 4) transform_4(a, b);
  if constexpr (radix == 5) transform_5<T>(a, b);
  if constexpr (radix == 8) transform_8<T>(a, b);
}

/// One pass over `columns` transforms of length m * radix each, interleaved: x[q + columns * (p + m * k)] goes to
/// y[q + columns * (radix * p + j)]. A backward transform is a forward one with the parts of each number exchanged.
template <int radix, int real, class T, class V>
static void pass(const V* x, V* y, int m, int columns, const T* twiddles) {
  constexpr int imaginary = 1 - real;
  const std::size_t step = std::size_t(columns);
  for (std::size_t p = 0; p < std::size_t(m); ++p) {
    const T* twiddle = twiddles + p * (radix - 1) * 2;
    for (std::size_t q = 0; q < step; ++q) {
      V a[radix], b[radix];
#pragma GCC unroll 8
      for (std::size_t k = 0; k < radix; ++k) {
        const V* from = x + 2 * (q + step * (p + std::size_t(m) * k));
        a[k] = from[real];
        b[k] = from[imaginary];
      }
      transform<radix, T>(a, b);
      V* to = y + 2 * (q + step * radix * p);
      to[real] = a[0];
      to[imaginary] = b[0];
#pragma GCC unroll 8
      for (std::size_t j = 1; j < radix; ++j) {
        const T c = twiddle[2 * j - 2], s = twiddle[2 * j - 1];
        V* place = to + 2 * step * j;
        place[real] = a[j] * c - b[j] * s;
        place[imaginary] = a[j] * s + b[j] * c;
      }
    }
  }
}

template <int real, class T, class V>
static T* run(const FftSteps<T>& steps, T* from, T* to) {
  V* x = reinterpret_cast<V*>(from);
  V* y = reinterpret_cast<V*>(to);
  int left = steps.length, columns = 1;
  for (int i = 0; i < steps.stages; ++i) {
    const int radix = steps.stage[i].radix, m = left / radix;
    const T* twiddles = steps.stage[i].twiddles;
    switch (radix) {
      case 8:
        pass<8, real>(x, y, m, columns, twiddles);
        break;
      case 5:
        pass<5, real>(x, y, m, columns, twiddles);
        break;
      case 4:
        pass<4, real>(x, y, m, columns, twiddles);
        break;
      case 3:
        pass<3, real>(x, y, m, columns, twiddles);
        break;
      default:
        pass<2, real>(x, y, m, columns, twiddles);
    }
    V* swap = x;
    x = y;
    y = swap;
    left = m;
    columns *= radix;
  }
  return reinterpret_cast<T*>(x);
}

using AliasingFloat = float __attribute__((vector_size(kLanes * 4), may_alias));
using AliasingDouble = double __attribute__((vector_size(kLanes * 4), may_alias));

extern const FftKernels fft_kernel_table;
const FftKernels fft_kernel_table = {kLanes, run<0, float, AliasingFloat>, run<1, float, AliasingFloat>,
                                     run<0, double, AliasingDouble>};

}  // namespace espalier::ESPALIER_KERNEL
