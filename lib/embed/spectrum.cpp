#include "embed/spectrum.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <vector>

#include "base/parallel.h"
#include "embed/fft_plan.h"
#include "embed/kernel.h"

namespace espalier {

namespace {

/// Entries of an even sequence that differ: 0 ... length / 2.
std::size_t half_count(int length) { return std::size_t(length) / 2 + 1; }

struct HalfSizes {
  std::array<std::size_t, 3> count;
  explicit HalfSizes(const GridShape& shape) {
    for (std::size_t axis = 0; axis < 3; ++axis) count[axis] = half_count(shape.lengths[axis]);
  }
  std::size_t total() const { return count[0] * count[1] * count[2]; }
};

/// w - 1, to all digits where they matter: beyond d2 = 1 the subtraction loses none that w - floor would need, and the
/// common q = 2 needs neither exponential nor logarithm.
double sample_minus_one(double d2, double a) {
  if (a == 1) return -d2 / (1 + d2);
  return d2 > 1 ? kernel_value(d2, a) - 1 : kernel_minus_one(d2, a);
}

/// w - floor at the nodes of one octant.
Buffer<double> sample_kernel(const GridShape& shape, const HalfSizes& half, double a, double floor_minus_one) {
  Buffer<double> samples(half.total());
  parallel_ranges(half.count[0] * half.count[1], 64, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t row = begin; row < end; ++row) {
      const double x = double(row / half.count[1]), y = double(row % half.count[1]);
      double* out = samples.data() + row * half.count[2];
      for (std::size_t z = 0; z < half.count[2]; ++z) {
        const double d2 = shape.step * shape.step * (x * x + y * y + double(z) * double(z));
        out[z] = sample_minus_one(d2, a) - floor_minus_one;
      }
    }
  });
  return samples;
}

/// Transforms all lines along one axis. The sequences are real and even, so are their transforms, and two of them share
/// a complex one, as real and as imaginary part. Each result is multiplied by factor[k].
void transform_axis(Buffer<double>& samples, std::size_t count, std::size_t inner, int length,
                    const std::vector<double>& factor) {
  const FftPlan<double> plan(length);
  const std::size_t batch = std::size_t(fft_kernels().lanes), lines = samples.size() / count;
  std::vector<Buffer<double>> scratch(2 * std::size_t(threads()));
  parallel_ranges(lines, batch, [&](std::size_t begin, std::size_t end, int worker) {
    Buffer<double>&x = scratch[2 * std::size_t(worker)], &y = scratch[2 * std::size_t(worker) + 1];
    if (x.empty()) x = Buffer<double>(batch * std::size_t(length), 0.0), y = Buffer<double>(x.size());
    std::array<double*, 16> first{};
    for (std::size_t line = begin; line < end; ++line)
      first[line - begin] = samples.data() + line / inner * count * inner + line % inner;
    for (std::size_t k = 0; k < count; ++k) {
      for (std::size_t line = 0; line < end - begin; ++line) x[k * batch + line] = first[line][k * inner];
      if (k > 0 && 2 * k < std::size_t(length))
        std::memcpy(&x[(std::size_t(length) - k) * batch], &x[k * batch], batch * sizeof(double));
    }
    const double* out = fft_kernels().forward_double(plan.steps(), x.data(), y.data());
    for (std::size_t k = 0; k < count; ++k)
      for (std::size_t line = 0; line < end - begin; ++line) first[line][k * inner] = out[k * batch + line] * factor[k];
  });
}

/// What comes out of the grid at `far` nodes from a unit charge, for far = 0 ... reach - 1 along the first axis: an
/// inverse transform of count x inner numbers at those places only. The result is inner x reach: called once an axis it
/// leaves the first axis first.
std::vector<double> inverse_near(const std::vector<double>& spectrum, int length, std::size_t reach) {
  const std::size_t count = half_count(length), inner = spectrum.size() / count;
  std::vector<double> near(inner * reach, 0.0);
  for (std::size_t k = 0; k < count; ++k)
    for (std::size_t far = 0; far < reach; ++far) {
      const double both_signs = k == 0 || 2 * k == std::size_t(length) ? 1 : 2;
      const double wave = both_signs * std::cos(2 * std::numbers::pi * double(k * far % std::size_t(length)) / length);
      for (std::size_t i = 0; i < inner; ++i) near[i * reach + far] += wave * spectrum[k * inner + i];
    }
  return near;
}

/// How the nodes that a point at offset f touches pair up: entry d is the sum of left[i] right[j] over |i - j| = d.
std::array<double, BSpline::kMostPoints> pair_up(const BSpline::Weights& left, const BSpline::Weights& right) {
  std::array<double, BSpline::kMostPoints> sum{};
  for (int i = 0; i < BSpline::kMostPoints; ++i)
    for (int j = 0; j < BSpline::kMostPoints; ++j)
      sum[std::size_t(std::abs(i - j))] += left[std::size_t(i)] * right[std::size_t(j)];
  return sum;
}

}  // namespace

