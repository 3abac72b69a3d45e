#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <functional>

#include "base/error.h"
#include "base/parallel.h"
#include "base/random.h"
#include "import/codec.h"
#include "import/images.h"
#include "import_files.h"
#include "import_making.h"

using namespace espalier;

namespace {

/// A picture with a different value everywhere.
Picture gradient(std::size_t width, std::size_t height, std::size_t channels) {
  Picture p{width, height, channels, {}};
  for (std::size_t i = 0; i < width * height * channels; ++i) p.pixels.push_back(std::uint8_t(i * 7 % 251));
  return p;
}

/// A smooth picture, which JPEG keeps well.
Picture smooth(std::size_t width, std::size_t height, std::size_t channels) {
  Picture p{width, height, channels, {}};
  for (std::size_t y = 0; y < height; ++y)
    for (std::size_t x = 0; x < width; ++x)
      for (std::size_t c = 0; c < channels; ++c) p.pixels.push_back(std::uint8_t(60 + 3 * x + 2 * y + 20 * c));
  return p;
}

int worst(const Picture& a, const std::vector<std::uint8_t>& b) {
  int most = a.pixels.size() == b.size() ? 0 : 999;
  for (std::size_t i = 0; i < a.pixels.size() && most < 999; ++i)
    most = std::max(most, std::abs(int(a.pixels[i]) - int(b[i])));
  return most;
}

Gathered read_folder(const PictureFolder& folder, const PictureOptions& options = {}, const Control& control = {}) {
  return gather(read_pictures(folder.training, folder.has_labels, options, control), 3);
}

}  // namespace

TEST_CASE("PNG of every form gives the values in the file, whatever its gamma") {
  const auto decode = [](const std::string& bytes) { return decode_picture("a.png", bytes); };
  for (bool interlaced : {false, true}) {
    const Picture rgb = gradient(13, 11, 3);
    const Picture got = decode(png_bytes(13, 11, {PNG_COLOR_TYPE_RGB, 8, interlaced}, rgb.pixels));
    CHECK_EQ(got.channels, 3);
    CHECK_EQ(got.width, 13);
    CHECK_EQ(got.pixels, rgb.pixels);
  }
  const Picture grey = gradient(5, 4, 1);
  CHECK_EQ(decode(png_bytes(grey)).pixels, grey.pixels);
  CHECK_EQ(decode(png_bytes(2, 1, {PNG_COLOR_TYPE_GRAY, 16, false}, {7, 99, 200, 255})).pixels,
           std::vector<std::uint8_t>{7, 200});
  CHECK_EQ(decode(png_bytes(4, 1, {PNG_COLOR_TYPE_GRAY, 1, false}, {0xa0})).pixels,
           std::vector<std::uint8_t>{255, 0, 255, 0});
  CHECK_EQ(decode(png_bytes(2, 1, {PNG_COLOR_TYPE_PALETTE, 2, false}, {0xd0})).pixels,
           std::vector<std::uint8_t>{10, 11, 12, 4, 5, 6});
  CHECK_EQ(decode(png_bytes(1, 2, {PNG_COLOR_TYPE_RGBA, 8, false}, {1, 2, 3, 0, 4, 5, 6, 255})).pixels,
           std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6});
  CHECK_EQ(decode(png_bytes(1, 2, {PNG_COLOR_TYPE_GRAY_ALPHA, 8, false}, {1, 0, 4, 255})).pixels,
           std::vector<std::uint8_t>{1, 4});
}

TEST_CASE("JPEG in grey, colour and CMYK is read near its values") {
  const Picture grey = smooth(20, 9, 1), rgb = smooth(20, 9, 3), ink = smooth(20, 9, 4);
  CHECK_LE(worst(grey, decode_picture("a.jpg", jpeg_bytes(grey, JCS_GRAYSCALE)).pixels), 2);
  CHECK_LE(worst(rgb, decode_picture("a.jpg", jpeg_bytes(rgb, JCS_RGB)).pixels), 8);
  const Picture got = decode_picture("a.jpg", jpeg_bytes(ink, JCS_CMYK));
  REQUIRE_EQ(got.channels, 3);
  // libjpeg marks its CMYK as Adobe's: light, not ink.
  for (std::size_t i = 0; i < 180; i += 17)
    for (std::size_t c = 0; c < 3; ++c)
      CHECK(std::abs(int(got.pixels[3 * i + c]) - ink.pixels[4 * i + c] * ink.pixels[4 * i + 3] / 255) <= 4);
}

