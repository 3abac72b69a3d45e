#include "plot/dots.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "base/random.h"
#include "tensor/buffer.h"

namespace espalier {

namespace {

/// Area in mm^2 of the grid cells that hold a point.
double occupied_area(std::span<const Spot> spots, const Box& box) {
  constexpr int cells = 32;
  std::vector<char> taken(cells * cells, 0);
  const auto cell = [&](double t) { return std::clamp(int(t * cells), 0, cells - 1); };
  for (const Spot& s : spots) taken[cell((s.y - box.y) / box.height) * cells + cell((s.x - box.x) / box.width)] = 1;
  return double(std::count(taken.begin(), taken.end(), 1)) * box.width * box.height / (cells * cells);
}

/// Points per mm^2, counted in square cells and smoothed over 3 x 3 of them (weights 1 2 1 in each direction).
class DensityGrid {
 public:
  DensityGrid(std::span<const Spot> spots, const Box& box, double cell)
      : box_(box),
        cell_(cell),
        columns_(std::size_t(box.width / cell) + 1),
        rows_(std::size_t(box.height / cell) + 1),
        density_(columns_ * rows_, 0.0f) {
    const auto share = float(1 / (16 * cell * cell));
    for (const Spot& s : spots) density_[place(s)] += share;
    smooth(columns_, rows_, 1, columns_);
    smooth(rows_, columns_, columns_, 1);
  }

  std::vector<float> at(std::span<const Spot> spots) const {
    std::vector<float> out(spots.size());
    for (std::size_t i = 0; i < spots.size(); ++i) out[i] = density_[place(spots[i])];
    return out;
  }

 private:
  std::size_t place(const Spot& s) const {
    const auto clamped = [&](double x, std::size_t n) {
      return std::size_t(std::clamp(x / cell_, 0.0, double(n - 1)));
    };
    return clamped(s.y - box_.y, rows_) * columns_ + clamped(s.x - box_.x, columns_);
  }

  /// Along lines of `length` cells, `step` apart; the lines begin `stride` apart.
  void smooth(std::size_t length, std::size_t lines, std::size_t step, std::size_t stride) {
    for (std::size_t line = 0; line < lines; ++line) {
      float before = 0;
      for (std::size_t k = 0; k < length; ++k) {
        float& here = density_[line * stride + k * step];
        const float now = here, next = k + 1 < length ? *(&here + step) : 0;
        here = before + 2 * now + next;
        before = now;
      }
    }
  }

  Box box_;
  double cell_;
  std::size_t columns_, rows_;
  std::vector<float> density_;
};

/// From the number of dots that overlap at a place to the opacity of one of them.
class Tone {
 public:
  Tone(std::span<const float> overlap, double faintest) {
    std::vector<float> sorted(overlap.begin(), overlap.end());
    const auto dense = sorted.begin() + std::ptrdiff_t(double(sorted.size() - 1) * 0.98);
    std::nth_element(sorted.begin(), dense, sorted.end());
    densest_ = std::max(1.0, double(*dense));
    faintest_ = std::max(faintest, kDeepest - 0.45 * std::log2(densest_));
  }

  float opacity(float overlap) const {
    const double level = std::min(1.0, std::log1p(overlap) / std::log1p(densest_));
    const double depth = faintest_ + (kDeepest - faintest_) * level;  // of all of them together
    return float(1 - std::pow(1 - depth, 1 / std::max(1.0f, overlap)));
  }

 private:
  static constexpr double kDeepest = 0.92;
  double densest_;
  double faintest_;
};

/// An RGBA picture in floats, so that ten thousand faint dots on one pixel do not add up rounding errors.
class Layer {
 public:
  Layer(std::size_t width, std::size_t height) : width_(width), height_(height), values_(4 * width * height, 0.0f) {}

  /// Lays a colour of the given alpha over a pixel ("over", Porter and Duff 1984).
  void blend(std::size_t x, std::size_t y, Colour c, float alpha) {
    float* p = values_.data() + 4 * (y * width_ + x);
    const float keep = 1 - alpha;
    p[0] = p[0] * keep + float(c.red) * alpha;
    p[1] = p[1] * keep + float(c.green) * alpha;
    p[2] = p[2] * keep + float(c.blue) * alpha;
    p[3] = p[3] * keep + 255 * alpha;
  }

  Pixels pixels() const {
    Pixels out{width_, height_, std::vector<std::uint8_t>(values_.size())};
    for (std::size_t i = 0; i < values_.size(); ++i) out.rgba[i] = std::uint8_t(std::lround(values_[i]));
    return out;
  }

 private:
  std::size_t width_, height_;
  Buffer<float> values_;
};

/// A dot in pixels: covered share of a pixel = radius + 1/2 - distance of its centre, cut to [0, 1], which is exact for
/// a straight edge. A dot thinner than a pixel keeps its area by fading instead.
void stamp(Layer& layer, double cx, double cy, double radius, const Dot& dot, long width, long height) {
  constexpr double thinnest = 0.5;
  const double r = std::max(radius, thinnest);
  const float strength = float(dot.opacity / 255.0 * std::min(1.0, radius * radius / (thinnest * thinnest)));
  const long x0 = std::max(0l, long(std::floor(cx - r - 0.5))), x1 = std::min(width - 1, long(std::ceil(cx + r)));
  const long y0 = std::max(0l, long(std::floor(cy - r - 0.5))), y1 = std::min(height - 1, long(std::ceil(cy + r)));
  for (long y = y0; y <= y1; ++y)
    for (long x = x0; x <= x1; ++x) {
      const float dx = float(double(x) + 0.5 - cx), dy = float(double(y) + 0.5 - cy);
      const float cover = std::clamp(float(r) + 0.5f - std::sqrt(dx * dx + dy * dy), 0.0f, 1.0f);
      if (cover > 0) layer.blend(std::size_t(x), std::size_t(y), dot.colour, cover * strength);
    }
}

}  // namespace

double dot_radius(std::span<const Spot> spots, const Box& box) {
  constexpr double cover = 0.4, smallest = 0.07, largest = 0.9;  // mm
  return std::clamp(std::sqrt(cover * occupied_area(spots, box) / (std::numbers::pi * double(spots.size()))), smallest,
                    largest);
}

std::vector<float> dot_opacities(std::span<const Spot> spots, const Box& box, double radius, double faintest) {
  std::vector<float> overlap = DensityGrid(spots, box, std::max(0.5, 2 * radius)).at(spots);
  for (float& o : overlap) o *= float(std::numbers::pi * radius * radius);
  const Tone tone(overlap, faintest);
  for (float& o : overlap) o = tone.opacity(o);
  return overlap;
}

std::vector<std::uint32_t> shuffled(std::size_t n) {
  std::vector<std::uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0u);
  const Random random(0, 1);
  for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[random.below(i, i)]);
  return order;
}

Raster rasterise(std::span<const Dot> dots, const Box& box, double per_mm) {
  const double left = std::floor(box.x * per_mm), top = std::floor(box.y * per_mm);
  const long width = std::max(1l, std::lround(std::ceil(box.right() * per_mm) - left));
  const long height = std::max(1l, std::lround(std::ceil(box.bottom() * per_mm) - top));
  Layer layer{std::size_t(width), std::size_t(height)};
  for (const Dot& dot : dots)
    stamp(layer, dot.x * per_mm - left, dot.y * per_mm - top, dot.radius * per_mm, dot, width, height);
  return {layer.pixels(), {left / per_mm, top / per_mm, double(width) / per_mm, double(height) / per_mm}};
}

}  // namespace espalier
