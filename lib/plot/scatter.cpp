#include "plot/scatter.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "plot/annotation.h"
#include "plot/colouring.h"
#include "plot/dots.h"
#include "plot/legend.h"

namespace espalier {

namespace {

// Lengths in mm.
constexpr double kPanelGap = 3;
constexpr double kLegendGap = 4;
constexpr double kFrameLine = 0.2;
constexpr double kLeastPanel = 8;
constexpr double kFlattest = 0.25, kTallest = 1.4;  // height over width of a panel where the height is free
constexpr float kPale = 0.3f;                       // opacity of points without a name among points with one
constexpr std::size_t kMostLanes = 40;              // more classes of a one-dimensional map share a single lane

/// Where everything goes.
struct PageLayout {
  double height = 0;
  std::vector<Box> panels;
  LegendPlan legend;
  Place legend_at;
  double bar_height = 0;
};

std::size_t panel_columns(std::size_t panels, int asked) {
  if (asked > 0) return std::min(panels, std::size_t(asked));
  if (panels <= 3) return panels;
  return panels == 4 ? 2 : panels <= 6 ? 3 : 4;
}

std::size_t lane_count(const ScatterInput& input, const Colouring& colouring) {
  const std::size_t lanes = colouring.bar ? 1 : std::max<std::size_t>(1, colouring.entries.size());
  return input.panels[0].coordinates->cols() > 1 || lanes > kMostLanes ? 1 : lanes;
}

/// How far points stay away from the frame of a panel whose shorter side is `side`.
double panel_inset(double side, const ScatterOptions& options) {
  return std::max(1.2, 0.035 * side) + (options.thumbnails ? 0.5 * options.thumbnail_size : 0);
}

/// Of the map that needs most height for its width.
double greatest_ratio(const ScatterInput& input, const View& view) {
  double ratio = 0;
  for (const Panel& panel : input.panels) ratio = std::max(ratio, height_to_width(*panel.coordinates, view));
  return ratio;
}

class Planner {
 public:
  Planner(const ScatterInput& input, const ScatterOptions& options, const Colouring& colouring)
      : options_(options), colouring_(colouring), count_(input.panels.size()) {
    columns_ = panel_columns(count_, options.columns);
    rows_ = (count_ + columns_ - 1) / columns_;
    if (input.panels[0].coordinates->cols() == 1)
      lanes_ = lane_count(input, colouring);
    else
      ratio_ = greatest_ratio(input, options.view);
    const bool titled = std::any_of(input.panels.begin(), input.panels.end(), [](auto& p) { return !p.title.empty(); });
    if (titled) panel_title_ = options.text_size * kPoint * 1.8;
    title_ = title_height(options);
    width_ = options.width - 2 * kMargin;
    place_ = legend_place();
  }

  PageLayout plan() {
    PageLayout page;
    double beside = 0, below = 0;
    if (place_ == LegendPlace::right && colouring_.bar) {
      beside = colour_bar_width(bar()) + kLegendGap;
    } else if (place_ == LegendPlace::right) {
      page.legend = legend_right();
      beside = page.legend.width + kLegendGap;
    } else if (place_ == LegendPlace::below) {
      page.legend = legend_below();
      below = page.legend.height + kLegendGap / 2;
    }
    place_panels(page, width_ - beside, below);
    const double top = page.panels[0].y, bottom = page.panels.back().bottom();
    page.height = options_.height > 0 ? options_.height : bottom + below + kMargin;
    page.bar_height = std::min(bottom - top, 70.0);
    page.legend_at = place_ == LegendPlace::below
                         ? Place{kMargin + std::max(0.0, (width_ - page.legend.width) / 2), bottom + kLegendGap / 2}
                         : Place{kMargin + width_ - beside + kLegendGap, top};
    return page;
  }

  ColourBar bar() const {
    ColourBar bar = *colouring_.bar;
    bar.points = options_.text_size;
    return bar;
  }

