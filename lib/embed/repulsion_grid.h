#pragma once
/// Repulsion by one potential on a grid: spread, convolve, read (see embed/potential.h). After Linderman et al. 2019
/// (FFT-accelerated interpolation), with B-splines and the derivative of the potential instead of four charges.

#include <array>
#include <cstdint>
#include <list>
#include <vector>

#include "embed/bspline.h"
#include "embed/convolution.h"
#include "embed/fft_plan.h"
#include "embed/interpolation.h"
#include "embed/potential.h"
#include "embed/spectrum.h"
#include "tensor/buffer.h"

namespace espalier {

struct GridOptions {
  double a;       ///< q - 1
  int dims;       ///< 1, 2 or 3
  int points;     ///< nodes a charge is spread over on each axis: 4 (cubic) or 6 (quintic)
  double step;    ///< of the grid in u
  int min_nodes;  ///< along the longest side: smaller layouts get a step halved as often as needed
  int max_nodes;  ///< along the longest side: larger layouts get a step 1.25 times as large, as often as needed
};

/// Every choice depends on the layout alone, not on earlier calls, so that a restarted run repeats the bytes of one
/// that was not interrupted; kernels of the last few shapes are kept.
class GridRepulsion : public Repulsion {
 public:
  explicit GridRepulsion(const GridOptions&);
  double evaluate(const float* layout, std::size_t n, float* gradient) override;

  /// Nodes of the grid that this layout would get: what an evaluation costs.
  std::size_t nodes(const float* layout, std::size_t n);

  /// Of the last evaluation; for reports and tests.
  const GridShape& shape() const { return shape_; }

 private:
  using Vector = std::array<double, 3>;

  /// What a shape needs and can be used again.
  struct Prepared {
    KernelSpectrum spectrum;
    std::vector<FftPlan<float>> plans;  // half the first length, then the others
    std::vector<float> roots;
  };

  void find_bounds(const float* layout, std::size_t n);
  void choose_shape();
  void prepare();
  void allocate();
  void sort_sites(const float* layout, std::size_t n);
  void spread();
  void convolve();
  double read(float* gradient);

  GridOptions options_;
  BSpline spline_;
  Vector low_{}, high_{};  // bounds of the layout
  GridShape shape_{};
  std::array<std::size_t, 3> nodes_{};  // in use, on each axis
  std::list<Prepared> prepared_;        // most recently used first
  SplineGrid grid_{};
  std::size_t columns_ = 0;  // floats in a row of the first axis, padding included
  Buffer<float> values_, line_, re_, im_;
  struct Scratch {
    Buffer<float> x, y, re, im;
  };
  std::vector<Scratch> scratch_;          // one a worker
  Buffer<float> sites_;                   // in strip order
  Buffer<std::int32_t> order_;            // input row of each site
  std::vector<std::size_t> strip_begin_;  // first site of each strip; one more at the end
};

}  // namespace espalier
