#include "plot/legend.h"

#include <fmt/core.h>

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

/// The place of an entry among rows and columns.
struct Slot {
  std::size_t row, column;
};
Slot slot_of(std::size_t entry, std::size_t rows, std::size_t columns, bool across) {
  return across ? Slot{entry / columns, entry % columns} : Slot{entry % rows, entry / rows};
}

/// The first n entries in a number of columns, at one text size and one bound on the names; the plan may be too large
/// for its room.
LegendPlan in_columns(const std::vector<double>& widths, std::size_t n, std::size_t columns, double names,
                      double points, bool across) {
  LegendPlan plan;
  plan.across = across;
  plan.points = points;
  plan.rows = (n + columns - 1) / columns;
  plan.row_height = points * kPoint * kRowSpacing;
  plan.height = double(plan.rows) * plan.row_height;
  std::vector<double> widest((n + plan.rows - 1) / plan.rows, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    double& width = widest[slot_of(i, plan.rows, widest.size(), across).column];
    width = std::max(width, std::min(names, points * widths[i]));
  }
  double x = 0;
  for (const double width : widest) {
    plan.columns.push_back(x);
    plan.width = x + swatch_width(points) + width;
    x = plan.width + column_gap(points);
  }
  return plan;
}

/// Across, the most columns that fit in width; down, the fewest that fit in height. May be too large for the room in
/// the other direction.
LegendPlan set_entries(const std::vector<double>& widths, std::size_t n, double names, double points,
                       const Room& room) {
  if (!room.across) {
    const double rows = std::clamp(std::floor(room.height / (points * kPoint * kRowSpacing) + 1e-9), 1.0, double(n));
    return in_columns(widths, n, (n + std::size_t(rows) - 1) / std::size_t(rows), names, points, false);
  }
  // No more columns than would fit if all names were as narrow as the narrowest.
  const double narrowest = *std::min_element(widths.begin(), widths.begin() + std::ptrdiff_t(n)) * points;
  const double step = swatch_width(points) + std::min(names, narrowest) + column_gap(points);
  auto columns = std::size_t(std::clamp((room.width + column_gap(points)) / step, 1.0, double(n)));
  for (; columns > 1; --columns) {
    LegendPlan plan = in_columns(widths, n, columns, names, points, true);
    if (plan.width <= room.width) return plan;
  }
  return in_columns(widths, n, 1, names, points, true);
}

bool fits(const LegendPlan& plan, const Room& room) {
  return plan.width <= room.width + 1e-9 && plan.height <= room.height + 1e-9;
}

LegendPlan with_names(LegendPlan plan, const std::vector<LegendEntry>& entries, std::size_t n, double names) {
  plan.entries.assign(entries.begin(), entries.begin() + std::ptrdiff_t(n));
  for (LegendEntry& e : plan.entries) e.name = shortened(e.name, names * (1 + 1e-9), plan.points);
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
  const auto bound = [&](double names, double size) { return std::min(names, width - swatch_width(size)); };
  for (const double names : {width, 60.0, 42.0, 26.0})
    for (double size = points; size >= least - 1e-9; size -= 0.5) {
      if (names == width && size * *std::max_element(widths.begin(), widths.end()) > bound(names, size)) continue;
      const LegendPlan plan = set_entries(widths, entries.size(), bound(names, size), size, room);
      if (fits(plan, room)) return with_names(plan, entries, entries.size(), bound(names, size));
    }
  // Too many: as many of the first as fit in the smallest print, less one row for the note.
  const double row = least * kPoint * kRowSpacing, names = bound(26.0, least);
  const Room above{width, height - row, across};
  const double most = std::ceil(height / row) * std::ceil(width / swatch_width(least));
  std::size_t shown = std::min(entries.size(), std::size_t(most) + 1);
  LegendPlan plan;
  do plan = set_entries(widths, --shown, names, least, above);
  while (shown > 1 && !fits(plan, above));
  plan = with_names(plan, entries, shown, names);
  plan.rest = fmt::format("… and {} more", entries.size() - shown);
  plan.height += row;
  return plan;
}

void draw_legend(Canvas& canvas, const LegendPlan& plan, Place top_left) {
  const double size = plan.points * kPoint;
  for (std::size_t i = 0; i < plan.entries.size(); ++i) {
    const Slot slot = slot_of(i, plan.rows, plan.columns.size(), plan.across);
    const double x = top_left.x + plan.columns[slot.column];
    const double y = top_left.y + (double(slot.row) + 0.5) * plan.row_height;
    canvas.dot({x + size * 0.4, y}, size * 0.36, plan.entries[i].colour, 1);
    canvas.text({x + swatch_width(plan.points), y}, plan.entries[i].name, {.points = plan.points});
  }
  if (!plan.rest.empty())
    canvas.text({top_left.x + swatch_width(plan.points), top_left.y + (double(plan.rows) + 0.5) * plan.row_height},
                plan.rest, {.points = plan.points, .colour = mix(kInk, kWhite, 0.35)});
}

namespace {

constexpr double kBarWidth = 3.5;
constexpr double kBarHead = 1.8;  // height of the name and the gap below it, in units of the text size

}  // namespace

double colour_bar_width(const ColourBar& bar) {
  double labels = 0;
  for (const Tick& tick : ticks_of(bar.axis())) labels = std::max(labels, text_width(tick.label, bar.points));
  return std::max(kBarWidth + 2 + labels, std::min(30.0, text_width(bar.name, bar.points)));
}

void draw_colour_bar(Canvas& canvas, const ColourBar& bar, Place top_left, double height) {
  const double head = bar.name.empty() ? 0 : bar.points * kPoint * kBarHead;
  if (head > 0)
    canvas.text({top_left.x, top_left.y + head * 0.3}, shortened(bar.name, 30.0, bar.points), {.points = bar.points});
  const Box box{top_left.x, top_left.y + head, kBarWidth, height - head};
  constexpr std::size_t steps = 256;
  Pixels scale{1, steps, {}};
  for (std::size_t i = 0; i < steps; ++i) {
    const Colour c = scale_colour(1 - double(i) / (steps - 1));
    scale.rgba.insert(scale.rgba.end(), {c.red, c.green, c.blue, 255});
  }
  canvas.image(box, scale, false);
  canvas.frame(box, kFrameColour, 0.15);
  for (const Tick& tick : ticks_of(bar.axis())) {
    const double y = box.bottom() - bar.axis().share(tick.at) * box.height;
    canvas.line({box.right(), y}, {box.right() + 0.8, y}, kFrameColour, 0.15);
    canvas.text({box.right() + 1.5, y}, tick.label, {.points = bar.points});
  }
}

}  // namespace espalier