 private:
  /// In as little of the width as keeps all names, nearly in full size; at most two fifths of it. As high as the panels
  /// are beside that much.
  LegendPlan legend_right() const {
    LegendPlan plan;
    for (const double share : {0.1, 0.15, 0.2, 0.25, 0.3, 0.4}) {
      const double height = panels_height((1 - share) * width_ - kLegendGap, 0);
      plan = plan_legend(colouring_.entries, share * width_, height, options_.text_size, false);
      if (in_full(plan)) break;
    }
    return plan;
  }

  /// Nothing cut, and the print hardly smaller than the rest.
  bool in_full(const LegendPlan& plan) const { return plan.whole && plan.points >= 0.85 * options_.text_size; }

  LegendPlan legend_below() const {
    return plan_legend(colouring_.entries, width_, 0.4 * (options_.height > 0 ? options_.height : width_),
                       options_.text_size, true);
  }

  /// Right of a single column of panels, where the names fit there in nearly full size and take little of the width;
  /// below several, and below what is too flat or has too many or too long names.
  LegendPlace legend_place() const {
    const LegendPlace asked = options_.legend;
    if (asked == LegendPlace::none || (colouring_.entries.empty() && !colouring_.bar)) return LegendPlace::none;
    if (colouring_.bar) return LegendPlace::right;
    if (asked != LegendPlace::automatic) return asked;
    if (options_.annotate) return LegendPlace::none;
    if (columns_ > 1) return LegendPlace::below;
    const LegendPlan right = legend_right();
    const bool good = in_full(right) && right.width <= 0.3 * width_;
    return good || (right.whole && !legend_below().whole) ? LegendPlace::right : LegendPlace::below;
  }

  double panel_width(double width) const { return (width - double(columns_ - 1) * kPanelGap) / double(columns_); }

  double panel_height(double width, double below) const {
    const double side = panel_width(width);
    if (options_.height > 0) {
      const double gaps = double(rows_ - 1) * kPanelGap + double(rows_) * panel_title_;
      return (options_.height - 2 * kMargin - title_ - gaps - below) / double(rows_);
    }
    if (lanes_) return std::clamp(double(lanes_) * 7, std::min(24.0, side), side);
    const double inset = panel_inset(side, options_);
    return std::clamp((side - 2 * inset) * ratio_ + 2 * inset, kFlattest * side, kTallest * side);
  }

  double panels_height(double width, double below) const {
    return double(rows_) * (panel_height(width, below) + panel_title_ + kPanelGap) - kPanelGap - panel_title_;
  }

  void place_panels(PageLayout& page, double width, double below) const {
    const double w = panel_width(width), h = panel_height(width, below);
    if (!(std::min(w, h) >= kLeastPanel))
      throw UsageError(
          "a picture of this size leaves {:.0f} x {:.0f} mm for a panel: enlarge it, or leave out the legend",
          std::max(0.0, w), std::max(0.0, h));
    for (std::size_t i = 0; i < count_; ++i) {
      const std::size_t row = i / columns_, column = i % columns_;
      page.panels.push_back({kMargin + double(column) * (w + kPanelGap),
                             kMargin + title_ + panel_title_ + double(row) * (h + panel_title_ + kPanelGap), w, h});
    }
  }

