#pragma once
/// Fourier transforms side by side, one in each lane of a vector: Stockham's autosort form with radices 8, 5, 4, 3 and
/// 2,
///
///     X[k] = sum_j x[j] exp(-2 pi i j k / L)  forward,   exp(+2 pi i j k / L)  backward, neither scaled.
///
/// Nothing is shuffled across lanes and nothing needs planning beyond a table of sines (embed/fft_plan.h). Data are L
/// pairs of vectors, real then imaginary part.

#include "base/isa.h"

namespace espalier {

/// One pass: `radix`-point transforms, then twiddles[(p * (radix - 1) + j - 1) * 2 + {0, 1}] = exp(-2 pi i p j / n),
/// n being the length that is left before the pass.
template <class T>
struct FftStage {
  int radix;
  const T* twiddles;
};

template <class T>
struct FftSteps {
  int length;
  int stages;
  const FftStage<T>* stage;
};

struct FftKernels {
  int lanes;  ///< floats in a vector; half as many doubles
  /// x and y each hold 2 * length vectors, aligned to 64 bytes; the result stands in the one that is returned.
  float* (*forward)(const FftSteps<float>&, float* x, float* y);
  float* (*backward)(const FftSteps<float>&, float* x, float* y);
  double* (*forward_double)(const FftSteps<double>&, double* x, double* y);
};

ESPALIER_KERNELS(FftKernels, fft_kernel_table, fft_kernels)

}  // namespace espalier
