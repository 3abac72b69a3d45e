#include "base/simd.h"
#include "nn/convolution_kernels.h"

namespace espalier::ESPALIER_KERNEL {

namespace {

// Register tiles: AVX-512 has 32 vector registers, the others 16. A tile of outputs x pixels sums leaves room for the
// pixels that are read and one broadcast weight.
constexpr int kOutputs = 6, kPixels = kLanes == 16 ? 4 : 2;
constexpr int kWeightOutputs = kLanes == 16 ? 8 : 4, kStreams = 3;

/// Four sums of all lanes are folded into one vector: each keeps a quarter of the lanes.
constexpr int kTogether = 4, kFoldedLanes = kLanes / kTogether;

ESPALIER_INLINE const float* site(const float* p, std::ptrdiff_t i) { return p + i * kLanes; }
ESPALIER_INLINE float* site(float* p, std::ptrdiff_t i) { return p + i * kLanes; }

template <int n>
struct Count {
  static constexpr int value = n;
};

void pack(const PackJob& job) {
  const std::ptrdiff_t width = job.left + job.width + job.right;
  for (int c = 0; c < job.channels; ++c) {
    const Float scale = splat(job.scale ? job.scale[c] : 1), shift = splat(job.shift ? job.shift[c] : 0);
    for (int r = 0; r < job.rows; ++r) {
      float* const out = site(job.out, (std::ptrdiff_t(c) * job.rows + r) * width);
      const int row = job.first_row + r;
      if (row < 0 || row >= job.height) {
        for (int j = 0; j < width; ++j) store(site(out, j), Float{});
        continue;
      }
      for (int j = 0; j < job.left; ++j) store(site(out, j), Float{});
      for (int j = 0; j < job.right; ++j) store(site(out, job.left + job.width + j), Float{});
      const float* in = site(job.in, (std::ptrdiff_t(c) * job.height + row) * job.width);
      float* inner = site(out, job.left);
      if (!job.scale && !job.rectify)
        for (int j = 0; j < job.width; ++j) store(site(inner, j), load(site(in, j)));
      else if (job.rectify)
        for (int j = 0; j < job.width; ++j) store(site(inner, j), maximum(Float{}, load(site(in, j)) * scale + shift));
      else
        for (int j = 0; j < job.width; ++j) store(site(inner, j), load(site(in, j)) * scale + shift);
    }
  }
}

/// One register tile: `outputs` channels at `pixels` pixels of one row. `across` taps a row; 0: as many as the job
/// says.
template <int outputs, int pixels, int across>
ESPALIER_INLINE void correlate_tile(const CorrelateJob& job, const float* in, float* out) {
  Float sums[outputs][pixels];
#pragma GCC unroll 8
  for (int o = 0; o < outputs; ++o)
#pragma GCC unroll 4
    for (int p = 0; p < pixels; ++p) sums[o][p] = splat(job.bias ? job.bias[o] : 0);
  const float* weights = job.weights;
  const std::ptrdiff_t step = job.step;
  const int taps = across ? across : job.taps_across;
  for (int c = 0; c < job.channels; ++c)
    for (int r = 0; r < job.taps_down; ++r) {
      const float* const row = site(in, c * job.in_channel + r * job.in_row);
#pragma GCC unroll 3
      for (int s = 0; s < taps; ++s) {
        Float x[pixels];
#pragma GCC unroll 4
        for (int p = 0; p < pixels; ++p) x[p] = load(site(row, p * step + s));
#pragma GCC unroll 8
        for (int o = 0; o < outputs; ++o) {
          const Float weight = splat(weights[o]);
#pragma GCC unroll 4
          for (int p = 0; p < pixels; ++p) sums[o][p] += weight * x[p];
        }
        weights += outputs;
      }
    }
#pragma GCC unroll 8
  for (int o = 0; o < outputs; ++o)
#pragma GCC unroll 4
    for (int p = 0; p < pixels; ++p) {
      float* const to = site(out, o * job.out_channel + p * job.out_pixel);
      store(to, job.add ? load(to) + sums[o][p] : sums[o][p]);
    }
}

template <int outputs, int across>
void correlate_band(const CorrelateJob& job) {
  for (int i = 0; i < job.rows; ++i) {
    const float* const in = site(job.in, std::ptrdiff_t(i) * job.step * job.in_row);
    float* const out = site(job.out, i * job.out_row);
    const auto tile = [&](auto pixels, int j) __attribute__((always_inline)) {
      correlate_tile<outputs, decltype(pixels)::value, across>(job, site(in, std::ptrdiff_t(j) * job.step),
                                                               site(out, j * job.out_pixel));
    };
    int j = 0;
    for (; j + kPixels <= job.columns; j += kPixels) tile(Count<kPixels>{}, j);
    if constexpr (kPixels > 2)
      for (; j + 2 <= job.columns; j += 2) tile(Count<2>{}, j);
    for (; j < job.columns; ++j) tile(Count<1>{}, j);
  }
}

template <int across>
void correlate_outputs(const CorrelateJob& job) {
  switch (job.outputs) {
    case 1:
      return correlate_band<1, across>(job);
    case 2:
      return correlate_band<2, across>(job);
    case 3:
      return correlate_band<3, across>(job);
    case 4:
      return correlate_band<4, across>(job);
    case 5:
      return correlate_band<5, across>(job);
    default:
      return correlate_band<6, across>(job);
  }
}

void correlate(const CorrelateJob& job) {
  switch (job.taps_across) {
    case 1:
      return correlate_outputs<1>(job);
    case 2:
      return correlate_outputs<2>(job);
    case 3:
      return correlate_outputs<3>(job);
    default:
      return correlate_outputs<0>(job);
  }
}

/// Lanes of a, b, c, d added up to a quarter as many each: a's first, d's last.
ESPALIER_INLINE Float fold_four(Float a, Float b, Float c, Float d) {
#if defined(__AVX512F__)
  const auto halve = [](Float x, Float y) __attribute__((always_inline)) {
    return __builtin_shufflevector(x, y, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
           __builtin_shufflevector(x, y, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
  };
  const Float x = halve(a, b), y = halve(c, d);
  return __builtin_shufflevector(x, y, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27) +
         __builtin_shufflevector(x, y, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
#elif defined(__AVX2__)
  const auto halve = [](Float x, Float y) __attribute__((always_inline)) {
    return __builtin_shufflevector(x, y, 0, 1, 2, 3, 8, 9, 10, 11) +
           __builtin_shufflevector(x, y, 4, 5, 6, 7, 12, 13, 14, 15);
  };
  const Float x = halve(a, b), y = halve(c, d);
  return __builtin_shufflevector(x, y, 0, 1, 4, 5, 8, 9, 12, 13) +
         __builtin_shufflevector(x, y, 2, 3, 6, 7, 10, 11, 14, 15);
#else
  const auto halve = [](Float x, Float y) __attribute__((always_inline)) {
    return __builtin_shufflevector(x, y, 0, 1, 4, 5) + __builtin_shufflevector(x, y, 2, 3, 6, 7);
  };
  const Float x = halve(a, b), y = halve(c, d);
  return __builtin_shufflevector(x, y, 0, 2, 4, 6) + __builtin_shufflevector(x, y, 1, 3, 5, 7);
#endif
}

template <int outputs, int streams>
void correlate_weights_tile(const CorrelateWeightsJob& job) {
  constexpr int kSums = outputs * streams;
  Float sums[kSums];
#pragma GCC unroll 24
  for (int i = 0; i < kSums; ++i) sums[i] = Float{};
  for (int i = 0; i < job.rows; ++i) {
    const float* const in = site(job.in, i * job.in_row);
    const float* const gradient = site(job.gradient, i * job.gradient_row);
    for (std::ptrdiff_t j = 0; j < job.columns; ++j) {
      Float x[streams];
#pragma GCC unroll 3
      for (int g = 0; g < streams; ++g) x[g] = load(site(in, j * job.step + g * job.in_stream));
#pragma GCC unroll 8
      for (int o = 0; o < outputs; ++o) {
        const Float d = load_once(site(gradient, o * job.gradient_channel + j * job.gradient_pixel));
#pragma GCC unroll 3
        for (int g = 0; g < streams; ++g) sums[o * streams + g] += d * x[g];
      }
    }
  }
#pragma GCC unroll 6
  for (int i = 0; i < kSums; i += kTogether) {
    const Float folded = fold_four(sums[i], i + 1 < kSums ? sums[i + 1] : Float{},
                                   i + 2 < kSums ? sums[i + 2] : Float{}, i + 3 < kSums ? sums[i + 3] : Float{});
    float* const to = job.sums + i / kTogether * kLanes;
    store(to, load(to) + folded);
  }
}

template <int streams>
void correlate_weights_outputs(const CorrelateWeightsJob& job) {
  switch (job.outputs) {
    case 1:
      return correlate_weights_tile<1, streams>(job);
    case 2:
      return correlate_weights_tile<2, streams>(job);
    case 3:
      return correlate_weights_tile<3, streams>(job);
    case 4:
      return correlate_weights_tile<4, streams>(job);
#if defined(__AVX512F__)
    case 5:
      return correlate_weights_tile<5, streams>(job);
    case 6:
      return correlate_weights_tile<6, streams>(job);
    case 7:
      return correlate_weights_tile<7, streams>(job);
    default:
      return correlate_weights_tile<8, streams>(job);
#endif
  }
}

void correlate_weights(const CorrelateWeightsJob& job) {
  switch (job.streams) {
    case 1:
      return correlate_weights_outputs<1>(job);
    case 2:
      return correlate_weights_outputs<2>(job);
    default:
      return correlate_weights_outputs<3>(job);
  }
}

void fold(const float* sums, int outputs, int streams, float* gradients) {
  for (int i = 0; i < outputs * streams; ++i) {
    float total = 0;
    for (int lane = 0; lane < kFoldedLanes; ++lane)
      total += sums[i / kTogether * kLanes + i % kTogether * kFoldedLanes + lane];
    gradients[i] += total;
  }
}

double multiply_add(std::size_t rounds, float* out) {
  constexpr int kChains = 12;  // enough to hide the latency of any machine's units
  Float sums[kChains];
#pragma GCC unroll 12
  for (int i = 0; i < kChains; ++i) sums[i] = splat(out[i]);
  const Float factor = splat(out[kChains]), term = splat(out[kChains + 1]);
  for (std::size_t round = 0; round < rounds; ++round)
#pragma GCC unroll 12
    for (int i = 0; i < kChains; ++i) sums[i] = sums[i] * factor + term;
  for (int i = 0; i < kChains; ++i) out[i] = sum(sums[i]);
  return 2.0 * double(rounds) * kChains * kLanes;
}

}  // namespace

extern const NetConvolutionKernels net_convolution_table;
const NetConvolutionKernels net_convolution_table = {
    kLanes,      kOutputs,  kWeightOutputs,    (kWeightOutputs * kStreams + kTogether - 1) / kTogether* kLanes,
    pack,        correlate, correlate_weights, fold,
    multiply_add};

}  // namespace espalier::ESPALIER_KERNEL
