#pragma once
/// Passes of a zero-padded convolution of a real grid with an even kernel, in 1, 2 or 3 dimensions.
///
/// The grid is transformed along its first axis (real to complex, kLanes columns at a time); then each frequency's line
/// or plane is transformed along the other axes, multiplied by the kernel's spectrum and transformed back while it is
/// in the cache; then comes the backward transform along the first axis. The scale 1 / (Lx Ly Lz) is the spectrum's.

#include <cstddef>

#include "embed/fft.h"

namespace espalier {

/// First axis. Real rows x = 0 ... rows - 1 of the grid stand for Lx = 2 half.length points, the others being zero;
/// they are paired into half.length complex numbers.
struct RealAxis {
  FftSteps<float> half;
  const float* roots;  ///< exp(-2 pi i k / Lx), k = 0 ... half.length / 2
  float* grid;         ///< rows x grid_stride
  std::size_t rows, grid_stride;
  float *re, *im;  ///< (half.length + 1) x spectrum_stride
  std::size_t spectrum_stride;
};

/// An axis of complex numbers of which `valid` may differ from zero.
struct ComplexAxis {
  FftSteps<float> fft;
  std::size_t valid;
};

/// kLanes lines, `stride` floats apart, each along the last axis. The spectrum holds fft.length / 2 + 1 vectors: entry
/// k serves k and fft.length - k.
struct Lines {
  ComplexAxis axis;
  float *re, *im;
  std::size_t stride;
  const float* spectrum;
};

/// One plane of y.valid x stride numbers; spectrum: per kLanes frequencies of y, as in Lines. The temporaries hold
/// y.fft.length, rounded up to kLanes, x stride.
struct Plane {
  ComplexAxis y, z;
  float *re, *im;
  std::size_t stride;
  const float* spectrum;
  float *temporary_re, *temporary_im;
};

/// Two buffers of 2 * kLanes * (longest length, rounded up to kLanes) floats.
struct FftScratch {
  float *x, *y;
};

struct ConvolutionKernels {
  int lanes;
  /// Columns column ... column + lanes - 1 of the grid to re, im; and back.
  void (*forward)(const RealAxis&, std::size_t column, const FftScratch&);
  void (*backward)(const RealAxis&, std::size_t column, const FftScratch&);
  void (*convolve_lines)(const Lines&, const FftScratch&);
  void (*convolve_plane)(const Plane&, const FftScratch&);
};

ESPALIER_KERNELS(ConvolutionKernels, convolution_kernel_table, convolution_kernels)

}  // namespace espalier
