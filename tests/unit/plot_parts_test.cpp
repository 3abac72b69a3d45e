#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "plot/annotation.h"
#include "plot/colouring.h"
#include "plot/dots.h"
#include "plot/legend.h"
#include "plot/placement.h"
#include "plot/projection.h"
#include "plot/thumbnails.h"

using namespace espalier;

namespace {

Matrix cloud(std::size_t n, std::size_t dimensions) {
  Matrix m(n, dimensions);
  const Random random(7, dimensions);
  for (std::size_t i = 0; i < m.size(); ++i) m.data()[i] = float(random.normal(i) * 3 + 5);
  return m;
}

Flat lay_out_one_lane(const Matrix& m, const Box& box, const View& view = {}) {
  return lay_out(m, box, view, std::vector<std::int32_t>(m.rows(), 0), 1);
}

bool holds(const Box& box, const Spot& s) {
  return s.x >= box.x - 1e-3 && s.x <= box.right() + 1e-3 && s.y >= box.y - 1e-3 && s.y <= box.bottom() + 1e-3;
}

std::vector<LegendEntry> entries_named(std::size_t n, const std::string& stem) {
  std::vector<LegendEntry> entries;
  for (std::size_t i = 0; i < n; ++i) entries.push_back({Colour{}, stem + std::to_string(i)});
  return entries;
}

}  // namespace

TEST_CASE("a plane keeps its proportions, up is up, and it fills the box in one direction") {
  const Matrix m = cloud(500, 2);
  const Box box{10, 20, 60, 40};
  const Flat flat = lay_out_one_lane(m, box);
  const double scale = (flat.spots[1].x - flat.spots[0].x) / (m(1, 0) - m(0, 0));
  float top = 1e9f, bottom = -1e9f;
  for (std::size_t i = 0; i < m.rows(); ++i) {
    CHECK(holds(box, flat.spots[i]));
    CHECK(flat.spots[i].x - flat.spots[0].x == doctest::Approx(scale * (m(i, 0) - m(0, 0))).epsilon(1e-3));
    CHECK(flat.spots[0].y - flat.spots[i].y == doctest::Approx(scale * (m(i, 1) - m(0, 1))).epsilon(1e-3));
    top = std::min(top, flat.spots[i].y);
    bottom = std::max(bottom, flat.spots[i].y);
  }
  CHECK(bottom - top == doctest::Approx(box.height).epsilon(1e-3));
}

TEST_CASE("seen from above, space is the plane turned; from the side, height is up") {
  Matrix m(3, 3, 0.0f);
  m(1, 0) = 1;  // along the first axis
  m(2, 2) = 1;  // up
  const Box box{0, 0, 10, 10};
  const Flat above = lay_out_one_lane(m, box, {.azimuth = -90, .elevation = 90});
  CHECK(above.spots[1].x > above.spots[0].x + 1);
  CHECK(above.spots[2].x == doctest::Approx(above.spots[0].x));
  CHECK(above.spots[2].near > above.spots[0].near);
  const Flat side = lay_out_one_lane(m, box, {.azimuth = -90, .elevation = 0});
  CHECK(side.spots[2].y < side.spots[0].y - 1);
  CHECK(side.edges.size() == 12);
}

TEST_CASE("every view of a space stays in the box, its depth in 0 to 1") {
  const Matrix m = cloud(300, 3);
  const Box box{3, 4, 50, 50};
  for (const double azimuth : {-170.0, -60.0, 0.0, 33.0, 120.0})
    for (const double elevation : {-90.0, -20.0, 0.0, 45.0, 90.0}) {
      const Flat flat = lay_out_one_lane(m, box, {azimuth, elevation});
      CHECK(std::all_of(flat.spots.begin(), flat.spots.end(),
                        [&](const Spot& s) { return holds(box, s) && s.near >= 0 && s.near <= 1; }));
    }
}

