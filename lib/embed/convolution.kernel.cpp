#include "embed/convolution.h"

#include "base/simd.h"

namespace espalier::ESPALIER_KERNEL {

extern const FftKernels fft_kernel_table;

using Vector = float __attribute__((vector_size(kLanes * 4), may_alias));

/// Element k of `numbers`: real part at 2 k, imaginary part at 2 k + 1.
ESPALIER_INLINE Vector* vectors(float* numbers) { return reinterpret_cast<Vector*>(numbers); }

/// Even rows are the real parts and odd rows the imaginary parts of z[m] = g[2m] + i g[2m+1]. With Z its transform,
/// E[k] = (Z[k] + conj Z[M-k]) / 2 and O[k] = (Z[k] - conj Z[M-k]) / 2i belong to the even and odd rows, and
/// G[k] = E[k] + root^k O[k], G[M-k] = conj(E[k] - root^k O[k]).
static void forward(const RealAxis& axis, std::size_t column, const FftScratch& scratch) {
  const std::size_t m = std::size_t(axis.half.length), stride = axis.spectrum_stride;
  const float* grid = axis.grid + column;
  Vector* z = vectors(scratch.x);
  for (std::size_t x = 0; x < axis.rows; ++x) z[x] = load(grid + x * axis.grid_stride);
  for (std::size_t x = axis.rows; x < 2 * m; ++x) z[x] = Vector{};
  z = vectors(fft_kernel_table.forward(axis.half, scratch.x, scratch.y));
  float *re = axis.re + column, *im = axis.im + column;
  for (std::size_t k = 0; k <= m / 2; ++k) {
    const std::size_t here = k % m, there = (m - k) % m;
    const Vector even_re = (z[2 * here] + z[2 * there]) * 0.5f, even_im = (z[2 * here + 1] - z[2 * there + 1]) * 0.5f;
    const Vector odd_re = (z[2 * here + 1] + z[2 * there + 1]) * 0.5f, odd_im = (z[2 * there] - z[2 * here]) * 0.5f;
    const float c = axis.roots[2 * k], s = axis.roots[2 * k + 1];
    const Vector turned_re = odd_re * c - odd_im * s, turned_im = odd_re * s + odd_im * c;
    store(re + k * stride, even_re + turned_re);
    store(im + k * stride, even_im + turned_im);
    store(re + (m - k) * stride, even_re - turned_re);
    store(im + (m - k) * stride, turned_im - even_im);
  }
}

/// The steps of `forward` in reverse, without its halves: the result is Lx times the grid.
static void backward(const RealAxis& axis, std::size_t column, const FftScratch& scratch) {
  const std::size_t m = std::size_t(axis.half.length), stride = axis.spectrum_stride;
  const float *re = axis.re + column, *im = axis.im + column;
  Vector* z = vectors(scratch.x);
  for (std::size_t k = 0; k <= m / 2; ++k) {
    const Vector here_re = load(re + k * stride), here_im = load(im + k * stride);
    const Vector there_re = load(re + (m - k) * stride), there_im = load(im + (m - k) * stride);
    const Vector even_re = here_re + there_re, even_im = here_im - there_im;
    const Vector turned_re = here_re - there_re, turned_im = here_im + there_im;
    const float c = axis.roots[2 * k], s = axis.roots[2 * k + 1];
    const Vector odd_re = turned_re * c + turned_im * s, odd_im = turned_im * c - turned_re * s;
    z[2 * k] = even_re - odd_im;
    z[2 * k + 1] = even_im + odd_re;
    if (k == 0) continue;  // Z[M] is Z[0]
    z[2 * (m - k)] = even_re + odd_im;
    z[2 * (m - k) + 1] = odd_re - even_im;
  }
  z = vectors(fft_kernel_table.backward(axis.half, scratch.x, scratch.y));
  float* grid = axis.grid + column;
  for (std::size_t x = 0; x < axis.rows; ++x) store(grid + x * axis.grid_stride, z[x]);
}

#if defined(__AVX512F__)
#define ESPALIER_LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define ESPALIER_HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#elif defined(__AVX2__)
#define ESPALIER_LOW 0, 8, 1, 9, 2, 10, 3, 11
#define ESPALIER_HIGH 4, 12, 5, 13, 6, 14, 7, 15
#else
#define ESPALIER_LOW 0, 4, 1, 5
#define ESPALIER_HIGH 2, 6, 3, 7
#endif

/// Rows become columns: interleaving the first half of the rows with the second, log2 kLanes times, moves the bits of
/// the row number into the bits of the column number and the other way round.
ESPALIER_INLINE void transpose(Vector (&rows)[kLanes]) {
  Vector woven[kLanes];
#pragma GCC unroll 4
  for (int done = 1; done < kLanes; done *= 2) {
#pragma GCC unroll 8
    for (int i = 0; i < kLanes / 2; ++i) {
      woven[2 * i] = __builtin_shufflevector(rows[i], rows[i + kLanes / 2], ESPALIER_LOW);
      woven[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + kLanes / 2], ESPALIER_HIGH);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) rows[i] = woven[i];
  }
}

