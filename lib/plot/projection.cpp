#include "plot/projection.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/error.h"
#include "base/random.h"

namespace espalier {

namespace {

using Triple = std::array<double, 3>;

struct Range {
  double least = std::numeric_limits<double>::infinity(), most = -std::numeric_limits<double>::infinity();
  void take(double x) {
    least = std::min(least, x);
    most = std::max(most, x);
  }
  double middle() const { return least + (most - least) / 2; }
  double length() const { return most - least; }
};

Range column_range(const Matrix& m, std::size_t column) {
  Range range;
  for (std::size_t i = 0; i < m.rows(); ++i) {
    if (!std::isfinite(m(i, column)))
      throw DataError("", "", "coordinate {} of sample {} is {}: finite numbers are needed", column, i, m(i, column));
    range.take(m(i, column));
  }
  return range;
}

/// The one scale at which lengths a x b fit into the box; 1 where all points coincide.
double fit(double a, double b, const Box& box) {
  const double scale = std::min(box.width / a, box.height / b);  // x / 0 is infinity: no bound
  return std::isfinite(scale) ? scale : 1;
}

Flat lay_out_plane(const Matrix& m, const Box& box) {
  const Range x = column_range(m, 0), y = column_range(m, 1);
  const double scale = fit(x.length(), y.length(), box);
  const Place centre = box.centre();
  Flat flat;
  flat.spots.resize(m.rows());
  for (std::size_t i = 0; i < m.rows(); ++i)
    flat.spots[i] = {float(centre.x + (m(i, 0) - x.middle()) * scale), float(centre.y - (m(i, 1) - y.middle()) * scale),
                     1};
  return flat;
}

/// Turns by the azimuth about z, then tips towards the reader: right, up, and towards the reader.
class Camera {
 public:
  explicit Camera(const View& view)
      : a_(view.azimuth * std::numbers::pi / 180), e_(view.elevation * std::numbers::pi / 180) {}
  Triple operator()(const Triple& p) const {
    const double depth = p[0] * std::cos(a_) + p[1] * std::sin(a_);
    return {p[1] * std::cos(a_) - p[0] * std::sin(a_), p[2] * std::cos(e_) - depth * std::sin(e_),
            depth * std::cos(e_) + p[2] * std::sin(e_)};
  }

 private:
  double a_, e_;
};

/// A three-dimensional map's bounding box about the origin, seen through a camera.
struct Cube {
  std::array<Range, 3> ranges;    ///< of the coordinates
  std::array<Triple, 8> corners;  ///< right, up, towards the reader; bit k of the number: the far end of axis k
  Range right, up, near;

  Cube(const Matrix& m, const Camera& camera) : ranges{column_range(m, 0), column_range(m, 1), column_range(m, 2)} {
    for (unsigned c = 0; c < 8; ++c) {
      Triple corner;
      for (unsigned k = 0; k < 3; ++k) corner[k] = (c >> k & 1 ? 0.5 : -0.5) * ranges[k].length();
      corners[c] = camera(corner);
      right.take(corners[c][0]);
      up.take(corners[c][1]);
      near.take(corners[c][2]);
    }
  }
};

Flat lay_out_space(const Matrix& m, const Box& box, const View& view) {
  const Camera camera(view);
  const Cube cube(m, camera);
  const double scale = fit(cube.right.length(), cube.up.length(), box);
  const Place centre = box.centre();
  const auto on_page = [&](const Triple& p) { return Place{centre.x + p[0] * scale, centre.y - p[1] * scale}; };
  Flat flat;
  flat.spots.resize(m.rows());
  for (std::size_t i = 0; i < m.rows(); ++i) {
    Triple p;
    for (unsigned k = 0; k < 3; ++k) p[k] = m(i, k) - cube.ranges[k].middle();
    const Triple seen = camera(p);
    const Place place = on_page(seen);
    const double depth = cube.near.length() > 0 ? (seen[2] - cube.near.least) / cube.near.length() : 1;
    flat.spots[i] = {float(place.x), float(place.y), float(std::clamp(depth, 0.0, 1.0))};
  }
  for (unsigned c = 0; c < 8; ++c)
    for (unsigned k = 0; k < 3; ++k)
      if (!(c >> k & 1)) flat.edges.push_back({on_page(cube.corners[c]), on_page(cube.corners[c | 1u << k])});
  return flat;
}

/// Counts per bin of the coordinate, smoothed by a triangle of three bins to each side, one row per lane.
std::vector<double> lane_densities(std::span<const std::size_t> bins, std::span<const std::int32_t> lanes,
                                   std::size_t lane_count, std::size_t bin_count) {
  constexpr long reach = 3;
  std::vector<double> density(lane_count * bin_count, 0);
  for (std::size_t i = 0; i < bins.size(); ++i)
    for (long d = -reach; d <= reach; ++d) {
      const long bin = long(bins[i]) + d;
      if (bin >= 0 && bin < long(bin_count))
        density[std::size_t(lanes[i]) * bin_count + std::size_t(bin)] += double(reach + 1 - std::abs(d));
    }
  return density;
}

Flat lay_out_lanes(const Matrix& m, const Box& box, std::span<const std::int32_t> lanes, std::size_t lane_count) {
  constexpr std::size_t bin_count = 128;
  const Range x = column_range(m, 0);
  const auto share = [&](std::size_t i) { return x.length() > 0 ? (m(i, 0) - x.least) / x.length() : 0.5; };
  std::vector<std::size_t> bins(m.rows());
  for (std::size_t i = 0; i < m.rows(); ++i) bins[i] = std::min(std::size_t(share(i) * bin_count), bin_count - 1);
  const std::vector<double> density = lane_densities(bins, lanes, lane_count, bin_count);
  const double height = box.height / double(lane_count);
  const Random random(0, 0);
  Flat flat;
  flat.spots.resize(m.rows());
  for (std::size_t i = 0; i < m.rows(); ++i) {
    const auto row = density.begin() + std::ptrdiff_t(std::size_t(lanes[i]) * bin_count);
    const double most = *std::max_element(row, row + bin_count);
    const double spread = 0.86 * row[std::ptrdiff_t(bins[i])] / most;
    flat.spots[i] = {float(box.x + share(i) * box.width),
                     float(box.y + (lanes[i] + 0.5 + (random.uniform(i) - 0.5) * spread) * height), 1};
  }
  return flat;
}

void require_coordinates(const Matrix& m) {
  if (m.rows() == 0 || m.cols() == 0) throw DataError("", "", "there is nothing to draw: {} x {}", m.rows(), m.cols());
}

}  // namespace

double height_to_width(const Matrix& m, const View& view) {
  require_coordinates(m);
  const auto ratio = [](double height, double width) { return height == 0 && width == 0 ? 1 : height / width; };
  if (m.cols() == 2) return ratio(column_range(m, 1).length(), column_range(m, 0).length());
  const Cube cube(m, Camera(view));
  return ratio(cube.up.length(), cube.right.length());
}

Flat lay_out(const Matrix& m, const Box& box, const View& view, std::span<const std::int32_t> lanes, int lane_count) {
  require_coordinates(m);
  if (m.cols() == 1) return lay_out_lanes(m, box, lanes, std::size_t(lane_count));
  return m.cols() == 2 ? lay_out_plane(m, box) : lay_out_space(m, box, view);
}

}  // namespace espalier