  const ScatterOptions& options_;
  const Colouring& colouring_;
  std::size_t count_, columns_ = 1, rows_ = 1, lanes_ = 0;
  LegendPlace place_ = LegendPlace::none;
  double ratio_ = 1;  ///< height over width of the maps
  double panel_title_ = 0, title_ = 0, width_ = 0;
};

void check(const ScatterInput& input, const ScatterOptions& options) {
  if (input.panels.empty()) throw DataError("", "", "there is no map to draw");
  const std::size_t n = input.panels[0].coordinates->rows();
  for (const Panel& panel : input.panels)
    if (panel.coordinates->rows() != n)
      throw DataError("", "", "the maps have {} and {} samples", n, panel.coordinates->rows());
  if (!input.labels.empty() && input.labels.size() != n)
    throw DataError("", "", "there are {} labels for {} samples", input.labels.size(), n);
  if (!input.values.empty() && input.values.size() != n)
    throw DataError("", "", "there are {} values for {} samples", input.values.size(), n);
  if (options.ids && input.ids.size() != n)
    throw DataError("", "", "there are {} names for {} samples", input.ids.size(), n);
}

Colouring colouring_of(const ScatterInput& input) {
  if (!input.values.empty()) return colour_by_value(input.values, input.value_name);
  if (!input.labels.empty()) return colour_by_class(input.labels, input.names);
  return one_colour(input.panels[0].coordinates->rows());
}

/// Draws one panel after another onto the canvas.
class Painter {
 public:
  Painter(const ScatterInput& input, const ScatterOptions& options, const Colouring& colouring, const PageLayout& page,
          Canvas& canvas)
      : input_(input),
        options_(options),
        colouring_(colouring),
        page_(page),
        canvas_(canvas),
        order_(shuffled(colouring.groups.size())) {
    std::stable_partition(order_.begin(), order_.end(), [&](std::uint32_t i) { return colouring.groups[i] < 0; });
    lane_count_ = int(lane_count(input, colouring));
    lanes_.assign(colouring.groups.size(), 0);
    if (lane_count_ > 1)
      for (std::size_t i = 0; i < lanes_.size(); ++i)
        lanes_[i] = colouring.groups[i] < 0 ? lane_count_ - 1 : colouring.groups[i];
    radius_ = common_radius();
  }

  void paint(std::size_t k) {
    const Box& box = page_.panels[k];
    const Flat flat = place(k);
    for (const auto& [from, to] : flat.edges) canvas_.line(from, to, mix(kFrameColour, kWhite, 0.5), 0.15);
    // Every point lies in a cell that shows an image: of the points, only crumbs between the images could be seen.
    const std::vector<Annotation> samples =
        options_.ids ? name_samples(flat.spots, input_.ids, box, options_.text_size) : std::vector<Annotation>{};
    if (!options_.thumbnails) paint_dots(flat, box, samples);
    canvas_.frame(box, kFrameColour, kFrameLine);
    if (options_.thumbnails) paint_thumbnails(flat.spots, box);
    draw_annotations(canvas_, samples, options_.text_size, false);
    if (options_.annotate && !colouring_.bar)
      draw_annotations(canvas_, name_classes(flat.spots, colouring_, box, options_.text_size), options_.text_size,
                       true);
    const double title_y = box.y - options_.text_size * kPoint * 0.8;
    const std::string& title = input_.panels[k].title;
    canvas_.text({box.centre().x, title_y}, shortened(title, box.width, options_.text_size),
                 {.points = options_.text_size, .align = Align::centre});
  }

 private:
  /// The part of a panel that points may lie in, away from the frame.
  Box inside(const Box& box) const { return box.inset(panel_inset(std::min(box.width, box.height), options_)); }

  Flat place(std::size_t k) const {
    return lay_out(*input_.panels[k].coordinates, inside(page_.panels[k]), options_.view, lanes_, lane_count_);
  }

  /// One for all panels, so that they can be compared: the smallest that any of them needs.
  double common_radius() const {
    if (options_.point_size > 0) return options_.point_size / 2;
    double radius = std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < page_.panels.size(); ++k)
      radius = std::min(radius, dot_radius(place(k).spots, page_.panels[k]));
    return radius;
  }

