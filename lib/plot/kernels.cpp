#include "plot/kernels.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.h"
#include "plot/heatmap.h"
#include "plot/legend.h"

namespace espalier {

namespace {

// Lengths in mm.
constexpr double kGap = 3;  // between panels
constexpr double kBarGap = 5;
constexpr double kLeastPanel = 8;
constexpr double kTallestBar = 60;
constexpr double kSwatch = 3.5;  // as wide as the colour bar

/// Of the norms of a layer that do not count as zero; `most` is 0 where all do.
struct Range {
  double least = std::numeric_limits<double>::infinity(), most = 0;
};

Range range_of(const Matrix& norms, double zero) {
  Range range;
  for (std::size_t k = 0; k < norms.size(); ++k)
    if (const double norm = double(norms.data()[k]); norm > zero)
      range = {std::min(range.least, norm), std::max(range.most, norm)};
  return range;
}

/// Over all layers, each in its own unit: from 0, or over the decades of what is not zero.
Axis colour_axis(std::span<const KernelNorms> layers, std::span<const double> units, const KernelOptions& options) {
  Range all;
  std::vector<double> norms;
  for (std::size_t k = 0; k < layers.size(); ++k) {
    const Range range = range_of(layers[k].norms, options.zero);
    all = {std::min(all.least, range.least / units[k]), std::max(all.most, range.most / units[k])};
    for (std::size_t i = 0; i < layers[k].norms.size(); ++i)
      if (const double norm = double(layers[k].norms.data()[i]); norm > options.zero) norms.push_back(norm / units[k]);
  }
  if (norms.empty()) return {0, 1, false};
  if (options.scale == Scale::logarithmic) return {all.least, all.most, true};
  return {0, options.scale == Scale::linear ? all.most : scale_end(std::move(norms)), false};
}

std::string percent(std::size_t part, std::size_t whole) {
  const double share = 100 * double(part) / double(whole);
  if (part == 0 || part == whole || (share >= 1 && share <= 99)) return fmt::format("{:.0f} %", share);
  return fmt::format("{:.1f} %", std::clamp(share, 0.1, 99.9));  // neither 0 where there are some, nor 100 of not all
}

/// Channels and share of zeros, and with `whole` the size of the kernels too.
std::string caption(const KernelNorms& layer, double zero, bool whole) {
  const std::size_t zeros = count_zeros(layer.norms, zero).zero_kernels;
  return fmt::format("{} × {}{}{}", layer.norms.rows(), layer.norms.cols(),
                     whole && layer.kernel > 1 ? fmt::format(" × {0} × {0}", layer.kernel) : "",
                     zeros ? fmt::format(", {} zero", percent(zeros, layer.norms.size())) : "");
}

class Painter {
 public:
  Painter(std::span<const KernelNorms> layers, const KernelOptions& options)
      : layers_(layers), options_(options), pixel_(25.4 / options.dpi) {
    small_ = small_text(options);
    for (const KernelNorms& layer : layers) {
      const double most = range_of(layer.norms, options.zero).most;
      units_.push_back(options.relative && most > 0 ? most : 1);
    }
    const Axis axis = colour_axis(layers, units_, options);
    bar_ = {options.relative ? "relative" : "norm", axis.least, axis.most, options.text_size, axis.logarithmic};
    place();
  }

  std::vector<std::uint8_t> draw(const Control& control) const {
    Canvas canvas(page_of(options_, height_, control));
    draw_title(canvas, options_);
    for (std::size_t k = 0; k < layers_.size(); ++k) draw_panel(canvas, k);
    draw_key(canvas);
    canvas.text({kMargin, height_ - kMargin - small_ * kRow / 2},
                shortened(footnote(), options_.width - 2 * kMargin, small_), {.points = small_});
    return canvas.bytes();
  }

 private:
  double side_of(std::size_t columns, double width) const {
    return (width - double(columns - 1) * kGap) / double(columns);
  }
  double caption_room() const { return side_ + kGap - 1; }

  /// A field slightly wider than high, of fewer columns where captions would be cut.
  void choose_columns(double width) {
    columns_ = std::min(layers_.size(), std::size_t(options_.columns));
    if (columns_ == 0) {
      columns_ = std::min<std::size_t>(8, std::size_t(std::ceil(std::sqrt(1.2 * double(layers_.size())))));
      double widest = 0;
      for (const KernelNorms& layer : layers_)
        widest = std::max(widest, text_width(caption(layer, options_.zero, false), small_));
      while (columns_ > 1 && side_of(columns_, width) + kGap - 1 < widest) --columns_;
    }
    side_ = side_of(columns_, width);
  }

  double head() const { return 2 * small_ * kRow + 0.5; }