TEST_CASE("lanes of a line do not mix, and the coordinate keeps its order") {
  const Matrix m = cloud(400, 1);
  std::vector<std::int32_t> lanes(m.rows());
  for (std::size_t i = 0; i < lanes.size(); ++i) lanes[i] = std::int32_t(i % 4);
  const Box box{0, 0, 100, 40};
  const Flat flat = lay_out(m, box, {}, lanes, 4);
  for (std::size_t i = 0; i < m.rows(); ++i) {
    CHECK(int(flat.spots[i].y / 10) == lanes[i]);
    CHECK((flat.spots[i].x < flat.spots[0].x) == (m(i, 0) < m(0, 0)));
  }
}

TEST_CASE("identical points land in the middle") {
  for (const std::size_t dimensions : {1, 2, 3}) {
    const Flat flat = lay_out_one_lane(Matrix(5, dimensions, 3.5f), {0, 0, 10, 10});
    for (const Spot& s : flat.spots) CHECK(s.x == doctest::Approx(5));
  }
}

TEST_CASE("the order of drawing is a permutation, the same every time, and mixes") {
  const std::vector<std::uint32_t> order = shuffled(1000);
  CHECK(order == shuffled(1000));
  std::vector<std::uint32_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (std::uint32_t i = 0; i < 1000; ++i) CHECK(sorted[i] == i);
  double first_half = 0;
  for (std::size_t i = 0; i < 500; ++i) first_half += order[i];
  CHECK(std::abs(first_half / 500 - 500) < 50);
}

TEST_CASE("more points on the same ground are drawn smaller, then fainter") {
  const Box box{0, 0, 100, 100};
  double radius_before = 100;
  float opacity_before = 1;
  for (const std::size_t n : {50, 2000, 100000, 1000000}) {
    std::vector<Spot> spots(n);
    const Random random(1, 1);
    for (std::size_t i = 0; i < n; ++i)
      spots[i] = {float(100 * random.uniform(2 * i)), float(100 * random.uniform(2 * i + 1)), 1};
    const double radius = dot_radius(spots, box);
    std::vector<float> opacities = dot_opacities(spots, box, radius, 0.25);
    std::nth_element(opacities.begin(), opacities.begin() + std::ptrdiff_t(n / 2), opacities.end());
    CHECK(radius < radius_before);
    CHECK(opacities[n / 2] <= opacity_before + 0.02f);
    radius_before = radius;
    opacity_before = opacities[n / 2];
  }
}

TEST_CASE("a dense heap of points is deeper in colour than one ten times sparser, and neither is full or gone") {
  const Box box{0, 0, 100, 100};
  std::vector<Spot> spots;
  const Random random(2, 2);
  for (std::size_t i = 0; i < 110000; ++i) {
    const float middle = i < 100000 ? 25 : 75;
    spots.push_back(
        {middle + float(10 * (random.uniform(2 * i) - 0.5)), 50 + float(10 * (random.uniform(2 * i + 1) - 0.5)), 1});
  }
  const double radius = dot_radius(spots, box);
  const std::vector<float> opacities = dot_opacities(spots, box, radius, 0.25);
  std::vector<Dot> dots;
  for (std::size_t i = 0; i < spots.size(); ++i)
    dots.push_back({spots[i].x, spots[i].y, float(radius), {}, std::uint8_t(std::lround(255 * opacities[i]))});
  const Raster raster = rasterise(dots, box, 8);
  const auto depth = [&](double x) {  // mean alpha of the heap around (x, 50)
    double sum = 0;
    for (std::size_t row = 47 * 8; row < 53 * 8; ++row)
      for (auto column = std::size_t((x - 3) * 8); column < std::size_t((x + 3) * 8); ++column)
        sum += raster.pixels.rgba[4 * (row * raster.pixels.width + column) + 3];
    return sum / (48 * 48 * 255);
  };
  CHECK(depth(25) < 0.97);
  CHECK(depth(25) > depth(75) + 0.15);
  CHECK(depth(75) > 0.2);
}

