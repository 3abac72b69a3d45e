#pragma once
/// The key to the colours: classes in columns, or a bar of the colour scale.

#include <string>
#include <vector>

#include "plot/axes.h"

namespace espalier {

struct LegendEntry {
  Colour colour;
  std::string name;
  bool operator==(const LegendEntry&) const = default;
};

/// How the entries are set: in columns, each as wide as its widest name. Lengths in mm.
struct LegendPlan {
  std::vector<LegendEntry> entries;  ///< those that fit, names cut where they are too long
  std::string rest;                  ///< "and 60 more", where not all fit
  bool whole = true;                 ///< every name stands there in full
  bool across = false;               ///< entries run along rows instead of down columns
  double points = 8;
  std::size_t rows = 0;
  std::vector<double> columns;  ///< where each begins
  double row_height = 0, width = 0, height = 0;
};

/// Sets the entries within the lengths given: at `points`, then smaller down to 5 points, then with names cut, at last
/// with the first entries only and a note. `across`: in as few rows as the width allows, else in as few columns as the
/// height allows.
LegendPlan plan_legend(const std::vector<LegendEntry>&, double width, double height, double points, bool across);

void draw_legend(Canvas&, const LegendPlan&, Place top_left);

/// The colour scale upright, its name above, its numbers to the right.
struct ColourBar {
  std::string name;
  double least = 0, most = 1;
  double points = 8;
  bool logarithmic = false;
  Axis axis() const { return {least, most, logarithmic}; }
};
double colour_bar_width(const ColourBar&);
void draw_colour_bar(Canvas&, const ColourBar&, Place top_left, double height);

}  // namespace espalier
