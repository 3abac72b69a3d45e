#include "plot/colouring.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace espalier {

Colouring colour_by_class(std::span<const std::int32_t> labels, std::span<const std::string> names) {
  std::vector<std::int32_t> classes;
  for (const std::int32_t label : labels)
    if (label >= 0) classes.push_back(label);
  std::sort(classes.begin(), classes.end());
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  const bool named = !classes.empty() && std::size_t(classes.back()) < names.size();
  const std::vector<Colour> palette = class_palette(named ? names.size() : classes.size());

  Colouring out;
  out.group_count = classes.size();
  for (std::size_t g = 0; g < classes.size(); ++g) {
    const auto label = std::size_t(classes[g]);
    out.entries.push_back({palette[named ? label : g], named ? names[label] : fmt::format("{}", label)});
  }
  for (const std::int32_t label : labels) {
    const auto at = std::lower_bound(classes.begin(), classes.end(), label) - classes.begin();
    out.groups.push_back(label < 0 ? -1 : std::int32_t(at));
    out.colours.push_back(label < 0 ? kUnlabelledColour : out.entries[std::size_t(at)].colour);
  }
  if (std::find(out.groups.begin(), out.groups.end(), -1) != out.groups.end())
    out.entries.push_back({kUnlabelledColour, "unlabelled"});
  return out;
}

Colouring colour_by_value(std::span<const float> values, const std::string& name) {
  double least = std::numeric_limits<double>::infinity(), most = -least;
  for (const float v : values)
    if (std::isfinite(v)) {
      least = std::min<double>(least, v);
      most = std::max<double>(most, v);
    }
  Colouring out;
  for (const float v : values) {
    out.groups.push_back(std::isfinite(v) ? 0 : -1);
    out.colours.push_back(std::isfinite(v) ? scale_colour(most > least ? (v - least) / (most - least) : 0.5)
                                           : kUnlabelledColour);
  }
  if (least <= most) {
    out.group_count = 1;
    out.bar = ColourBar{name, least, most};
  }
  return out;
}

Colouring one_colour(std::size_t n) {
  Colouring out;
  out.colours.assign(n, class_palette(1)[0]);
  out.groups.assign(n, 0);
  out.group_count = 1;
  return out;
}

}  // namespace espalier