TEST_CASE("points that hardly overlap are all nearly opaque") {
  const std::vector<Spot> spots = {{10, 10, 1}, {80, 20, 1}, {50, 70, 1}, {50, 70, 1}};
  for (const float opacity : dot_opacities(spots, {0, 0, 100, 100}, 0.5, 0.25)) CHECK(opacity > 0.8f);
}

TEST_CASE("a rasterised dot covers its area, and a dot finer than a pixel keeps it by fading") {
  for (const double radius : {4.0, 1.5, 0.7, 0.2}) {
    CAPTURE(radius);
    const std::vector<Dot> dots = {{20.3f, 20.6f, float(radius), {255, 0, 0}, 255}};
    const Raster raster = rasterise(dots, {0, 0, 40, 40}, 1);
    double area = 0;
    for (std::size_t i = 3; i < raster.pixels.rgba.size(); i += 4) area += raster.pixels.rgba[i] / 255.0;
    CHECK(area == doctest::Approx(3.14159265 * radius * radius).epsilon(0.1));
  }
}

TEST_CASE("a raster lies on the page's grid of pixels and covers its box") {
  const Box box{1.03, 2.47, 10.1, 5.2};
  const double per_mm = 7;
  const Raster raster = rasterise({}, box, per_mm);
  CHECK(raster.placed.x * per_mm == doctest::Approx(std::round(raster.placed.x * per_mm)));
  CHECK(raster.placed.x <= box.x);
  CHECK(raster.placed.right() >= box.right() - 1e-9);
  CHECK(raster.pixels.width == std::size_t(std::lround(raster.placed.width * per_mm)));
}

TEST_CASE("classes keep their colours in a subset, where they have names") {
  const std::vector<std::string> names = {"a", "b", "c", "d"};
  const std::vector<std::int32_t> all = {0, 1, 2, 3}, some = {3, -1, 1};
  const Colouring full = colour_by_class(all, names), subset = colour_by_class(some, names);
  CHECK(subset.colours[0] == full.colours[3]);
  CHECK(subset.colours[1] == kUnlabelledColour);
  CHECK(subset.colours[2] == full.colours[1]);
  REQUIRE(subset.entries.size() == 3);
  CHECK(subset.entries[0].name == "b");
  CHECK(subset.entries[2].name == "unlabelled");
  const Colouring unnamed = colour_by_class(std::vector<std::int32_t>{700000, 5}, names);
  CHECK(unnamed.entries[1].name == "700000");
}

TEST_CASE("values are coloured from least to greatest, unknown ones in grey") {
  const std::vector<float> values = {2, NAN, -1, 0.5f, INFINITY};
  const Colouring c = colour_by_value(values, "size");
  CHECK(c.colours[0] == scale_colour(1));
  CHECK(c.colours[2] == scale_colour(0));
  CHECK(c.colours[3] == scale_colour(0.5));
  CHECK(c.groups[1] == -1);
  CHECK(c.groups[4] == -1);
  CHECK(c.bar.value().most == 2);
  CHECK_FALSE(colour_by_value(std::vector<float>{NAN}, "").bar.has_value());
}

TEST_CASE("a legend fits its room, however many and long its names") {
  for (const std::size_t n : {1, 2, 10, 40, 200, 3000})
    for (const std::string stem : {"", "Plasmacytoid dendritic cell (rare) "})
      for (const bool across : {false, true}) {
        CAPTURE(n);
        CAPTURE(stem);
        const LegendPlan plan = plan_legend(entries_named(n, stem), 60, 90, 8, across);
        CHECK(plan.width <= 60 + 1e-9);
        CHECK(plan.height <= 90 + 1e-9);
        CHECK(plan.points >= 5);
        CHECK(plan.columns.size() * plan.rows >= plan.entries.size());
        CHECK(plan.rest.empty() == (plan.entries.size() == n));
        for (const LegendEntry& e : plan.entries) CHECK(plan.columns.back() + text_width(e.name, plan.points) < 60);
      }
  CHECK(plan_legend(entries_named(10, ""), 60, 90, 8, false).whole);
  CHECK(plan_legend(entries_named(3000, ""), 60, 90, 8, false).rest.find("more") != std::string::npos);
  CHECK_FALSE(plan_legend(entries_named(2, std::string(200, 'x')), 60, 90, 8, false).whole);
}

