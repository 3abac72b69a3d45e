#pragma once
/// Columns of tables as curves over another column: training logs, and accuracy against size.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "plot/axes.h"
#include "plot/picture.h"
#include "plot/table.h"

namespace espalier {

struct CurveOptions : PictureOptions {
  std::string x;                     ///< column; empty: the first of the first table
  std::vector<std::string> y;        ///< columns; empty: all that hold numbers
  Scale scale = Scale::automatic;    ///< of y; automatic: logarithmic for losses that span decades, else linear
  Scale x_scale = Scale::automatic;  ///< automatic: linear
};

/// One column of one table. Places without a number are left out and interrupt the line.
struct Curve {
  std::size_t table;         ///< whose it is
  std::size_t part;          ///< place of the label among the panel's labels
  std::vector<double> x, y;  ///< of equal length; NaN where there is nothing
};

struct CurvePanel {
  std::string title;                ///< of one part: the name of its column
  std::string column;               ///< the first
  std::vector<std::string> labels;  ///< of the parts
  std::vector<Curve> curves;
  bool is_loss = false;
};

/// Which columns go into which panel: training, validation and test accuracy into one, their losses likewise, and the
/// shares that sparsify logs, where there is one table only; every other column has a panel of its own. In the order
/// accuracy, loss, shares, rate, others as they stand. Throws what NumberTable::at does for columns that were named,
/// and for x.
std::vector<CurvePanel> curve_panels(std::span<const NumberTable>, const CurveOptions&);

/// Several tables have a colour each and a legend of their names; the parts of a panel have a colour each where there
/// is one table, and a pattern of dashes where there are several. Curves of up to 40 points show them as dots.
/// DataError where there is nothing to draw; UsageError where the width leaves no room.
std::vector<std::uint8_t> draw_curves(std::span<const NumberTable>, const CurveOptions&, const Control& = {});

}  // namespace espalier
