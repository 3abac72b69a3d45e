#pragma once
/// A page to draw on, over Cairo: lengths in millimetres, x to the right, y down; PNG, SVG or PDF comes out. The same
/// calls give the same bytes: no date is stored, and nothing depends on what was drawn before.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "plot/palette.h"

namespace espalier {

enum class PictureFormat { png, svg, pdf };

struct Place {
  double x = 0, y = 0;
};

struct Box {
  double x = 0, y = 0, width = 0, height = 0;
  double right() const { return x + width; }
  double bottom() const { return y + height; }
  Place centre() const { return {x + width / 2, y + height / 2}; }
  Box inset(double d) const { return {x + d, y + d, width - 2 * d, height - 2 * d}; }
  bool overlaps(const Box& o) const { return x < o.right() && o.x < right() && y < o.bottom() && o.y < bottom(); }
};

/// Rows of RGBA, 8 bits each, colours already multiplied by alpha.
struct Pixels {
  std::size_t width = 0, height = 0;
  std::vector<std::uint8_t> rgba;
};

enum class Align { left, centre, right };

struct TextStyle {
  double points = 8;  ///< size, 1 pt = 1/72 inch
  bool bold = false;
  Align align = Align::left;
  Colour colour = kInk;
  double halo = 0;  ///< mm of white around the letters
};

inline constexpr double kPoint = 25.4 / 72;  ///< mm

/// Width in mm of a line of sans-serif text, the same for every format.
double text_width(const std::string& text, double points, bool bold = false);

/// The text itself, or its beginning and an ellipsis so that it is at most `width` mm wide.
std::string shortened(const std::string& text, double width, double points);

/// UTF-8 that Cairo accepts: malformed bytes become U+FFFD, control characters spaces.
std::string printable(const std::string& text);

struct Page {
  PictureFormat format = PictureFormat::png;
  double width = 160, height = 120;  ///< mm
  double dpi = 300;                  ///< of PNG
  bool transparent = false;
  std::string title;  ///< stored in SVG and PDF
};

/// Pixels of the page at its resolution. UsageError where a PNG would have more than 32,767 a side.
double pixels_of(const Page&);

class Canvas {
 public:
  /// UsageError as pixels_of().
  explicit Canvas(const Page&);
  ~Canvas();

  void line(Place from, Place to, Colour, double width);
  /// A line through the places, in order; `dashes`: lengths of stroke and gap in turn, none: unbroken.
  void path(std::span<const Place>, Colour, double width, std::span<const double> dashes = {});
  void frame(const Box&, Colour, double width);  ///< the line runs centred on the border
  void fill(const Box&, Colour);
  void dot(Place centre, double radius, Colour, double opacity);
  /// One line, vertically centred (by the height of capitals) on place.y.
  void text(Place, const std::string&, const TextStyle&);
  /// Stretches the image over the box; `exact` for one that falls on the page's own pixels, else it is smoothed.
  void image(const Box&, const Pixels&, bool exact);

  /// The picture file. The canvas is finished with.
  std::vector<std::uint8_t> bytes();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace espalier
