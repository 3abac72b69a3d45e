#include <doctest/doctest.h>
#include <png.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "base/random.h"
#include "plot/scatter.h"

using namespace espalier;

namespace {

using Bytes = std::vector<std::uint8_t>;

struct Example {
  std::vector<Matrix> maps;
  std::vector<std::int32_t> labels;
  std::vector<std::string> names;
  ScatterInput input;
  ScatterOptions options;
};

/// Classes in separate heaps; small, so that tests are fast.
void fill(Example& e, std::size_t n, int classes, std::size_t dimensions, std::size_t panels) {
  const Random random(3, 0);
  e.labels.resize(n);
  e.maps.assign(panels, Matrix(n, dimensions));
  for (std::size_t i = 0; i < n; ++i) {
    e.labels[i] = std::int32_t(i % std::size_t(classes));
    for (Matrix& m : e.maps)
      for (std::size_t d = 0; d < dimensions; ++d)
        m(i, d) = float((d ? e.labels[i] / 3 : e.labels[i] % 3) * 10 + random.normal(i * 8 + d));
  }
  for (const Matrix& m : e.maps) e.input.panels.push_back({&m, ""});
  e.input.labels = e.labels;
  e.options.width = 60;
  e.options.dpi = 100;
}

struct Picture {
  unsigned width = 0, height = 0;
  Bytes rgba;
  std::size_t count(Colour c) const {
    std::size_t n = 0;
    for (std::size_t i = 0; i < rgba.size(); i += 4)
      n += rgba[i] == c.red && rgba[i + 1] == c.green && rgba[i + 2] == c.blue && rgba[i + 3] == 255;
    return n;
  }
};

Picture decoded(const Bytes& png) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  REQUIRE(png_image_begin_read_from_memory(&image, png.data(), png.size()));
  image.format = PNG_FORMAT_RGBA;
  Picture picture{image.width, image.height, Bytes(PNG_IMAGE_SIZE(image))};
  REQUIRE(png_image_finish_read(&image, nullptr, picture.rgba.data(), 0, nullptr));
  return picture;
}

bool contains(const Bytes& bytes, const std::string& text) {
  return std::search(bytes.begin(), bytes.end(), text.begin(), text.end()) != bytes.end();
}

}  // namespace

TEST_CASE("a PNG has the size asked for, in pixels and in millimetres") {
  Example e;
  fill(e, 100, 3, 2, 1);
  e.options.width = 50.8;
  e.options.height = 25.4;
  const Bytes png = draw_scatter(e.input, e.options);
  const Bytes signature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  CHECK(std::equal(signature.begin(), signature.end(), png.begin()));
  const Picture picture = decoded(png);
  CHECK(picture.width == 200);
  CHECK(picture.height == 100);
  CHECK(contains(png, std::string("pHYs\0\0\x0F\x61\0\0\x0F\x61\1", 13)));  // 3937 per metre = 100 per inch
}

TEST_CASE("the height follows from the shape of the map, within bounds, unless it is given") {
  const auto height_over_width = [](float stretch, double height) {
    Example e;
    fill(e, 100, 3, 2, 1);
    for (std::size_t i = 0; i < 100; ++i) e.maps[0](i, 1) = stretch * float(i);
    for (std::size_t i = 0; i < 100; ++i) e.maps[0](i, 0) = float(i * 37 % 100);
    e.options.legend = LegendPlace::none;
    e.options.height = height;
    const Picture picture = decoded(draw_scatter(e.input, e.options));
    return double(picture.height) / picture.width;
  };
  CHECK(height_over_width(1, 0) == doctest::Approx(1).epsilon(0.02));
  CHECK(height_over_width(0.5, 0) < 0.6);
  CHECK(height_over_width(0.5, 60) == doctest::Approx(1).epsilon(0.02));
  CHECK(height_over_width(0, 0) > 0.2);
  CHECK(height_over_width(50, 0) < 1.5);
}

