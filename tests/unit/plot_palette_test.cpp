#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <vector>

#include "plot/palette.h"

using namespace espalier;

namespace {

double least_distance(const std::vector<Colour>& colours, Vision vision) {
  double least = 1e9;
  for (std::size_t i = 0; i < colours.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      least = std::min(least, lab_distance(to_lab(as_seen(colours[i], vision)), to_lab(as_seen(colours[j], vision))));
  return least;
}

}  // namespace

TEST_CASE("CIELAB of the sRGB primaries is the published one") {
  const auto near = [](Colour c, double l, double a, double b) {
    const Lab lab = to_lab(c);
    CHECK(lab[0] == doctest::Approx(l).epsilon(0.001));
    CHECK(std::abs(lab[1] - a) < 0.1);
    CHECK(std::abs(lab[2] - b) < 0.1);
  };
  near({255, 255, 255}, 100, 0, 0);
  near({255, 0, 0}, 53.24, 80.09, 67.20);
  near({0, 255, 0}, 87.73, -86.18, 83.18);
  near({0, 0, 255}, 32.30, 79.19, -107.86);
}

TEST_CASE("greys look the same to everyone, red and green do not") {
  const Colour grey{128, 128, 128};
  CHECK(lab_distance(to_lab(grey), to_lab(as_seen(grey, Vision::deuteranope))) < 1);
  CHECK(lab_distance(to_lab(grey), to_lab(as_seen(grey, Vision::protanope))) < 1);
  const Colour red{200, 60, 40}, green{110, 110, 40};
  CHECK(lab_distance(to_lab(red), to_lab(green)) > 50);
  CHECK(lab_distance(to_lab(as_seen(red, Vision::deuteranope)), to_lab(as_seen(green, Vision::deuteranope))) < 15);
}

TEST_CASE("up to ten classes stay apart in normal, deuteranope and protanope eyes") {
  for (std::size_t n = 2; n <= 10; ++n) {
    CAPTURE(n);
    CHECK(least_distance(class_palette(n), Vision::normal) > 26);
    CHECK(least_distance(class_palette(n), Vision::deuteranope) > 16.5);
    CHECK(least_distance(class_palette(n), Vision::protanope) > 16.5);
  }
}

TEST_CASE("more classes get distinct colours that are no grey and no white") {
  struct Case {
    unsigned classes;
    double normal, dichromat;
  };
  for (const Case& c : {Case{20, 26, 14}, Case{40, 17, 9}}) {
    CAPTURE(c.classes);
    CHECK(least_distance(class_palette(c.classes), Vision::normal) > c.normal);
    CHECK(least_distance(class_palette(c.classes), Vision::deuteranope) > c.dichromat);
    CHECK(least_distance(class_palette(c.classes), Vision::protanope) > c.dichromat);
  }
  for (const std::size_t n : {11, 20, 40, 200}) {
    CAPTURE(n);
    std::vector<Colour> colours = class_palette(n);
    REQUIRE(colours.size() == n);
    CHECK(least_distance(colours, Vision::normal) > 2);
    for (const Colour& c : colours) {
      CHECK(lab_distance(to_lab(c), to_lab(kUnlabelledColour)) > 10);
      CHECK(lab_distance(to_lab(c), to_lab(kWhite)) > 20);
    }
  }
  CHECK(class_palette(0).empty());
  CHECK(class_palette(1000).size() == 1000);
}

TEST_CASE("the colour scale rises evenly in lightness and is clamped") {
  double before = to_lab(scale_colour(0))[0];
  for (int i = 1; i <= 50; ++i) {
    const double lightness = to_lab(scale_colour(i / 50.0))[0];
    CHECK(lightness > before);
    CHECK(lightness - before < 3);
    before = lightness;
  }
  CHECK(scale_colour(-1) == scale_colour(0));
  CHECK(scale_colour(2) == scale_colour(1));
}
