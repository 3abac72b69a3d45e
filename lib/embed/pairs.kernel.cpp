#include "embed/pairs.h"

#include "base/simd.h"

namespace espalier::ESPALIER_KERNEL {

using Double = double __attribute__((vector_size(kLanes * 8)));

ESPALIER_INLINE Double widen(Float x) { return __builtin_convertvector(x, Double); }

/// Forms of the kernel. `heavy` is the general one; `light`, for a below 0.1, keeps the digits that 1 + a d^2 drops,
/// because the division by a would magnify their loss. Where the power is a square (q = 1.5), the reciprocal (q = 2) or
/// two thirds of it (q = 2.5), it costs a third of the general one.
enum class Form { gaussian, light, square, cauchy, two_thirds, heavy };

/// Above this the light form's correction is below the rounding of the logarithm itself.
constexpr double kLightLimit = 0.1;
constexpr double kGaussianBelow = 1e-9;

/// (l (1 + excess))^exponent for l >= 1, exponent < 0 and a tiny excess, as a power of two of a base-2 logarithm;
/// relative error about 1e-7 (1 - log2 of the result). Leaner than log and exp of base/simd.h: there is no overflow to
/// guard against, and what would be below 2^-126 may stay there.
ESPALIER_INLINE Float power(Float l, Float excess, float exponent) {
  const auto [octave, r, cubic] = split_log(l);
  const Float r2 = r * r;
  const Float logarithm = (cubic * r * r2 + excess) + (r - 0.5f * r2);
  const Float t = maximum((logarithm * 1.44269504088896341f + octave) * exponent, splat(-126.0f));
  const Float n = round_to_even(t), f = t - n;
  Float y = splat(1.54035304e-4f);  // 2^f by its series, ln(2)^k / k!
  y = y * f + 1.33335581e-3f;
  y = y * f + 9.61812911e-3f;
  y = y * f + 5.55041087e-2f;
  y = y * f + 2.40226507e-1f;
  y = y * f + 6.93147181e-1f;
  y = y * f + 1.0f;
  const Int scale_bits = (to_int(n) + 127) << 23;
  Float scale;
  __builtin_memcpy(&scale, &scale_bits, sizeof scale);
  return y * scale;
}

/// l^(-1/3) for normal l > 0, relative error about 1e-7: a third of the exponent by integers, 3.4 % off at worst, then
/// y / (1 - e)^(1/3) by its series in e = 1 - l y^3.
ESPALIER_INLINE Float inverse_cube_root(Float l) {
  Int bits;
  __builtin_memcpy(&bits, &l, sizeof bits);
  const Int guess = 0x54a21d2a - to_int(to_float(bits) * (1.0f / 3));
  Float y;
  __builtin_memcpy(&y, &guess, sizeof y);
  const Float wide = 1.0f - l * y * (y * y);
  y += y * wide * (1.0f / 3 + wide * (2.0f / 9 + wide * (14.0f / 81)));
  const Float narrow = 1.0f - l * y * (y * y);
  return y + y * narrow * (1.0f / 3);
}

struct Weight {
  Float w;     // (1 + a d2)^(-1/a)
  Float pull;  // w / (1 + a d2)
};

template <Form form>
ESPALIER_INLINE Weight weigh(Float d2, float a, float minus_inverse_a) {
  if constexpr (form == Form::gaussian) {
    const Float w = exp(-d2);
    return {w, w};
  }
  const Float x = a * d2, l = x + 1.0f, inverse = 1.0f / l;
  if constexpr (form == Form::cauchy) return {inverse, inverse * inverse};
  if constexpr (form == Form::square) return {inverse * inverse, inverse * inverse * inverse};
  if constexpr (form == Form::two_thirds) {
    const Float root = inverse_cube_root(l), w = root * root;
    return {w, w * w * root};
  }
  const Float lost = form == Form::light ? (x - (l - 1.0f)) * inverse : Float{};
  const Float w = power(l, lost, minus_inverse_a);
  return {w, w * inverse};
}

/// Rows lie in the lanes, so nothing is summed across lanes. Floats add up at most kRun terms before they go to
/// doubles.
constexpr std::size_t kRun = 64;

template <int dims, Form form, bool with_gradient>
static void run(const PairBlock& block, double* weights, double* gradient) {
  const float a = float(block.a), minus_inverse_a = float(-1 / block.a);
  for (std::size_t r = 0; r < kPairRows; r += kLanes) {
    Float u[dims];
    Double weight_sum = {}, gradient_sum[dims] = {};
    for (int c = 0; c < dims; ++c) u[c] = load(block.coordinates[c] + block.row + r);
    for (std::size_t begin = block.begin; begin < block.end; begin += kRun) {
      const std::size_t end = begin + kRun < block.end ? begin + kRun : block.end;
      Float weight_run = {}, gradient_run[dims] = {};
      for (std::size_t j = begin; j < end; ++j) {
        Float d[dims], d2 = {};
        for (int c = 0; c < dims; ++c) {
          d[c] = u[c] - block.coordinates[c][j];
          d2 += d[c] * d[c];
        }
        const Weight weight = weigh<form>(d2, a, minus_inverse_a);
        weight_run += weight.w;
        if constexpr (with_gradient)
          for (int c = 0; c < dims; ++c) gradient_run[c] += weight.pull * d[c];
      }
      weight_sum += widen(weight_run);
      if constexpr (with_gradient)
        for (int c = 0; c < dims; ++c) gradient_sum[c] += widen(gradient_run[c]);
    }
    for (int lane = 0; lane < kLanes; ++lane) {
      weights[r + lane] += weight_sum[lane];
      if constexpr (with_gradient)
        for (int c = 0; c < dims; ++c) gradient[c * kPairRows + r + lane] -= 2 * gradient_sum[c][lane];
    }
  }
}

template <int dims, bool with_gradient>
static void run_form(const PairBlock& block, double* weights, double* gradient) {
  if (block.a < kGaussianBelow) return run<dims, Form::gaussian, with_gradient>(block, weights, gradient);
  if (block.a == 0.5) return run<dims, Form::square, with_gradient>(block, weights, gradient);
  if (block.a == 1) return run<dims, Form::cauchy, with_gradient>(block, weights, gradient);
  if (block.a == 1.5) return run<dims, Form::two_thirds, with_gradient>(block, weights, gradient);
  if (block.a < kLightLimit) return run<dims, Form::light, with_gradient>(block, weights, gradient);
  run<dims, Form::heavy, with_gradient>(block, weights, gradient);
}

template <bool with_gradient>
static void run_dims(const PairBlock& block, double* weights, double* gradient) {
  switch (block.dims) {
    case 1:
      return run_form<1, with_gradient>(block, weights, gradient);
    case 2:
      return run_form<2, with_gradient>(block, weights, gradient);
    default:
      return run_form<3, with_gradient>(block, weights, gradient);
  }
}

static void weights_only(const PairBlock& block, double* weights) { run_dims<false>(block, weights, nullptr); }

extern const PairKernels pair_kernel_table;
const PairKernels pair_kernel_table = {weights_only, run_dims<true>};

}  // namespace espalier::ESPALIER_KERNEL
