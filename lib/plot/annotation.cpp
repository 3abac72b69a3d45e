#include "plot/annotation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>

#include "plot/placement.h"

namespace espalier {

namespace {

constexpr double kWidest = 0.6;  // of the box; longer names are cut
constexpr double kEdge = 0.8;    // mm from the frame
constexpr double kHalo = 0.45;   // mm around letters

double text_height(double points) { return points * kPoint * 1.05; }

Box centred(const Place& at, double width, double height) {
  return {at.x - width / 2, at.y - height / 2, width, height};
}

/// Spots of each class that occurs.
std::vector<std::vector<Spot>> spots_by_group(std::span<const Spot> spots, const Colouring& colouring) {
  std::vector<std::vector<Spot>> groups(colouring.group_count);
  for (std::size_t i = 0; i < spots.size(); ++i)
    if (colouring.groups[i] >= 0) groups[std::size_t(colouring.groups[i])].push_back(spots[i]);
  return groups;
}

/// Of each sample: its share of its class, so that a name's box can be asked how much of the classes it hides.
std::vector<float> class_shares(const Colouring& colouring, std::span<const std::vector<Spot>> groups) {
  std::vector<float> shares;
  for (const std::int32_t g : colouring.groups) shares.push_back(g < 0 ? 0 : 1 / float(groups[std::size_t(g)].size()));
  return shares;
}

/// The free place that costs least: to hide a whole class costs 1, to leave the spot 0.03 and 0.006 per mm, at most
/// 30 mm; away from the spot hiding costs twice, so that a name stands on its points or clear of them.
std::optional<Box> best_place(const Annotation& name, const TakenSpace& taken, const WeightTable& shares) {
  constexpr double leaving = 0.03, hiding_outside = 2, cost_per_mm = 0.006, step = 2.5;
  constexpr int rings = 12, directions = 12;
  std::optional<Box> best;
  double least = std::numeric_limits<double>::infinity();
  const auto consider = [&](const Box& box, double distance) {
    const double hidden = shares.within(box);
    const double cost = distance > 0 ? leaving + hiding_outside * hidden + cost_per_mm * distance : hidden;
    if (cost >= least || !taken.is_free(box)) return;
    least = cost;
    best = box;
  };
  consider(name.box, 0);
  for (int ring = 1; ring <= rings && ring * step * cost_per_mm < least; ++ring)
    for (int d = 0; d < directions; ++d) {
      const double angle = 2 * std::numbers::pi * d / directions;
      const double x = name.anchor.x + std::cos(angle) * (ring * step + name.box.width / 2);
      const double y = name.anchor.y + std::sin(angle) * (ring * step + name.box.height / 2);
      consider(centred({x, y}, name.box.width, name.box.height), ring * step);
    }
  return best;
}

/// Shifted by as little as brings it inside.
Box moved_inside(Box box, const Box& inside) {
  box.x = std::clamp(box.x, inside.x, std::max(inside.x, inside.right() - box.width));
  box.y = std::clamp(box.y, inside.y, std::max(inside.y, inside.bottom() - box.height));
  return box;
}

}  // namespace

std::vector<Annotation> name_classes(std::span<const Spot> spots, const Colouring& colouring, const Box& box,
                                     double points) {
  const Box inside = box.inset(kEdge);
  const std::vector<std::vector<Spot>> groups = spots_by_group(spots, colouring);
  const WeightTable shares(spots, class_shares(colouring, groups), box);
  std::vector<Annotation> names;
  for (std::size_t g = 0; g < groups.size() && g < colouring.entries.size(); ++g) {
    const Place anchor = densest_place(groups[g], box);
    const std::string text = shortened(colouring.entries[g].name, kWidest * box.width, points);
    const Box at = centred(anchor, text_width(text, points, true), text_height(points));
    names.push_back({text, moved_inside(at, inside), anchor, g});
  }
  // Those that hide little where they are choose first: the others are better off beside their points anyway.
  std::stable_sort(names.begin(), names.end(), [&](const Annotation& a, const Annotation& b) {
    return shares.within(a.box) < shares.within(b.box);
  });
  TakenSpace taken(inside);
  std::vector<Annotation> placed;
  for (Annotation& name : names)
    if (const std::optional<Box> place = best_place(name, taken, shares)) {
      taken.take(*place);
      placed.push_back({std::move(name.text), *place, name.anchor, name.item});
    }
  return placed;
}

std::vector<Annotation> name_samples(std::span<const Spot> spots, std::span<const std::string> names, const Box& box,
                                     double points) {
  constexpr double gap = 0.8, air = 0.5;  // mm from the point, and between names
  const double height = text_height(points);
  TakenSpace taken(box.inset(kEdge));
  /// Right of the point, left, above, below.
  const auto places = [&](const Place& p, double width) {
    const double aside = gap + width / 2, up = gap + height / 2;
    return std::array<Box, 4>{centred({p.x + aside, p.y}, width, height), centred({p.x - aside, p.y}, width, height),
                              centred({p.x, p.y - up}, width, height), centred({p.x, p.y + up}, width, height)};
  };
  const auto free_place = [&](const Place& p, double width) -> std::optional<Box> {
    for (const Box& place : places(p, width))
      if (taken.is_free(place)) return place;
    return std::nullopt;
  };
  std::vector<Annotation> placed;
  for (std::size_t i = 0; i < spots.size(); ++i) {
    const Place p{spots[i].x, spots[i].y};
    const Box dot = centred(p, 0.1, 0.1);
    // Most samples of a large map are turned away here, before their names are measured.
    if (names[i].empty() || !taken.is_free(dot) || !free_place(p, height)) continue;
    const std::string text = shortened(names[i], kWidest * box.width, points);
    const std::optional<Box> place = free_place(p, text_width(text, points));
    if (!place) continue;
    taken.take(place->inset(-air));
    taken.take(dot);
    placed.push_back({text, *place, p, i});
  }
  return placed;
}

void draw_annotations(Canvas& canvas, std::span<const Annotation> annotations, double points, bool bold) {
  for (const Annotation& a : annotations) {
    const Box text = a.box.inset(-0.5);
    const Place end{std::clamp(a.anchor.x, text.x, text.right()), std::clamp(a.anchor.y, text.y, text.bottom())};
    if (std::hypot(end.x - a.anchor.x, end.y - a.anchor.y) > 1) canvas.line(a.anchor, end, kInk, 0.15);
  }
  for (const Annotation& a : annotations)
    canvas.text(a.box.centre(), a.text, {.points = points, .bold = bold, .align = Align::centre, .halo = kHalo});
}

}  // namespace espalier