KernelSpectrum::KernelSpectrum(const GridShape& shape, double a, const BSpline& spline, int lanes)
    : shape_(shape), lanes_(lanes) {
  double farthest = 0;
  for (int axis = 0; axis < shape.dims; ++axis) {
    const double side = shape.step * shape.lengths[std::size_t(axis)] / 2;
    farthest += side * side;
  }
  const double floor_minus_one = kernel_minus_one(farthest, a);
  floor_ = 1 + floor_minus_one;
  const HalfSizes half(shape);
  Buffer<double> samples = sample_kernel(shape, half, a, floor_minus_one);
  std::size_t inner = samples.size();
  for (std::size_t axis = 0; axis < std::size_t(shape.dims); ++axis) {
    const int length = shape.lengths[axis];
    inner /= half.count[axis];
    std::vector<double> factor(half.count[axis]);
    for (std::size_t k = 0; k < factor.size(); ++k) {
      const double through_spline = spline.transform(2 * std::numbers::pi * double(k) / length);
      factor[k] = 1 / (through_spline * through_spline * length);
    }
    transform_axis(samples, half.count[axis], inner, length, factor);
  }
  arrange(samples);
  table_self(samples, spline);
}

void KernelSpectrum::arrange(const Buffer<double>& half_spectrum) {
  const HalfSizes half(shape_);
  const std::size_t lanes = std::size_t(lanes_), nx = half.count[0], ny = half.count[1], nz = half.count[2];
  if (shape_.dims == 1) {
    values_ = Buffer<float>(nx);
    std::copy(half_spectrum.begin(), half_spectrum.end(), values_.begin());
  } else if (shape_.dims == 2) {
    values_ = Buffer<float>((nx + lanes - 1) / lanes * lanes * ny, 0.0f);
    for (std::size_t x = 0; x < nx; ++x)
      for (std::size_t y = 0; y < ny; ++y)
        values_[(x / lanes * ny + y) * lanes + x % lanes] = float(half_spectrum[x * ny + y]);
  } else {
    const std::size_t whole = std::size_t(shape_.lengths[1]), blocks = (whole + lanes - 1) / lanes;
    values_ = Buffer<float>(nx * blocks * nz * lanes, 0.0f);
    for (std::size_t x = 0; x < nx; ++x)
      for (std::size_t y = 0; y < whole; ++y)
        for (std::size_t z = 0; z < nz; ++z)
          values_[((x * blocks + y / lanes) * nz + z) * lanes + y % lanes] =
              float(half_spectrum[(x * ny + std::min(y, whole - y)) * nz + z]);
  }
}

/// A point's own potential is sum over pairs of nodes it touches of weight, response and weight; the response depends
/// on the absolute difference of the nodes along each axis alone.
void KernelSpectrum::table_self(const Buffer<double>& half_spectrum, const BSpline& spline) {
  const std::size_t dims = std::size_t(shape_.dims), reach = BSpline::kMostPoints;
  std::vector<double> response(half_spectrum.begin(), half_spectrum.end());
  for (std::size_t axis = 0; axis < dims; ++axis) response = inverse_near(response, shape_.lengths[axis], reach);

  self_places_ = shape_.dims == 3 ? 13 : 33;
  const std::size_t places = std::size_t(self_places_);
  using Pairs = std::array<double, BSpline::kMostPoints>;
  std::vector<Pairs> value(places), slope(places);
  for (std::size_t place = 0; place < places; ++place) {
    const double f = double(place) / double(places - 1);
    value[place] = pair_up(spline.weights(f), spline.weights(f));
    slope[place] = pair_up(spline.slopes(f), spline.weights(f));
  }
  const Pairs alone = {1};
  std::size_t entries = 1, terms = 1;
  for (std::size_t axis = 0; axis < dims; ++axis) entries *= places, terms *= reach;
  self_ = Buffer<float>(entries * 4, 0.0f);
  for (std::size_t entry = 0; entry < entries; ++entry) {
    const std::size_t place[3] = {dims == 3 ? entry / places / places : entry / (dims == 2 ? places : 1),
                                  dims == 3 ? entry / places % places : entry % places, entry % places};
    for (std::size_t quantity = 0; quantity <= dims; ++quantity) {
      const Pairs* factors[3] = {&alone, &alone, &alone};
      for (std::size_t axis = 0; axis < dims; ++axis)
        factors[3 - dims + axis] = axis + 1 == quantity ? &slope[place[axis]] : &value[place[axis]];
      double sum = 0;
      for (std::size_t term = 0; term < terms; ++term)
        sum += (*factors[0])[term / reach / reach] * (*factors[1])[term / reach % reach] * (*factors[2])[term % reach] *
               response[term];
      self_[entry * 4 + quantity] = float(sum);
    }
  }
}

}  // namespace espalier