TEST_CASE("every class's colour is on the map") {
  for (const int classes : {2, 8, 10, 20}) {
    Example e;
    fill(e, 600, classes, 2, 1);
    e.options.opacity = 1;
    e.options.legend = LegendPlace::none;
    const Picture picture = decoded(draw_scatter(e.input, e.options));
    for (const Colour& c : class_palette(std::size_t(classes))) {
      CAPTURE(classes);
      CHECK(picture.count(c) > 10);
    }
  }
}

TEST_CASE("unlabelled points lie below the others, in grey") {
  Example e;
  fill(e, 400, 1, 2, 1);
  for (Matrix& m : e.maps)
    for (std::size_t i = 0; i < m.size(); ++i) m.data()[i] = 1;  // all on one spot
  for (std::size_t i = 0; i < 400; ++i) e.labels[i] = i % 2 ? -1 : 0;
  e.options.opacity = 1;
  e.options.point_size = 5;
  e.options.legend = LegendPlace::none;
  const Picture picture = decoded(draw_scatter(e.input, e.options));
  CHECK(picture.count(class_palette(1)[0]) > 100);
  CHECK(picture.count(kUnlabelledColour) == 0);
  e.options.legend = LegendPlace::right;
  CHECK(decoded(draw_scatter(e.input, e.options)).count(kUnlabelledColour) > 5);
}

TEST_CASE("no class hides another of the same extent") {
  Example e;
  fill(e, 4000, 2, 2, 1);
  const Random random(9, 0);
  for (std::size_t i = 0; i < e.maps[0].size(); ++i) e.maps[0].data()[i] = float(random.uniform(i));
  std::sort(e.labels.begin(), e.labels.end());
  e.options.opacity = 1;
  e.options.point_size = 3;
  e.options.legend = LegendPlace::none;
  const Picture picture = decoded(draw_scatter(e.input, e.options));
  const double first = double(picture.count(class_palette(2)[0])), second = double(picture.count(class_palette(2)[1]));
  CHECK(first / (first + second) > 0.4);
  CHECK(first / (first + second) < 0.6);
}

TEST_CASE("the same input gives the same bytes, again and with 1, 2 and 4 threads") {
  Example e;
  fill(e, 500, 12, 2, 3);
  e.options.title = "Three maps";
  e.options.thumbnails = true;
  e.options.thumbnail_size = 5;
  e.input.images =
      ImageSource{3, 4, 4, 500, [](std::size_t sample, float* out) { std::fill_n(out, 48, float(sample % 256)); }};
  for (const PictureFormat format : {PictureFormat::png, PictureFormat::svg, PictureFormat::pdf})
    for (const int limit : {100, 100000}) {
      e.options.format = format;
      e.options.vector_limit = limit;
      const Bytes first = draw_scatter(e.input, e.options);
      const int before = threads();
      for (const int count : {1, 2, 4}) {
        set_threads(count);
        CHECK(draw_scatter(e.input, e.options) == first);
      }
      set_threads(before);
      CHECK_FALSE(contains(first, "Date"));
    }
}

TEST_CASE("SVG and PDF carry the title, SVG as well-formed text") {
  Example e;
  fill(e, 50, 3, 2, 1);
  e.options.title = "Digits & <letters>";
  e.options.format = PictureFormat::svg;
  const Bytes svg = draw_scatter(e.input, e.options);
  CHECK(contains(svg, "<title>Digits &amp; &lt;letters&gt;</title>"));
  CHECK(contains(svg, "</svg>"));
  e.options.format = PictureFormat::pdf;
  const Bytes pdf = draw_scatter(e.input, e.options);
  CHECK(contains(pdf, "%PDF-1."));
  CHECK(contains(pdf, "Digits & <letters>"));
  CHECK(contains(pdf, "%%EOF"));
}

TEST_CASE("many points become an image in SVG, few stay vectors") {
  Example e;
  fill(e, 300, 3, 2, 1);
  e.options.format = PictureFormat::svg;
  e.options.vector_limit = 300;
  CHECK_FALSE(contains(draw_scatter(e.input, e.options), "data:image/png"));
  e.options.vector_limit = 299;
  CHECK(contains(draw_scatter(e.input, e.options), "data:image/png"));
}