TEST_CASE("a JPEG that claims more pixels than its bytes can hold is refused before memory is taken") {
  std::string bytes = jpeg_bytes(smooth(16, 16, 1), JCS_GRAYSCALE);
  const std::size_t frame = bytes.find("\xff\xc0");  // then length, precision, height, width
  REQUIRE(frame != std::string::npos);
  bytes[frame + 5] = bytes[frame + 7] = '\x3f';
  CHECK_THROWS_WITH_AS(decode_picture("a.jpg", bytes), doctest::Contains("claims 16144 x 16144 pixels in"), DataError);
}

TEST_CASE("PGM and PPM are read in bytes, in decimal, in 16 bits and with comments") {
  const auto decode = [](const std::string& bytes) { return decode_picture("a.pgm", bytes).pixels; };
  using Bytes = std::vector<std::uint8_t>;
  CHECK_EQ(decode("P5\n# a comment\n3 1 255\n\1\2\3"), Bytes{1, 2, 3});
  CHECK_EQ(decode("P2 3 1 15 0 5 15"), Bytes{0, 85, 255});
  CHECK_EQ(decode("P3\n1 1\n255\n9 8 7\n"), Bytes{9, 8, 7});
  CHECK_EQ(decode("P6 1 1 255 abc"), Bytes{'a', 'b', 'c'});
  CHECK_EQ(decode(std::string("P5 2 1 65535 \xff\xff\x80\x00", 17)), Bytes{255, 128});
  for (const char* bad : {"P5 3 1 255 \1\2", "P5 0 1 255 ", "P2 1 1 15 16", "P5 99999999 99999999 255 x",
                          "P2 2 1 9 1 x", "P5 2 2 70000 abcd", "P5"})
    CHECK_THROWS_AS(decode(bad), DataError);
}

TEST_CASE("shrinking averages the area, growing is linear between centres") {
  const Picture p{4, 2, 1, {0, 10, 20, 30, 40, 50, 60, 70}};
  CHECK_EQ(resize(p, 2, 1).pixels, std::vector<std::uint8_t>{25, 45});
  CHECK_EQ(resize(p, 4, 2).pixels, p.pixels);
  // Thirds: the middle pixel covers half of the second and half of the third.
  CHECK_EQ(resize(Picture{4, 1, 1, {0, 30, 60, 90}}, 3, 1).pixels, std::vector<std::uint8_t>{8, 45, 83});
  CHECK_EQ(resize(Picture{2, 1, 1, {0, 100}}, 4, 1).pixels, std::vector<std::uint8_t>{0, 25, 75, 100});
  const Picture flat{7, 5, 3, std::vector<std::uint8_t>(105, 200)};
  for (std::size_t w : {1, 3, 7, 20})
    for (std::size_t h : {1, 4, 11}) CHECK_EQ(resize(flat, w, h).pixels, std::vector<std::uint8_t>(w * h * 3, 200));
}

TEST_CASE("colours turn grey by their luma, and grey into three equal colours") {
  CHECK_EQ(to_grey(Picture{4, 1, 3, {255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9}}).pixels,
           std::vector<std::uint8_t>{76, 150, 29, 9});
  CHECK_EQ(to_color(Picture{2, 1, 1, {5, 6}}).pixels, std::vector<std::uint8_t>{5, 5, 5, 6, 6, 6});
}