TEST_CASE("a legend cuts no name that its width can hold, in one column if need be") {
  const auto promise = [](const std::vector<LegendEntry>& entries, double width, double height) {
    for (const bool across : {false, true}) {
      CAPTURE(across);
      CHECK(plan_legend(entries, width, height, 8, across).whole);
    }
  };
  promise(entries_named(12, "Plasmacytoid dendritic cell, activated "), 80, 60);
  promise(entries_named(20, "a name of middling length "), 156, 60);
  std::vector<LegendEntry> mixed = entries_named(30, "n");
  mixed[17].name = "the one long name among many that are short";
  promise(mixed, 100, 60);
}

TEST_CASE("a short name's column is narrow beside a long one's") {
  std::vector<LegendEntry> entries = entries_named(2, "x");
  entries[0].name = std::string(30, 'x');
  const LegendPlan plan = plan_legend(entries, 100, 50, 8, true);
  REQUIRE(plan.columns.size() == 2);
  CHECK(plan.width - plan.columns[1] < 0.3 * plan.columns[1]);
}

TEST_CASE("ticks are round, few, and inside") {
  const auto promise = [](double least, double most) {
    CAPTURE(least);
    CAPTURE(most);
    const std::vector<double> ticks = round_ticks(least, most);
    CHECK(ticks.size() >= 2);
    CHECK(ticks.size() <= 8);
    CHECK(ticks.front() >= least - 1e-6 * (most - least));
    CHECK(ticks.back() <= most + 1e-6 * (most - least));
  };
  promise(0, 1);
  promise(-37.2, 41);
  promise(1e-9, 3e-9);
  promise(12345, 12399);
  promise(-1e30, 1e30);
  CHECK(round_ticks(3, 3) == std::vector<double>{3});
  CHECK(round_ticks(0, 10) == std::vector<double>{0, 2, 4, 6, 8, 10});
}

TEST_CASE("text is measured in proportion to its size, and cut to a width at whole characters") {
  CHECK(text_width("espalier", 16) == doctest::Approx(2 * text_width("espalier", 8)).epsilon(0.01));
  CHECK(text_width("", 8) == 0);
  const std::string word = "Größenänderungsübersichtstafel";
  CHECK(shortened(word, 1000, 8) == word);
  for (double width = 5; width < 40; width += 1.7) {
    const std::string cut = shortened(word, width, 8);
    CHECK(text_width(cut, 8) <= width);
    CHECK(printable(cut) == cut);
  }
}

TEST_CASE("bytes that are not UTF-8 are replaced, control characters blanked") {
  CHECK(printable("tab\there\n") == "tab here ");
  CHECK(printable("Füße 你好 😀") == "Füße 你好 😀");
  CHECK(printable("a\xFF\xC0\xAF") == "a\uFFFD\uFFFD\uFFFD");
  CHECK(printable("cut \xE4\xBD") == "cut \uFFFD\uFFFD");
  CHECK(printable("\xED\xA0\x80") == "\uFFFD\uFFFD\uFFFD");  // a surrogate
}

TEST_CASE("the densest place of a class in two clusters lies in the larger, not between") {
  const Random random(4, 4);
  std::vector<Spot> spots;
  for (std::size_t i = 0; i < 1000; ++i)
    spots.push_back(
        {(i % 5 < 3 ? 20.0f : 80.0f) + float(random.normal(2 * i)), 50 + float(random.normal(2 * i + 1)), 1});
  const Place place = densest_place(spots, {0, 0, 100, 100});
  CHECK(place.x == doctest::Approx(20).epsilon(0.1));
  CHECK(place.y == doctest::Approx(50).epsilon(0.05));
}

