#pragma once
/// Maps of samples as a picture: one panel per map, coloured by class or by a number.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "plot/picture.h"
#include "plot/projection.h"
#include "plot/thumbnails.h"
#include "tensor/matrix.h"

namespace espalier {

enum class LegendPlace { automatic, right, below, none };

/// Lengths in mm on paper.
struct ScatterOptions : PictureOptions {
  double height = 0;                            ///< of the picture, to 2000; 0: follows from the shape of the maps
  LegendPlace legend = LegendPlace::automatic;  ///< automatic: right of one column of panels if names fit, else below
  bool annotate = false;      ///< class names where their samples are densest, and no automatic legend
  bool ids = false;           ///< names of samples at their points, as many as find room
  double point_size = 0;      ///< diameter, to 20; 0: from the number of points and the area they occupy
  double opacity = 0;         ///< of a point, to 1; 0: likewise
  bool thumbnails = false;    ///< images of samples on the map
  double thumbnail_size = 7;  ///< their longer side, 1 to 100
  int vector_limit = 20000;   ///< panels with more points store them as pixels in SVG and PDF
  View view{};                ///< of three-dimensional maps
};

struct Panel {
  const Matrix* coordinates = nullptr;  ///< N x m, m = 1, 2 or 3 (the first three of more)
  std::string title;
};

/// Colours come from `values` where there are any, else from `labels`; with neither all points have one colour.
struct ScatterInput {
  std::vector<Panel> panels;               ///< all of the same N
  std::span<const std::int32_t> labels{};  ///< N or none; below 0: unlabelled, drawn in grey below the others
  std::span<const std::string> names{};    ///< of class 0, 1, ...; may be fewer: then classes go by number
  std::span<const float> values{};         ///< N or none; NaN or infinity: unknown, as unlabelled
  std::string value_name{};                ///< above the colour bar
  std::optional<ImageSource> images{};     ///< for thumbnails
  std::span<const std::string> ids{};      ///< N or none
};

/// The bytes of the picture file; the same for the same input and fonts. Throws DataError for no panel, no samples,
/// coordinates that are not finite, and lengths that disagree; UsageError where legend and titles leave no room.
/// Cost: O(N) per panel plus the area of the points in pixels.
std::vector<std::uint8_t> draw_scatter(const ScatterInput&, const ScatterOptions&, const Control& = {});

}  // namespace espalier