  /// Unknown ones first; in space, from far to near, the far ones smaller and fainter.
  /// Where samples are named, the others are pale.
  std::vector<Dot> dots_of(const Flat& flat, const Box& box, std::span<const Annotation> named) const {
    const bool several_colours = colouring_.bar || colouring_.group_count > 1;  // pale ones are hard to tell apart
    std::vector<float> opacities = options_.opacity > 0
                                       ? std::vector<float>(flat.spots.size(), float(options_.opacity))
                                       : dot_opacities(flat.spots, box, radius_, several_colours ? 0.45 : 0.25);
    if (options_.ids) {
      std::vector<float> pale(opacities.size(), kPale);
      for (const Annotation& name : named) pale[name.item] = 1;
      for (std::size_t i = 0; i < pale.size(); ++i) opacities[i] *= pale[i];
    }
    const bool space = !flat.edges.empty();
    std::vector<std::uint32_t> order = order_;
    const auto known = [&](std::uint32_t i) { return colouring_.groups[i] >= 0; };
    if (space)
      std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        return std::pair(known(a), flat.spots[a].near) < std::pair(known(b), flat.spots[b].near);
      });
    std::vector<Dot> dots;
    dots.reserve(order.size());
    for (const std::uint32_t i : order) {
      const Spot& s = flat.spots[i];
      const double size = space ? 0.65 + 0.6 * s.near : 1, strength = space ? 0.4 + 0.6 * s.near : 1;
      dots.push_back({s.x, s.y, float(radius_ * size), colouring_.colours[i],
                      std::uint8_t(std::lround(255 * opacities[i] * strength))});
    }
    return dots;
  }

  void paint_dots(const Flat& flat, const Box& box, std::span<const Annotation> named) {
    const std::vector<Dot> dots = dots_of(flat, box, named);
    if (options_.format == PictureFormat::png || dots.size() > std::size_t(std::max(0, options_.vector_limit))) {
      const Raster raster = rasterise(dots, box, options_.dpi / 25.4);
      canvas_.image(raster.placed, raster.pixels, true);
      return;
    }
    for (const Dot& dot : dots) canvas_.dot({dot.x, dot.y}, dot.radius, dot.colour, dot.opacity / 255.0);
  }

  void paint_thumbnails(std::span<const Spot> spots, const Box& box) {
    if (!input_.images) throw DataError("", "", "there are no images of the samples to show");
    const std::vector<Thumbnail> chosen =
        choose_thumbnails(spots, box.inset(kFrameLine), options_.thumbnail_size, *input_.images);
    const std::vector<Pixels> images = read_thumbnails(chosen, *input_.images);
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      canvas_.image(chosen[i].box, images[i], false);
      canvas_.frame(chosen[i].box, colouring_.colours[chosen[i].sample], 0.35);
    }
  }

  const ScatterInput& input_;
  const ScatterOptions& options_;
  const Colouring& colouring_;
  const PageLayout& page_;
  Canvas& canvas_;
  std::vector<std::uint32_t> order_;
  std::vector<std::int32_t> lanes_;
  int lane_count_ = 1;
  double radius_ = 0;
};

/// Bytes beside those of the page, as measured: points, and either what they are in a vector format or the panel's
/// pixels while they are mixed.
double drawing_bytes(const ScatterInput& input, const ScatterOptions& options, const PageLayout& page) {
  constexpr double kOfPoint = 80, kOfVector = 1600, kOfPixel = 20;
  const double points = double(input.panels[0].coordinates->rows()), pixels = options.dpi / 25.4;
  if (options.thumbnails) return kOfPoint * points;
  const bool vectors = options.format != PictureFormat::png && points <= double(options.vector_limit);
  if (vectors) return (kOfPoint + kOfVector * double(page.panels.size())) * points;
  return kOfPoint * points + kOfPixel * page.panels[0].width * page.panels[0].height * pixels * pixels;
}

}  // namespace

std::vector<std::uint8_t> draw_scatter(const ScatterInput& input, const ScatterOptions& options,
                                       const Control& control) {
  check(input, options);
  const Colouring colouring = colouring_of(input);
  Planner planner(input, options, colouring);
  const PageLayout page = planner.plan();
  Canvas canvas(page_of(options, page.height, control, drawing_bytes(input, options, page)));
  draw_title(canvas, options);
  Painter painter(input, options, colouring, page, canvas);
  for (std::size_t k = 0; k < input.panels.size(); ++k) painter.paint(k);
  if (!page.legend.entries.empty()) draw_legend(canvas, page.legend, page.legend_at);
  if (colouring.bar && options.legend != LegendPlace::none)
    draw_colour_bar(canvas, planner.bar(), page.legend_at, page.bar_height);
  return canvas.bytes();
}

}  // namespace espalier
