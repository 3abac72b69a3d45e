#pragma once
/// Which colour every sample gets, and the key to it.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "plot/legend.h"

namespace espalier {

struct Colouring {
  std::vector<Colour> colours;       ///< N
  std::vector<std::int32_t> groups;  ///< N: place of the sample's class among the classes that occur; -1: unknown
  std::vector<LegendEntry> entries;  ///< of the groups, in order, and of the unknown ones, where there are any, last
  std::size_t group_count = 0;
  std::optional<ColourBar> bar;
};

/// By class. Where every class that occurs has a name, the palette is that of all named classes, so that a class keeps
/// its colour in a subset; else that of the classes that occur.
Colouring colour_by_class(std::span<const std::int32_t> labels, std::span<const std::string> names);

/// By a number, from its least to its greatest finite value.
Colouring colour_by_value(std::span<const float> values, const std::string& name);

Colouring one_colour(std::size_t n);

}  // namespace espalier
