#include "plot/palette.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace espalier {

namespace {

using Triple = std::array<double, 3>;
using Mixer = std::array<Triple, 3>;

constexpr std::size_t kMostColours = 256;

constexpr std::array<Colour, 8> kOkabeIto = {{{0x00, 0x72, 0xB2},
                                              {0xE6, 0x9F, 0x00},
                                              {0x00, 0x9E, 0x73},
                                              {0xD5, 0x5E, 0x00},
                                              {0x56, 0xB4, 0xE9},
                                              {0xCC, 0x79, 0xA7},
                                              {0x00, 0x00, 0x00},
                                              {0xF0, 0xE4, 0x42}}};

/// What follows the first six above from nine classes on: brown, indigo, lime, wine.
constexpr std::array<Colour, 4> kFourMore = {
    {{0x6B, 0x3A, 0x00}, {0x44, 0x33, 0xA8}, {0xBC, 0xD3, 0x5F}, {0x8C, 0x0F, 0x50}}};

constexpr std::array<Colour, 10> kViridis = {{{0x44, 0x01, 0x54},
                                              {0x48, 0x28, 0x78},
                                              {0x3E, 0x49, 0x89},
                                              {0x31, 0x68, 0x8E},
                                              {0x26, 0x82, 0x8E},
                                              {0x1F, 0x9E, 0x89},
                                              {0x35, 0xB7, 0x79},
                                              {0x6D, 0xCD, 0x59},
                                              {0xB4, 0xDE, 0x2C},
                                              {0xFD, 0xE7, 0x25}}};

constexpr Mixer kDeuteranope = {
    {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}}};
constexpr Mixer kProtanope = {
    {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}}};
constexpr Mixer kToXyz = {
    {{0.4124564, 0.3575761, 0.1804375}, {0.2126729, 0.7151522, 0.0721750}, {0.0193339, 0.1191920, 0.9503041}}};

Triple multiply(const Mixer& m, const Triple& v) {
  Triple out{};
  for (int i = 0; i < 3; ++i) out[i] = m[i][0] * v[0] + m[i][1] * v[1] + m[i][2] * v[2];
  return out;
}

/// The sRGB transfer curve, IEC 61966-2-1, both ways.
double to_linear(std::uint8_t c) {
  const double s = c / 255.0;
  return s <= 0.04045 ? s / 12.92 : std::pow((s + 0.055) / 1.055, 2.4);
}

std::uint8_t from_linear(double x) {
  const double v = std::clamp(x, 0.0, 1.0);
  return std::uint8_t(std::lround(255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * std::pow(v, 1 / 2.4) - 0.055)));
}

Triple linear(Colour c) { return {to_linear(c.red), to_linear(c.green), to_linear(c.blue)}; }

/// A colour in the eyes of the three kinds of readers.
struct Seen {
  Colour colour;
  std::array<Lab, 3> views;
};

Seen see(Colour c) {
  return {c, {to_lab(c), to_lab(as_seen(c, Vision::deuteranope)), to_lab(as_seen(c, Vision::protanope))}};
}

/// The reader who tells them apart worst. Dichromats have a plane of colours where others have a space, so their
/// distances are short from the start: without the factor they alone would choose, and normal eyes get blues in a row.
double distance(const Seen& a, const Seen& b) {
  return std::min({lab_distance(a.views[0], b.views[0]), 1.8 * lab_distance(a.views[1], b.views[1]),
                   1.8 * lab_distance(a.views[2], b.views[2])});
}

/// Colours that read on white: neither pale, nor nearly black, nor grey, nor glaring.
std::vector<Seen> candidates() {
  std::vector<Seen> out;
  for (int r = 0; r < 256; r += 15)
    for (int g = 0; g < 256; g += 15)
      for (int b = 0; b < 256; b += 15) {
        const Colour c{std::uint8_t(r), std::uint8_t(g), std::uint8_t(b)};
        const Lab lab = to_lab(c);
        const double chroma = std::hypot(lab[1], lab[2]);
        if (lab[0] >= 22 && lab[0] <= 85 && chroma >= 25 && chroma <= 80) out.push_back(see(c));
      }
  return out;
}

/// Adds the colour farthest from all that are there until there are `classes`.
void extend(std::vector<Colour>& palette, std::size_t classes) {
  const std::vector<Seen> pool = candidates();
  std::vector<double> nearest(pool.size(), std::numeric_limits<double>::infinity());
  const auto take = [&](const Seen& taken) {
    for (std::size_t i = 0; i < pool.size(); ++i) nearest[i] = std::min(nearest[i], distance(pool[i], taken));
  };
  take(see(kUnlabelledColour));
  take(see(kWhite));
  for (const Colour& c : palette) take(see(c));
  while (palette.size() < classes) {
    const auto best = std::max_element(nearest.begin(), nearest.end()) - nearest.begin();
    palette.push_back(pool[std::size_t(best)].colour);
    take(pool[std::size_t(best)]);
  }
}

}  // namespace

std::vector<Colour> class_palette(std::size_t classes) {
  std::vector<Colour> palette;
  if (classes <= kOkabeIto.size()) {
    palette.assign(kOkabeIto.begin(), kOkabeIto.begin() + std::ptrdiff_t(classes));
    return palette;
  }
  palette.assign(kOkabeIto.begin(), kOkabeIto.begin() + 6);
  palette.insert(palette.end(), kFourMore.begin(), kFourMore.end());
  if (classes > palette.size()) extend(palette, std::min(classes, kMostColours));
  for (std::size_t i = palette.size(); i < classes; ++i) palette.push_back(palette[i - kMostColours]);
  palette.resize(classes);
  return palette;
}

Colour scale_colour(double t) {
  const double place = std::clamp(t, 0.0, 1.0) * double(kViridis.size() - 1);
  const std::size_t i = std::min(std::size_t(place), kViridis.size() - 2);
  return mix(kViridis[i], kViridis[i + 1], place - double(i));
}

Lab to_lab(Colour c) {
  constexpr Triple white = {0.95047, 1.0, 1.08883};
  Triple f = multiply(kToXyz, linear(c));
  for (int i = 0; i < 3; ++i) {
    const double x = f[i] / white[i];
    f[i] = x > 216.0 / 24389 ? std::cbrt(x) : (24389.0 / 27 * x + 16) / 116;
  }
  return {116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])};
}

double lab_distance(const Lab& a, const Lab& b) { return std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]); }

Colour as_seen(Colour c, Vision vision) {
  if (vision == Vision::normal) return c;
  const Triple seen = multiply(vision == Vision::deuteranope ? kDeuteranope : kProtanope, linear(c));
  return {from_linear(seen[0]), from_linear(seen[1]), from_linear(seen[2])};
}

Colour mix(Colour a, Colour b, double t) {
  const auto blend = [t](std::uint8_t x, std::uint8_t y) { return std::uint8_t(std::lround(x + (y - x) * t)); };
  return {blend(a.red, b.red), blend(a.green, b.green), blend(a.blue, b.blue)};
}

}  // namespace espalier
