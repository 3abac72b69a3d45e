#include "plot/annotation.h"

#include <algorithm>
#include <cmath>

namespace espalier {

namespace {

constexpr double kWidest = 40;  // mm; longer names are cut

double median(std::vector<float>& values) {
  const auto middle = values.begin() + std::ptrdiff_t(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::vector<Place> group_medians(std::span<const Spot> spots, const Colouring& colouring) {
  std::vector<std::vector<float>> x(colouring.group_count), y(colouring.group_count);
  for (std::size_t i = 0; i < spots.size(); ++i)
    if (colouring.groups[i] >= 0) {
      x[std::size_t(colouring.groups[i])].push_back(spots[i].x);
      y[std::size_t(colouring.groups[i])].push_back(spots[i].y);
    }
  std::vector<Place> medians;
  for (std::size_t g = 0; g < colouring.group_count; ++g) medians.push_back({median(x[g]), median(y[g])});
  return medians;
}

}  // namespace

void push_apart(std::vector<Box>& boxes, const Box& inside) {
  bool moved = true;
  for (int round = 0; moved && round < 1000; ++round) {
    moved = false;
    for (std::size_t i = 0; i < boxes.size(); ++i)
      for (std::size_t j = i + 1; j < boxes.size(); ++j) {
        Box& a = boxes[i];
        Box& b = boxes[j];
        if (!a.overlaps(b)) continue;
        const bool a_above = a.centre().y <= b.centre().y;
        const double overlap = (a_above ? a.bottom() - b.y : b.bottom() - a.y) + 1e-3;
        (a_above ? a : b).y -= overlap / 2;
        (a_above ? b : a).y += overlap / 2;
        moved = true;
      }
    for (Box& box : boxes) {
      box.x = std::clamp(box.x, inside.x, std::max(inside.x, inside.right() - box.width));
      box.y = std::clamp(box.y, inside.y, std::max(inside.y, inside.bottom() - box.height));
    }
  }
}

void annotate(Canvas& canvas, std::span<const Spot> spots, const Colouring& colouring, const Box& box, double points) {
  if (colouring.entries.empty()) return;
  const std::vector<Place> medians = group_medians(spots, colouring);
  const Box inside = box.inset(0.8);
  std::vector<std::string> names;
  std::vector<Box> boxes;
  for (std::size_t g = 0; g < medians.size(); ++g) {
    names.push_back(shortened(colouring.entries[g].name, std::min(kWidest, inside.width), points));
    const double width = text_width(names[g], points, true), height = points * kPoint * 1.05;
    boxes.push_back({medians[g].x - width / 2, medians[g].y - height / 2, width, height});
  }
  push_apart(boxes, inside);
  for (std::size_t g = 0; g < boxes.size(); ++g)
    canvas.text(boxes[g].centre(), names[g], {.points = points, .bold = true, .align = Align::centre, .halo = 0.45});
}

}  // namespace espalier