TEST_CASE("hostile images end in a DataError") {
  const std::string files[] = {
      png_bytes(gradient(9, 7, 3)), png_bytes(6, 5, {PNG_COLOR_TYPE_RGB, 8, true}, gradient(6, 5, 3).pixels),
      jpeg_bytes(smooth(16, 8, 3), JCS_RGB), "P5 4 3 255 " + std::string(12, '\7'), "P3 2 1 255 1 2 3 4 5 6"};
  for (const std::string& bytes : files) {
    const auto survives = [](const std::string& mutated) {
      try {
        const Picture p = decode_picture("mutant", mutated);
        return p.pixels.size() == p.width * p.height * p.channels;
      } catch (const DataError& error) {
        return std::string(error.what()).rfind("mutant: ", 0) == 0;
      }
    };
    for (std::size_t size = 0; size < bytes.size(); ++size) REQUIRE(survives(bytes.substr(0, size)));
    const Random random(11, bytes.size());
    for (std::size_t i = 0; i < 600; ++i) {
      std::string mutated = bytes;
      for (std::size_t j = 0; j <= i % 3; ++j)
        mutated[random.below(8 * i + 2 * j, bytes.size())] = char(random.below(8 * i + 2 * j + 1, 256));
      CAPTURE(i);
      REQUIRE(survives(mutated));
    }
  }
  // The header of 60,000 x 60,000 pixels with nothing behind it.
  std::string huge = png_bytes(gradient(1, 1, 1));
  CHECK_THROWS_AS(decode_picture("a", huge.substr(0, 40)), DataError);
}

TEST_CASE("a truncated JPEG is refused, not filled with grey") {
  const std::string bytes = jpeg_bytes(smooth(64, 64, 3), JCS_RGB);
  CHECK_NOTHROW(decode_picture("a.jpg", bytes));
  for (std::size_t cut : {2, 20, 200, 1000})
    CHECK_THROWS_AS(decode_picture("a.jpg", bytes.substr(0, bytes.size() - cut)), DataError);
}

TEST_CASE("folders of classes give labels in natural order and ids below the folder") {
  TemporaryFolder at;
  for (const char* name : {"c10/b.png", "c2/img10.png", "c2/img9.PNG", "c2/.hidden.png", "c2/notes.txt", ".git/x.png"})
    at.write(name, png_bytes(gradient(3, 2, 1)));
  ClassTable classes;
  const PictureFolder folder = list_pictures(at.path, "", classes);
  Gathered got = read_folder(folder);
  CHECK_EQ(got.ids, std::vector<std::string>{"c2/img9.PNG", "c2/img10.png", "c10/b.png"});
  CHECK_EQ(classes.resolve(got.labels), std::vector<std::string>{"c2", "c10"});
  CHECK_EQ(got.labels, std::vector<std::int32_t>{0, 0, 1});
  CHECK_EQ(got.header.shape, std::vector<std::size_t>{1, 2, 3});
  CHECK(folder.test.empty());
}

TEST_CASE("train and test folders are two parts with one set of classes") {
  TemporaryFolder at;
  const std::string image = png_bytes(gradient(2, 2, 3));
  for (const char* name : {"train/a/1.png", "train/b/1.png", "val/b/2.png"}) at.write(name, image);
  ClassTable classes;
  const PictureFolder folder = list_pictures(at.path, "", classes);
  REQUIRE_EQ(folder.training.size(), 2);
  REQUIRE_EQ(folder.test.size(), 1);
  CHECK_EQ(folder.test[0].label, folder.training[1].label);
  // C x H x W: all red values first.
  const Gathered got = read_folder(folder);
  const Picture p = gradient(2, 2, 3);
  CHECK_EQ(got.bytes[1], p.pixels[3]);
  CHECK_EQ(got.bytes[4], p.pixels[1]);
}

TEST_CASE("TinyImageNet's layout gives training and validation with the names of words.txt") {
  TemporaryFolder at;
  const std::string image = jpeg_bytes(smooth(8, 8, 3), JCS_RGB);
  at.write("wnids.txt", "n02\nn01\n");
  at.write("words.txt", "n00\tnothing\nn01\tgoldfish, Carassius\nn02\tfire tree\n");
  at.write("train/n01/images/n01_0.JPEG", image);
  at.write("train/n02/images/n02_0.JPEG", image);
  at.write("val/images/val_0.JPEG", image);
  at.write("val/val_annotations.txt", "val_0.JPEG\tn01\t0\t0\t62\t62\n");
  at.write("test/images/test_0.JPEG", image);
  ClassTable classes;
  const PictureFolder folder = list_pictures(at.path, "", classes);
  REQUIRE_EQ(folder.training.size(), 2);
  REQUIRE_EQ(folder.test.size(), 1);
  CHECK_EQ(folder.training[0].label, 1);
  CHECK_EQ(folder.test[0].label, 1);
  std::vector<std::int32_t> none;
  CHECK_EQ(classes.resolve(none), std::vector<std::string>{"fire tree", "goldfish, Carassius"});
  at.write("val/images/val_1.JPEG", image);
  CHECK_THROWS_WITH_AS(list_pictures(at.path, "", classes), doctest::Contains("does not name"), DataError);
}

