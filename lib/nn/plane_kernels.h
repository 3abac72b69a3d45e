#pragma once
/// Hot loops over one channel of a block of images: norms, sums, rectifiers, pools. Planes are sites side by side, a
/// site the value of as many images as a vector has lanes (see nn/convolution_kernels.h).

#include <cstddef>

#include "base/isa.h"

namespace espalier {

/// One channel as its readers see it: x * scale + shift, then max(0, .) where it is rectified.
struct PlaneView {
  const float* sites;
  float scale, shift;
  bool rectify;
};

/// A window over a plane: out[i][j] covers rows i * stride - padding ... + height - 1 of the input, columns likewise.
struct Window {
  int in_height, in_width, out_height, out_width;
  int height, width, stride, padding;
};

struct PlaneKernels {
  int lanes;
  /// sums[0] += sum x, sums[1] += sum x^2 over `sites` sites, lanes whose weight is 0 left out (weights has 0 or 1 for
  /// each lane).
  void (*moments)(const float* x, std::size_t sites, const float* weights, double* sums);
  /// out = view, or the sum of two views. The second's sites may be nullptr.
  void (*combine)(const PlaneView&, const PlaneView&, std::size_t sites, float* out);
  /// x += y.
  void (*accumulate)(float* x, const float* y, std::size_t sites);
  /// gradient = 0 where the view is not positive (before it is rectified).
  void (*rectify_gradient)(float* gradient, const PlaneView&, std::size_t sites);
  /// With d the gradient after the view's rectifier: sums[0] += sum d, sums[1] += sum d (x - mean).
  void (*norm_gradient_sums)(const float* gradient, const PlaneView&, float mean, std::size_t sites, double* sums);
  /// out = d * factors[0] + x * factors[1] + factors[2] in lanes of weight 1, 0 in those of weight 0; out may be the
  /// gradient.
  void (*norm_gradient)(const float* gradient, const PlaneView&, const float* factors, const float* weights,
                        std::size_t sites, float* out);
  /// Largest, or mean, value of the view in each window. Zeros of the padding count in the mean.
  void (*max_pool)(const PlaneView&, const Window&, float* out);
  void (*average_pool)(const PlaneView&, const Window&, float* out);
  /// gradient += what each window hands back: to the first of its largest values, or to all alike.
  void (*max_pool_gradient)(const PlaneView&, const Window&, const float* out, const float* out_gradient,
                            float* gradient);
  void (*average_pool_gradient)(const Window&, const float* out_gradient, float* gradient);
};

ESPALIER_KERNELS(PlaneKernels, plane_kernel_table, plane_kernels)

}  // namespace espalier
