#pragma once
/// The coordinates in which scores are computed, and how far single precision can lead them astray.

#include <cstddef>
#include <vector>

#include "base/control.h"
#include "neighbors/rows.h"

namespace espalier {

/// Rounding error of a score x.y - |x|^2/2 - |y|^2/2 in single precision over d places, in units of |x|^2 + |y|^2: d
/// roundings of the sum in the worst case, the rest for coordinates that were rotated in single precision, whose errors
/// grow like sqrt(d).
double score_slack(std::size_t d);

/// Added to every slack: covers what underflows.
inline constexpr double kTinySlack = 1e-30;

/// The power of two that brings a length to about 2^39: scores neither overflow nor vanish, whatever the data's scale.
double score_scale(double length);

/// Column means, summed by chunks of rows in double precision.
std::vector<double> column_means(const PreparedRows&);

/// Coordinates with the distances of the rows, times scale, but for rounding within score_slack.
struct Frame {
  Matrix coordinates;  ///< N x d, most spread first
  double scale;
  Matrix leading{};  ///< the first three principal component scores; empty where rows were not rotated
};

/// Rotated to principal components where that costs less than it saves, else centred with the columns in order of
/// variance. Rows must be dense.
Frame spread_first(const PreparedRows&, const Control&);

}  // namespace espalier