TEST_CASE("a pattern takes the class from the file name, numbers in order of size") {
  TemporaryFolder at;
  for (const char* name : {"obj10__0.png", "obj2__0.png", "obj2__5.png"}) at.write(name, png_bytes(gradient(2, 2, 1)));
  ClassTable classes;
  Gathered got = read_folder(list_pictures(at.path, "obj([0-9]+)__", classes));
  CHECK_EQ(classes.resolve(got.labels), std::vector<std::string>{"2", "10"});
  CHECK_EQ(got.labels, std::vector<std::int32_t>{0, 0, 1});
  CHECK_THROWS_AS(list_pictures(at.path, "obj[0-9]+", classes), UsageError);
  CHECK_THROWS_AS(list_pictures(at.path, "obj([0-9", classes), UsageError);
  CHECK_THROWS_WITH_AS(list_pictures(at.path, "ape([0-9])", classes), doctest::Contains("obj2__0.png"), DataError);
}

TEST_CASE("images that differ are named both, or brought to one size and colour") {
  TemporaryFolder at;
  at.write("a.png", png_bytes(gradient(4, 4, 1)));
  at.write("b.png", png_bytes(gradient(4, 3, 3)));
  ClassTable classes;
  const PictureFolder folder = list_pictures(at.path, "", classes);
  CHECK_THROWS_WITH_AS(read_folder(folder), doctest::Contains("a.png is 4 x 4"), DataError);
  PictureOptions options;
  options.size = ImageSize{2, 2};
  CHECK_THROWS_WITH_AS(read_folder(folder, options), doctest::Contains("a.png is grey"), DataError);
  for (const auto& [color, channels] : {std::pair{Color::grey, 1u}, std::pair{Color::rgb, 3u}}) {
    options.color = color;
    CHECK_EQ(read_folder(folder, options).header.shape, std::vector<std::size_t>{channels, 2, 2});
  }
}

TEST_CASE("a broken image is named, or passed over with a note on request") {
  TemporaryFolder at;
  at.write("1.png", "not an image");
  at.write("2.png", png_bytes(gradient(2, 2, 1)));
  at.write("3.png", png_bytes(gradient(2, 2, 1)).substr(0, 50));
  at.write("4.png", png_bytes(gradient(2, 2, 1)));
  at.write("5.png", "");
  ClassTable classes;
  const PictureFolder folder = list_pictures(at.path, "", classes);
  CHECK_THROWS_WITH_AS(read_folder(folder), doctest::Contains("1.png"), DataError);
  PictureOptions options;
  options.skip_broken = true;
  std::vector<std::string> notes;
  Control control;
  control.note = [&](std::string_view text) { notes.emplace_back(text); };
  CHECK_EQ(read_folder(folder, options, control).ids, std::vector<std::string>{"2.png", "4.png"});
  CHECK_EQ(notes.size(), 3);
  std::vector<PictureFile> broken{folder.training[0], folder.training[4]};
  CHECK_THROWS_AS(read_pictures(broken, false, options, {}), DataError);
}

TEST_CASE("images are the same with 1, 2 and 4 threads") {
  TemporaryFolder at;
  for (int i = 0; i < 9; ++i)
    at.write(fmt::format("{}.jpg", i), jpeg_bytes(smooth(std::size_t(9 + i), 12, 3), JCS_RGB));
  ClassTable classes;
  const PictureFolder folder = list_pictures(at.path, "", classes);
  PictureOptions options;
  options.size = ImageSize{10, 10};
  const int before = threads();
  set_threads(1);
  const Gathered one = read_folder(folder, options);
  for (int count : {2, 4}) {
    set_threads(count);
    CHECK_EQ(read_folder(folder, options).bytes, one.bytes);
  }
  set_threads(before);
}
