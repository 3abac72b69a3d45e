#pragma once
/// Axes with numbers on them: ranges, ticks, frame and grid.

#include <string>
#include <vector>

#include "plot/canvas.h"

namespace espalier {

/// A range of numbers along a line, evenly spaced in x or in log x.
struct Axis {
  double least = 0, most = 1;  ///< logarithmic: above 0
  bool logarithmic = false;

  /// Where x stands: 0 at `least`, 1 at `most`; 0.5 in a range of no length.
  double share(double x) const;
};

enum class Scale { automatic, linear, logarithmic };

/// An axis for the finite ones of these numbers (0, or from 1e-30 to 1e30 in size), with a little room at both ends. A
/// linear one begins at 0 where all are positive and the least is below a quarter of the greatest. `automatic` is
/// linear. A logarithmic axis holds the positive numbers only; without any, it is linear.
Axis axis_over(const std::vector<double>&, Scale);

/// True where all finite numbers are positive, there are some, and the greatest is at least 20 times the least.
bool spans_decades(const std::vector<double>&);

/// A round number series within [least, most], 3 to 7 of them, steps 1, 2 or 5 times a power of ten.
std::vector<double> round_ticks(double least, double most);

struct Tick {
  double at;
  std::string label;
};

/// Linear: round_ticks. Logarithmic: powers of ten, every second, third... of them where there are more than 7; 1, 2
/// and 5 times those where there are fewer than 3; round_ticks where even these are fewer than 2.
std::vector<Tick> ticks_of(const Axis&);

/// "0.25", "1e-5", "6400", "270.896k", "1.5M", "41G": at most 6 digits.
std::string tick_label(double);

/// Both axes of a panel and the name of x, in text of this size; y is named by the panel's title.
struct AxesStyle {
  Axis x, y;
  std::string x_name;
  double points = 7;
};

/// The room in mm that numbers and names take left of the panel and below it.
double axes_left(const AxesStyle&);
double axes_below(const AxesStyle&);

/// Frame, grid, numbers, and the name of x below them. Ticks of x whose numbers would touch the one before go
/// unnumbered.
void draw_axes(Canvas&, const Box&, const AxesStyle&);

}  // namespace espalier
