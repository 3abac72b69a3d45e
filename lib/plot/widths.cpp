#include "plot/widths.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.h"
#include "plot/axes.h"
#include "plot/legend.h"

namespace espalier {

namespace {

// Lengths in mm.
constexpr double kGap = 6;  // between columns of layers
constexpr double kNameGap = 1.5;
constexpr double kLeastBars = 12;  // length of the longest bar
constexpr double kLegendGap = 2.5;
constexpr std::size_t kMostRows = 40;  // of a column, unless --columns says otherwise
constexpr double kLongestName = 40;

std::string total(const NetworkWidths& network, const NetworkWidths& first, bool is_first) {
  const auto share = [&](std::size_t of, std::size_t whole) {
    if (is_first || whole == 0) return std::string();
    const double percent = 100 * double(of) / double(whole);
    return percent < 100 ? fmt::format(" ({:.3g} %)", percent) : fmt::format(" ({:.0f} %)", percent);
  };
  const auto rounded = [](std::size_t n) {
    return n < 1000000 ? fmt::format("{}", n)
                       : fmt::format("{:.4g} {}", double(n) / (n < 1000000000 ? 1e6 : 1e9), n < 1000000000 ? "M" : "G");
  };
  return fmt::format("{}: {} parameters{}, {} MACs{}", network.name, rounded(network.parameters),
                     share(network.parameters, first.parameters), rounded(network.macs),
                     share(network.macs, first.macs));
}

class Painter {
 public:
  Painter(std::span<const NetworkWidths> networks, const PictureOptions& options)
      : options_(options), layers_(compare_widths(networks)), colours_(class_palette(networks.size())) {
    small_ = small_text(options);
    columns_ = options.columns > 0 ? std::size_t(options.columns) : (layers_.size() + kMostRows - 1) / kMostRows;
    columns_ = std::clamp<std::size_t>(columns_, 1, layers_.size());
    rows_ = (layers_.size() + columns_ - 1) / columns_;
    bar_ = std::max(0.9, std::min(0.75, 2.2 / double(networks.size())) * small_ * kPoint);
    row_ = std::max(small_ * kPoint * 1.25, bar_ * double(networks.size())) + 0.5 * small_ * kPoint;
    std::vector<LegendEntry> entries;
    for (std::size_t n = 0; n < networks.size(); ++n)
      entries.push_back({colours_[n], total(networks[n], networks[0], n == 0)});
    const double width = options.width - 2 * kMargin;
    legend_ =
        plan_legend(entries, width, double(entries.size()) * options.text_size * kRow * 1.01, options.text_size, false);
    place();
  }

  std::vector<std::uint8_t> draw(const Control& control) const {
    const double top = kMargin + title_height(options_), bottom = top + double(rows_) * row_;
    const double height = bottom + kLegendGap + legend_.height + kMargin;
    Canvas canvas(page_of(options_, height, control));
    draw_title(canvas, options_);
    for (std::size_t k = 0; k < layers_.size(); ++k)
      draw_layer(canvas, layers_[k], {kMargin + double(k / rows_) * (column_ + kGap), top + double(k % rows_) * row_});
    draw_legend(canvas, legend_, {kMargin, bottom + kLegendGap});
    return canvas.bytes();
  }

 private:
  void place() {
    double name = 0, number = 0;
    for (const LayerWidths& layer : layers_) {
      name = std::max(name, text_width(layer.layer, small_));
      for (const std::size_t n : layer.channels) {
        most_ = std::max(most_, n);
        number = std::max(number, text_width(std::to_string(n), number_points()));
      }
    }
    name_ = std::min(name, kLongestName);
    column_ = (options_.width - 2 * kMargin - double(columns_ - 1) * kGap) / double(columns_);
    longest_ = column_ - name_ - 2 * kNameGap - number;
    if (!(longest_ >= kLeastBars))
      throw UsageError("a picture of this width leaves {:.0f} mm for bars: enlarge it, or lower --columns",
                       std::max(0.0, longest_));
  }

  /// The numbers of several networks stand one below the other.
  double number_points() const { return std::min(small_, std::max(3.0, 1.15 * bar_ / kPoint)); }

  void draw_layer(Canvas& canvas, const LayerWidths& layer, Place at) const {
    const double middle = at.y + row_ / 2, left = at.x + name_ + kNameGap;
    canvas.text({left - kNameGap, middle}, shortened(layer.layer, name_, small_),
                {.points = small_, .align = Align::right});
    double y = middle - bar_ * double(layer.channels.size()) / 2;
    for (std::size_t n = 0; n < layer.channels.size(); ++n, y += bar_) {
      if (layer.channels[n] == 0) continue;
      const double length = longest_ * double(layer.channels[n]) / double(most_);
      canvas.fill({left, y + 0.05 * bar_, length, 0.9 * bar_}, colours_[n]);
      canvas.text({left + length + kNameGap / 2, y + bar_ / 2}, std::to_string(layer.channels[n]),
                  {.points = number_points()});
    }
  }

  const PictureOptions& options_;
  std::vector<LayerWidths> layers_;
  std::vector<Colour> colours_;
  LegendPlan legend_;
  double small_ = 7;                            ///< points
  double bar_ = 0, row_ = 0;                    ///< heights
  double name_ = 0, column_ = 0, longest_ = 0;  ///< widths
  std::size_t columns_ = 1, rows_ = 1, most_ = 1;
};

}  // namespace

std::vector<LayerWidths> compare_widths(std::span<const NetworkWidths> networks) {
  std::vector<LayerWidths> out;
  for (std::size_t n = 0; n < networks.size(); ++n)
    for (const NetworkWidths::Layer& layer : networks[n].layers) {
      auto found = std::find_if(out.begin(), out.end(), [&](const LayerWidths& o) { return o.layer == layer.name; });
      if (found == out.end()) found = out.insert(out.end(), {layer.name, std::vector<std::size_t>(networks.size(), 0)});
      found->channels[n] = layer.channels;
    }
  return out;
}

std::vector<std::uint8_t> draw_widths(std::span<const NetworkWidths> networks, const PictureOptions& options,
                                      const Control& control) {
  if (networks.empty() || networks[0].layers.empty()) throw DataError("", "", "there are no layers to draw");
  return Painter(networks, options).draw(control);
}

}  // namespace espalier
