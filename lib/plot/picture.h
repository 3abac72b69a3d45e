#pragma once
/// What every picture has, whatever it shows: format, size, title.

#include <string>

#include "base/control.h"
#include "plot/canvas.h"

namespace espalier {

inline constexpr double kMargin = 2;          ///< mm of white around everything
inline constexpr double kRow = 1.5 * kPoint;  ///< mm, height of a line of text per point of its size

/// Lengths in mm on paper; text in points (1/72 inch).
struct PictureOptions {
  PictureFormat format = PictureFormat::png;
  double width = 160;        ///< of the picture, 20 to 2000
  double dpi = 300;          ///< pixels per inch of PNG, and of what is stored as pixels in SVG and PDF; 20 to 2400
  int columns = 0;           ///< panels side by side, to 100; 0: by their number
  bool transparent = false;  ///< no white background
  double text_size = 8;      ///< points, 4 to 40
  std::string title{};       ///< above the panels
};

/// The size in points of what is less important: captions, numbers.
double small_text(const PictureOptions&);

/// The page that a picture of this height is drawn on. Before memory is taken, SystemError (71) where what a pixel of a
/// PNG takes, as measured, and `beside` bytes are more than what is free; UsageError where it is too large at all.
Page page_of(const PictureOptions&, double height, const Control&, double beside = 0);

/// The height that the title takes below the upper margin; 0 without one.
double title_height(const PictureOptions&);
void draw_title(Canvas&, const PictureOptions&);

}  // namespace espalier