TEST_CASE("a transparent picture has no background, a white one no transparency") {
  Example e;
  fill(e, 30, 3, 2, 1);
  CHECK(decoded(draw_scatter(e.input, e.options)).rgba[3] == 255);
  CHECK(decoded(draw_scatter(e.input, e.options)).rgba[0] == 255);
  e.options.transparent = true;
  CHECK(decoded(draw_scatter(e.input, e.options)).rgba[3] == 0);
}

TEST_CASE("one, two and three dimensions, values, names on the map and thumbnails all draw") {
  for (const std::size_t dimensions : {1, 2, 3}) {
    Example e;
    fill(e, 200, 5, dimensions, 2);
    e.names = {"a", "b", "c\xFF", std::string(300, 'w'), ""};
    e.input.names = e.names;
    e.options.annotate = true;
    e.options.thumbnails = true;
    e.options.thumbnail_size = 4;
    e.input.images = ImageSource{1, 2, 2, 200, [](std::size_t, float* out) { std::fill_n(out, 4, 0.5f); }};
    CHECK(decoded(draw_scatter(e.input, e.options)).count({128, 128, 128}) > 100);
    const std::vector<float> values(200, 2.5f);
    e.input.values = values;
    e.options.opacity = 1;
    e.options.point_size = 2;
    e.options.thumbnails = false;
    e.options.view.elevation = 90;
    CHECK(decoded(draw_scatter(e.input, e.options)).count(scale_colour(0.5)) > 100);
  }
}

TEST_CASE("one sample and identical samples are drawn") {
  for (const std::size_t n : {1, 50}) {
    Example e;
    fill(e, n, 1, 2, 1);
    e.maps[0] = Matrix(n, 2, 7.0f);
    e.options.opacity = 1;
    e.options.point_size = 3;
    e.options.legend = LegendPlace::none;
    CHECK(decoded(draw_scatter(e.input, e.options)).count(class_palette(1)[0]) > 50);
  }
}

TEST_CASE("what cannot be drawn is refused as bad data") {
  Example e;
  fill(e, 10, 2, 2, 1);
  CHECK_THROWS_AS(draw_scatter(ScatterInput{}, {}), DataError);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()})
    for (const std::size_t dimensions : {1, 2, 3}) {
      Matrix m(10, dimensions, 1.0f);
      m(7, dimensions - 1) = bad;
      CHECK_THROWS_AS(draw_scatter({.panels = {{&m, ""}}}, {}), DataError);
    }
  const Matrix empty(0, 2), columnless(5, 0);
  CHECK_THROWS_AS(draw_scatter({.panels = {{&empty, ""}}}, {}), DataError);
  CHECK_THROWS_AS(draw_scatter({.panels = {{&columnless, ""}}}, {}), DataError);
  const std::vector<std::int32_t> labels(9, 0);
  CHECK_THROWS_AS(draw_scatter({.panels = e.input.panels, .labels = labels}, {}), DataError);
  const std::vector<float> values(11, 0);
  CHECK_THROWS_AS(draw_scatter({.panels = e.input.panels, .values = values}, {}), DataError);
  ScatterOptions pictures;
  pictures.thumbnails = true;
  CHECK_THROWS_AS(draw_scatter(e.input, pictures), DataError);
}

TEST_CASE("a picture too small for its panels, or too large for a PNG, is refused as a wrong option") {
  Example e;
  fill(e, 10, 2, 2, 4);
  CHECK_THROWS_AS(draw_scatter(e.input, {{.width = 20, .columns = 4}}), UsageError);
  CHECK_THROWS_AS(draw_scatter(e.input, {{}, 12}), UsageError);
  CHECK_THROWS_AS(draw_scatter(e.input, {{.width = 2000, .dpi = 2400}}), UsageError);
}