TEST_CASE("sums of weights within boxes are those of a plain loop, where boxes begin and end with cells") {
  const Box area{3, 4, 30, 20};
  const Random random(5, 5);
  std::vector<Spot> spots;
  std::vector<float> weights;
  for (std::size_t i = 0; i < 500; ++i) {
    spots.push_back({float(3 + 30 * random.uniform(3 * i)), float(4 + 20 * random.uniform(3 * i + 1)), 1});
    weights.push_back(float(random.uniform(3 * i + 2)));
  }
  const WeightTable table(spots, weights, area);
  for (const Box box : {Box{3, 4, 30, 20}, Box{10, 9, 5, 7}, Box{8, 4, 1, 20}, Box{-50, -50, 200, 200}}) {
    double sum = 0;
    for (std::size_t i = 0; i < spots.size(); ++i)
      if (spots[i].x >= box.x && spots[i].x < box.right() && spots[i].y >= box.y && spots[i].y < box.bottom())
        sum += double(weights[i]);
    CHECK(table.within(box) == doctest::Approx(sum));
  }
}

TEST_CASE("names of classes do not overlap, lie inside, and all are there") {
  const std::size_t n = 3000;
  const Matrix m = cloud(n, 2);
  const Box box{5, 5, 120, 120};
  const Flat flat = lay_out_one_lane(m, box.inset(4));
  std::vector<std::int32_t> labels(n);
  std::vector<std::string> names(30);
  for (std::size_t i = 0; i < n; ++i) labels[i] = std::int32_t(i % 30);
  for (std::size_t c = 0; c < 30; ++c) names[c] = "a class of some length " + std::to_string(c);
  const std::vector<Annotation> placed = name_classes(flat.spots, colour_by_class(labels, names), box, 8);
  CHECK(placed.size() == 30);
  for (std::size_t i = 0; i < placed.size(); ++i) {
    const Box& b = placed[i].box;
    CHECK((b.x >= box.x && b.y >= box.y && b.right() <= box.right() && b.bottom() <= box.bottom()));
    for (std::size_t j = 0; j < i; ++j) CHECK_FALSE(b.overlaps(placed[j].box));
  }
}

TEST_CASE("a name stands on a large class and beside a small one") {
  const Random random(6, 6);
  std::vector<Spot> spots;
  std::vector<std::int32_t> labels;
  for (std::size_t i = 0; i < 2000; ++i) {
    labels.push_back(std::int32_t(i % 2));
    const float spread = i % 2 ? 1 : 30;
    spots.push_back({(i % 2 ? 80.0f : 30.0f) + spread * float(random.uniform(2 * i) - 0.5),
                     50 + spread * float(random.uniform(2 * i + 1) - 0.5), 1});
  }
  const std::vector<std::string> names = {"large", "small"};
  const std::vector<Annotation> placed = name_classes(spots, colour_by_class(labels, names), {0, 0, 100, 100}, 8);
  REQUIRE(placed.size() == 2);
  for (const Annotation& a : placed) {
    const bool on =
        a.anchor.x > a.box.x && a.anchor.x < a.box.right() && a.anchor.y > a.box.y && a.anchor.y < a.box.bottom();
    CHECK(on == (a.text == "large"));
  }
}

TEST_CASE("names of samples do not overlap, hide no named point, and the first has one") {
  const Matrix m = cloud(2000, 2);
  const Box box{0, 0, 100, 100};
  const Flat flat = lay_out_one_lane(m, box.inset(4));
  std::vector<std::string> names(2000);
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = "word" + std::to_string(i);
  names[1].clear();
  const std::vector<Annotation> placed = name_samples(flat.spots, names, box, 7);
  REQUIRE(placed.size() > 50);
  CHECK(placed[0].text == "word0");
  for (std::size_t i = 0; i < placed.size(); ++i) {
    const Box& b = placed[i].box;
    CHECK((b.x >= 0 && b.y >= 0 && b.right() <= 100 && b.bottom() <= 100));
    CHECK_FALSE(placed[i].text.empty());
    for (std::size_t j = 0; j < placed.size(); ++j) {
      if (j != i) CHECK_FALSE(b.overlaps(placed[j].box));
      const Place& p = placed[j].anchor;
      CHECK_FALSE((p.x > b.x && p.x < b.right() && p.y > b.y && p.y < b.bottom()));
    }
  }
}