  void place() {
    const double beside = colour_bar_width(bar_) + kBarGap, width = options_.width - 2 * kMargin - beside;
    choose_columns(width);
    if (!(side_ >= kLeastPanel))
      throw UsageError("a picture of this width leaves {:.0f} mm for a panel: enlarge it, or lower --columns",
                       std::max(0.0, side_));
    double y = kMargin + title_height(options_);
    for (std::size_t first = 0; first < layers_.size(); first += columns_) {
      double tallest = 0;
      for (std::size_t k = first; k < std::min(first + columns_, layers_.size()); ++k) {
        const Matrix& norms = layers_[k].norms;
        cells_.push_back(cell_side(norms.rows(), norms.cols(), side_, pixel_));
        corners_.push_back({kMargin + double(k - first) * (side_ + kGap), y + head()});
        tallest = std::max(tallest, cells_[k] * double(norms.rows()));
      }
      y += head() + tallest + kGap;
    }
    key_ = {options_.width - kMargin - beside + kBarGap, corners_[0].y};
    const double needed = 25 + 2 * options_.text_size * kRow;  // bar and the colour of zeros
    bar_height_ = std::clamp(y - kGap - key_.y - 2 * options_.text_size * kRow, needed, kTallestBar);
    height_ = std::max(y, key_.y + bar_height_ + 2 * options_.text_size * kRow) + small_ * kRow + kMargin;
  }

  void draw_panel(Canvas& canvas, std::size_t k) const {
    const Place corner = corners_[k];
    const double line = small_ * kRow;
    canvas.text({corner.x, corner.y - 0.5 - 1.5 * line}, shortened(layers_[k].layer, caption_room(), small_),
                {.points = small_});
    canvas.text({corner.x, corner.y - 0.5 - 0.5 * line}, fitting_caption(layers_[k]),
                {.points = small_, .colour = mix(kInk, kWhite, 0.3)});
    const HeatScale scale{{bar_.least * units_[k], bar_.most * units_[k], bar_.logarithmic}, options_.zero};
    draw_heat_map(canvas, corner, layers_[k].norms, scale, cells_[k], pixel_);
  }

  /// The size of the kernels goes where there is no room for it.
  std::string fitting_caption(const KernelNorms& layer) const {
    std::string whole = caption(layer, options_.zero, true);
    if (text_width(whole, small_) <= caption_room()) return whole;
    return shortened(caption(layer, options_.zero, false), caption_room(), small_);
  }

  std::string footnote() const {
    ZeroCounts sum;
    std::size_t beyond = 0;
    for (std::size_t k = 0; k < layers_.size(); ++k) {
      const Matrix& norms = layers_[k].norms;
      const ZeroCounts counts = count_zeros(norms, options_.zero);
      sum.kernels += counts.kernels;
      sum.zero_kernels += counts.zero_kernels;
      const double end = bar_.most * units_[k] * (1 + 1e-6);
      beyond += std::size_t(
          std::count_if(norms.data(), norms.data() + norms.size(), [end](float norm) { return double(norm) > end; }));
    }
    return fmt::format("Output channels down, input channels across; {} of {} kernels are zero{}.", sum.zero_kernels,
                       sum.kernels, beyond ? fmt::format(", {} lie above the scale", beyond) : "");
  }

  void draw_key(Canvas& canvas) const {
    draw_colour_bar(canvas, bar_, key_, bar_height_);
    const Box swatch{key_.x, key_.y + bar_height_ + options_.text_size * kRow * 0.6, kSwatch,
                     options_.text_size * kPoint};
    canvas.fill(swatch, kZeroColour);
    canvas.frame(swatch, kFrameColour, 0.15);
    canvas.text({swatch.right() + 1.5, swatch.centre().y}, "zero", {.points = options_.text_size});
  }

  std::span<const KernelNorms> layers_;
  const KernelOptions& options_;
  double pixel_;
  std::size_t columns_ = 1;
  double small_ = 7, side_ = 0, height_ = 0, bar_height_ = 0;
  std::vector<double> units_;  ///< what the norms of each layer are measured in
  ColourBar bar_;
  Place key_;
  std::vector<double> cells_;   ///< side of a cell
  std::vector<Place> corners_;  ///< upper left
};

}  // namespace

double scale_end(std::vector<double> norms) {
  const auto at = norms.begin() + std::ptrdiff_t((norms.size() * 99 + 99) / 100 - 1);
  std::nth_element(norms.begin(), at, norms.end());
  const double common = *at, most = *std::max_element(at, norms.end());
  return most > 1.25 * common ? common : most;
}

std::vector<std::uint8_t> draw_kernels(std::span<const KernelNorms> layers, const KernelOptions& options,
                                       const Control& control) {
  return Painter(layers, options).draw(control);
}

}  // namespace espalier
