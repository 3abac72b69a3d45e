#pragma once
/// Colours that stay apart for most readers, colour-blind ones included.

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace espalier {

/// sRGB, 8 bits each.
struct Colour {
  std::uint8_t red = 0, green = 0, blue = 0;
  bool operator==(const Colour&) const = default;
};

inline constexpr Colour kWhite{255, 255, 255};
inline constexpr Colour kInk{38, 38, 38};             ///< text
inline constexpr Colour kFrameColour{150, 150, 150};  ///< panel frames
inline constexpr Colour kUnlabelledColour{196, 196, 196};

/// One colour per class. Up to 8 classes: Okabe and Ito (jfly.uni-koeln.de/color, 2008), the weak yellow last. Up to
/// 10: their first six and four more, at least 26 apart in CIELAB, 17 for a deuteranope. More: those ten, each further
/// colour the one that is farthest from all before it, as normal, deuteranope and protanope eyes see them (after
/// Glasbey et al., Color Research and Application 32, 2007). Cost: classes^2 / 2 + 5,000 * classes distances. Beyond
/// 256 classes the colours repeat.
std::vector<Colour> class_palette(std::size_t classes);

/// The viridis scale (van der Walt and Smith, 2015, public domain) at t in [0, 1], clamped: lightness rises evenly, so
/// it also reads in grey.
Colour scale_colour(double t);

/// CIELAB (D65) coordinates L, a, b.
using Lab = std::array<double, 3>;
Lab to_lab(Colour);
double lab_distance(const Lab&, const Lab&);  ///< Euclidean: CIE76

/// How an eye without one kind of cone sees a colour: Machado, Oliveira and Fernandes, IEEE TVCG 15, 2009, severity 1.
enum class Vision { normal, deuteranope, protanope };
Colour as_seen(Colour, Vision);

/// t parts of `b` in `a`, in sRGB.
Colour mix(Colour a, Colour b, double t);

}  // namespace espalier