TEST_CASE("thumbnails do not overlap, stay inside, and show the sample nearest to their centre") {
  const Matrix m = cloud(3000, 2);
  const Box box{5, 5, 90, 90};
  const Flat flat = lay_out_one_lane(m, box.inset(4));
  const ImageSource source{1, 20, 30, 3000, nullptr};
  const std::vector<Thumbnail> chosen = choose_thumbnails(flat.spots, box, 6, source);
  REQUIRE(chosen.size() > 20);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const Box& b = chosen[i].box;
    CHECK(b.width == doctest::Approx(6));
    CHECK(b.height == doctest::Approx(4));
    CHECK((b.x >= box.x && b.y >= box.y && b.right() <= box.right() && b.bottom() <= box.bottom()));
    for (std::size_t j = 0; j < i; ++j) CHECK_FALSE(b.overlaps(chosen[j].box));
    const auto distance = [&](const Spot& s) { return std::hypot(s.x - b.centre().x, s.y - b.centre().y); };
    const double own = distance(flat.spots[chosen[i].sample]);
    for (const Spot& s : flat.spots)
      if (std::abs(s.x - b.centre().x) < 3 && std::abs(s.y - b.centre().y) < 2) CHECK(own <= distance(s));
  }
}

TEST_CASE("images are scaled by the range of their set: bytes, shares, or whatever they hold") {
  const auto first_pixel = [](float low, float high) {
    const ImageSource source{1, 1, 2, 1, [=](std::size_t, float* out) { out[0] = low, out[1] = high; }};
    const Pixels pixels = read_thumbnails(std::vector<Thumbnail>{{0, {}}}, source)[0];
    CHECK(pixels.rgba[3] == 255);
    return std::pair<int, int>(pixels.rgba[0], pixels.rgba[4]);
  };
  CHECK(first_pixel(0, 200) == std::pair(0, 200));
  CHECK(first_pixel(0, 255) == std::pair(0, 255));
  CHECK(first_pixel(0.2f, 1) == std::pair(51, 255));
  CHECK(first_pixel(4, 16) == std::pair(64, 255));
  CHECK(first_pixel(0, 4095) == std::pair(0, 255));
  CHECK(first_pixel(-2, 3) == std::pair(0, 255));
  const ImageSource colour{3, 1, 1, 1, [](std::size_t, float* out) { out[0] = 10, out[1] = 20, out[2] = 200; }};
  const Pixels rgb = read_thumbnails(std::vector<Thumbnail>{{0, {}}}, colour)[0];
  CHECK(rgb.rgba == std::vector<std::uint8_t>{10, 20, 200, 255});
  const ImageSource two{2, 1, 1, 1, [](std::size_t, float*) {}};
  CHECK_THROWS_AS(read_thumbnails(std::vector<Thumbnail>{{0, {}}}, two), DataError);
}

TEST_CASE("a dark image stays dark among bright ones that are not shown") {
  const ImageSource source{1, 1, 1, 5000,
                           [](std::size_t sample, float* out) { out[0] = sample < 4000 ? 20.0f : 250.0f; }};
  CHECK(read_thumbnails(std::vector<Thumbnail>{{7, {}}}, source)[0].rgba[0] == 20);
  const ImageSource all_dark{1, 1, 1, 5000, [](std::size_t sample, float* out) { out[0] = sample ? 8.0f : 16.0f; }};
  CHECK(read_thumbnails(std::vector<Thumbnail>{{7, {}}}, all_dark)[0].rgba[0] == 128);
}
