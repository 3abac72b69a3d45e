#pragma once
/// The kernel as the grid sees it: its Fourier transform with the splines taken out, and what a lone point feels of
/// itself.

#include <array>
#include <cstddef>

#include "embed/bspline.h"
#include "tensor/buffer.h"

namespace espalier {

/// Transform lengths of a grid (even and smooth; 1 on axes that do not exist) and the distance of its nodes.
struct GridShape {
  int dims;
  std::array<int, 3> lengths;
  double step;
  friend bool operator==(const GridShape&, const GridShape&) = default;
};

/// The kernel w(d^2) - floor on the periodic grid, floor = w at half the period's diagonal, so that a layout much
/// smaller than the kernel keeps its digits in single precision. All in double precision until the last rounding.
class KernelSpectrum {
 public:
  KernelSpectrum(const GridShape&, double a, const BSpline&, int lanes);

  const GridShape& shape() const { return shape_; }
  double floor() const { return floor_; }

  /// Divided by the grid's size and by the square of each axis' spline transform: once for spreading, once for reading.
  /// Order: 1-D [kx]; 2-D [kx / lanes][ky][kx % lanes]; 3-D [kx][ky / lanes][kz][ky % lanes]. kx and the last axis run
  /// to half the length; ky of three dimensions to the whole.
  const float* values() const { return values_.data(); }

  /// Places in a cell, per axis, at which `self` is tabled; the last one is the next cell's first.
  int self_places() const { return self_places_; }
  /// [place x][place y][place z][4]: what the grid gives a point at that offset as value (in w) and derivatives (in w
  /// per step) of its own potential.
  const float* self() const { return self_.data(); }

 private:
  void arrange(const Buffer<double>& half);
  void table_self(const Buffer<double>& half, const BSpline&);

  GridShape shape_;
  int lanes_;
  double floor_;
  int self_places_;
  Buffer<float> values_, self_;
};

}  // namespace espalier
