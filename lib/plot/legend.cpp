#include "plot/legend.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace espalier {

namespace {

constexpr double kLeastPoints = 5;
constexpr double kRowSpacing = 1.5;  // row height in units of the text size

/// The width of a column without its name: swatch and gaps.
double swatch_width(double points) { return points * kPoint * 1.15; }
double column_gap(double points) { return points * kPoint * 1.1; }

/// Widths of the names at 1 point; text widths are proportional to the size.
std::vector<double> name_widths(const std::vector<LegendEntry>& entries) {
  std::vector<double> widths(entries.size());
  for (std::size_t i = 0; i < entries.size(); ++i) widths[i] = text_width(entries[i].name, 1);
  return widths;
}

/// What bounds a plan.
struct Room {
  double width, height;  // mm
  bool across;
};

/// Columns and rows of the first n entries at one text size and one bound on the names; the plan may still be too large
/// for its room.
LegendPlan set_entries(const std::vector<double>& widths, std::size_t n, double names, double points,
                       const Room& room) {
  LegendPlan plan;
  plan.across = room.across;
  plan.points = points;
  const double widest = points * *std::max_element(widths.begin(), widths.begin() + std::ptrdiff_t(n));
  plan.column_width = swatch_width(points) + std::min(names, widest) + column_gap(points);
  plan.row_height = points * kPoint * kRowSpacing;
  const auto whole = [](double x) { return std::size_t(std::max(1.0, std::floor(x + 1e-9))); };
  if (room.across) {
    plan.columns = std::min(n, whole((room.width + column_gap(points)) / plan.column_width));
    plan.rows = (n + plan.columns - 1) / plan.columns;
    plan.columns = (n + plan.rows - 1) / plan.rows;
  } else {
    plan.rows = std::min(n, whole(room.height / plan.row_height));
    plan.columns = (n + plan.rows - 1) / plan.rows;
    plan.rows = (n + plan.columns - 1) / plan.columns;
  }
  plan.width = double(plan.columns) * plan.column_width - column_gap(points);
  plan.height = double(plan.rows) * plan.row_height;
  return plan;
}

bool fits(const LegendPlan& plan, const Room& room) { return plan.width <= room.width && plan.height <= room.height; }

LegendPlan with_names(LegendPlan plan, const std::vector<LegendEntry>& entries, std::size_t n) {
  plan.entries.assign(entries.begin(), entries.begin() + std::ptrdiff_t(n));
  const double room = plan.column_width - swatch_width(plan.points) - column_gap(plan.points);
  for (LegendEntry& e : plan.entries) e.name = shortened(e.name, room * (1 + 1e-9), plan.points);
  plan.whole = plan.entries == entries;
  return plan;
}

}  // namespace

LegendPlan plan_legend(const std::vector<LegendEntry>& entries, double width, double height, double points,
                       bool across) {
  if (entries.empty()) return {};
  const std::vector<double> widths = name_widths(entries);
  const Room room{width, height, across};
  const double least = std::min(kLeastPoints, points);
  for (const double names : {42.0, 26.0})
    for (double size = points; size >= least - 1e-9; size -= 0.5) {
      const LegendPlan plan = set_entries(widths, entries.size(), std::min(names, width), size, room);
      if (fits(plan, room)) return with_names(plan, entries, entries.size());
    }
  // Too many: as many of the first as fit in the smallest print, less one row for the note.
  const double row = least * kPoint * kRowSpacing;
  const Room above{width, height - row, across};
  std::size_t shown = entries.size();
  LegendPlan plan;
  do plan = set_entries(widths, --shown, std::min(26.0, width), least, above);
  while (shown > 1 && !fits(plan, above));
  plan = with_names(plan, entries, shown);
  plan.rest = fmt::format("… and {} more", entries.size() - shown);
  plan.height += row;
  return plan;
}

void draw_legend(Canvas& canvas, const LegendPlan& plan, Place top_left) {
  const double size = plan.points * kPoint;
  for (std::size_t i = 0; i < plan.entries.size(); ++i) {
    const std::size_t column = plan.across ? i % plan.columns : i / plan.rows;
    const std::size_t row = plan.across ? i / plan.columns : i % plan.rows;
    const double x = top_left.x + double(column) * plan.column_width;
    const double y = top_left.y + (double(row) + 0.5) * plan.row_height;
    canvas.dot({x + size * 0.4, y}, size * 0.36, plan.entries[i].colour, 1);
    canvas.text({x + swatch_width(plan.points), y}, plan.entries[i].name, {.points = plan.points});
  }
  if (!plan.rest.empty())
    canvas.text({top_left.x + swatch_width(plan.points), top_left.y + (double(plan.rows) + 0.5) * plan.row_height},
                plan.rest, {.points = plan.points, .colour = mix(kInk, kWhite, 0.35)});
}

std::vector<double> round_ticks(double least, double most) {
  if (!(most > least)) return {least};
  const double rough = (most - least) / 5, power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0})
    if (factor * power >= rough * 0.8) step = factor * power;
  std::vector<double> ticks;
  for (double k = std::ceil(least / step - 1e-9); k * step <= most + 1e-9 * step; ++k)
    ticks.push_back(k * step + 0.0);  // no -0
  return ticks;
}

namespace {

constexpr double kBarWidth = 3.5;

std::string number(double x) { return fmt::format("{:.6g}", x); }

}  // namespace

double colour_bar_width(const ColourBar& bar) {
  double labels = 0;
  for (const double tick : round_ticks(bar.least, bar.most))
    labels = std::max(labels, text_width(number(tick), bar.points));
  return std::max(kBarWidth + 2 + labels, std::min(30.0, text_width(bar.name, bar.points)));
}

void draw_colour_bar(Canvas& canvas, const ColourBar& bar, Place top_left, double height) {
  const double head = bar.name.empty() ? 0 : bar.points * kPoint * kRowSpacing;
  if (head > 0)
    canvas.text({top_left.x, top_left.y + head * 0.35}, shortened(bar.name, 30.0, bar.points), {.points = bar.points});
  const Box box{top_left.x, top_left.y + head, kBarWidth, height - head};
  constexpr std::size_t steps = 256;
  Pixels scale{1, steps, {}};
  for (std::size_t i = 0; i < steps; ++i) {
    const Colour c = scale_colour(1 - double(i) / (steps - 1));
    scale.rgba.insert(scale.rgba.end(), {c.red, c.green, c.blue, 255});
  }
  canvas.image(box, scale, false);
  canvas.frame(box, kFrameColour, 0.15);
  for (const double tick : round_ticks(bar.least, bar.most)) {
    const double t = bar.most > bar.least ? (tick - bar.least) / (bar.most - bar.least) : 0.5;
    const double y = box.bottom() - t * box.height;
    canvas.line({box.right(), y}, {box.right() + 0.8, y}, kFrameColour, 0.15);
    canvas.text({box.right() + 1.5, y}, number(tick), {.points = bar.points});
  }
}

}  // namespace espalier