/// Numbers [0, count) of kLanes lines to every second vector of z, one line a lane; and back.
ESPALIER_INLINE void lines_to_lanes(const float* lines, std::size_t stride, std::size_t count, Vector* z) {
  for (std::size_t y = 0; y < count; y += kLanes) {
    Vector block[kLanes];
    for (std::size_t e = 0; e < kLanes; ++e) block[e] = load(lines + e * stride + y);
    transpose(block);
    for (std::size_t e = 0; e < kLanes; ++e) z[2 * (y + e)] = block[e];
  }
}

ESPALIER_INLINE void lanes_to_lines(const Vector* z, std::size_t stride, std::size_t count, float* lines) {
  for (std::size_t y = 0; y < count; y += kLanes) {
    Vector block[kLanes];
    for (std::size_t e = 0; e < kLanes; ++e) block[e] = z[2 * (y + e)];
    transpose(block);
    for (std::size_t e = 0; e < kLanes; ++e) store(lines + e * stride + y, block[e]);
  }
}

/// Strides are multiples of kLanes, and what lines hold between `valid` and the next multiple is zero or unused.
static void convolve_lines(const Lines& lines, const FftScratch& scratch) {
  const std::size_t length = std::size_t(lines.axis.fft.length), valid = lines.axis.valid;
  Vector* z = vectors(scratch.x);
  lines_to_lanes(lines.re, lines.stride, valid, z);
  lines_to_lanes(lines.im, lines.stride, valid, z + 1);
  for (std::size_t y = valid; y < length; ++y) z[2 * y] = z[2 * y + 1] = Vector{};
  float* result = fft_kernel_table.forward(lines.axis.fft, scratch.x, scratch.y);
  float* other = result == scratch.x ? scratch.y : scratch.x;
  z = vectors(result);
  for (std::size_t k = 0; k <= length / 2; ++k) {
    const Vector s = load(lines.spectrum + k * kLanes);
    z[2 * k] *= s;
    z[2 * k + 1] *= s;
    if (k == 0 || 2 * k == length) continue;
    z[2 * (length - k)] *= s;
    z[2 * (length - k) + 1] *= s;
  }
  z = vectors(fft_kernel_table.backward(lines.axis.fft, result, other));
  lanes_to_lines(z, lines.stride, valid, lines.re);
  lanes_to_lines(z + 1, lines.stride, valid, lines.im);
}

static void convolve_plane(const Plane& plane, const FftScratch& scratch) {
  const std::size_t length = std::size_t(plane.y.fft.length), stride = plane.stride;
  for (std::size_t column = 0; column < plane.z.valid; column += kLanes) {
    Vector* z = vectors(scratch.x);
    for (std::size_t y = 0; y < plane.y.valid; ++y) {
      z[2 * y] = load(plane.re + y * stride + column);
      z[2 * y + 1] = load(plane.im + y * stride + column);
    }
    for (std::size_t y = plane.y.valid; y < length; ++y) z[2 * y] = z[2 * y + 1] = Vector{};
    z = vectors(fft_kernel_table.forward(plane.y.fft, scratch.x, scratch.y));
    for (std::size_t k = 0; k < length; ++k) {
      store(plane.temporary_re + k * stride + column, z[2 * k]);
      store(plane.temporary_im + k * stride + column, z[2 * k + 1]);
    }
  }
  const std::size_t spectrum_step = (std::size_t(plane.z.fft.length) / 2 + 1) * kLanes;
  for (std::size_t k = 0; k < length; k += kLanes) {
    const Lines lines = {plane.z, plane.temporary_re + k * stride, plane.temporary_im + k * stride, stride,
                         plane.spectrum + k / kLanes * spectrum_step};
    convolve_lines(lines, scratch);
  }
  for (std::size_t column = 0; column < plane.z.valid; column += kLanes) {
    Vector* z = vectors(scratch.x);
    for (std::size_t k = 0; k < length; ++k) {
      z[2 * k] = load(plane.temporary_re + k * stride + column);
      z[2 * k + 1] = load(plane.temporary_im + k * stride + column);
    }
    z = vectors(fft_kernel_table.backward(plane.y.fft, scratch.x, scratch.y));
    for (std::size_t y = 0; y < plane.y.valid; ++y) {
      store(plane.re + y * stride + column, z[2 * y]);
      store(plane.im + y * stride + column, z[2 * y + 1]);
    }
  }
}

extern const ConvolutionKernels convolution_kernel_table;
const ConvolutionKernels convolution_kernel_table = {kLanes, forward, backward, convolve_lines, convolve_plane};

}  // namespace espalier::ESPALIER_KERNEL
