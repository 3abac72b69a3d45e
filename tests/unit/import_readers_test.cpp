#include <doctest/doctest.h>
#include <matio.h>
#include <zlib.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>

#include "base/error.h"
#include "base/random.h"
#include "import/binary.h"
#include "import/idx.h"
#include "import/labels.h"
#include "import/mat.h"
#include "import/npy.h"
#include "import/table.h"
#include "import/words.h"
#include "import/zip.h"
#include "import_files.h"
#include "import_making.h"

using namespace espalier;

namespace {

Gathered gather(const std::string& path, const std::function<SourcePointer(ByteStream)>& reader, std::size_t most = 2) {
  return gather(reader(ByteStream::open(path)), most);
}

SourcePointer npy(ByteStream stream) { return read_npy(std::move(stream), Axes::guess, std::nullopt); }

/// Cuts the file after every byte and flips bytes by a seed: nothing but a DataError may come of it.
void expect_only_data_errors(const std::string& bytes, const std::string& suffix,
                             const std::function<void(const std::string&)>& read_all, std::size_t flips = 400) {
  TemporaryFolder folder;
  const auto survives = [&](const std::string& mutated) {
    try {
      read_all(folder.write("mutant" + suffix, mutated));
    } catch (const DataError& error) {
      return std::string(error.what()).find("mutant") != std::string::npos;
    }
    return true;
  };
  const std::size_t step = std::max<std::size_t>(1, bytes.size() / 500);
  for (std::size_t size = 0; size < bytes.size(); size += step) {
    CAPTURE(size);
    REQUIRE(survives(bytes.substr(0, size)));
  }
  REQUIRE(survives(bytes + "garbage"));
  const Random random(7, bytes.size());
  for (std::size_t i = 0; i < flips; ++i) {
    CAPTURE(i);
    std::string mutated = bytes;
    for (std::size_t j = 0; j <= i % 3; ++j)
      mutated[random.below(8 * i + 2 * j, bytes.size())] = char(random.below(8 * i + 2 * j + 1, 256));
    REQUIRE(survives(mutated));
  }
}

const std::string kTable =
    "id,a,b,kind\n"
    "r1,1,-2.5,\"oak, red\"\r\n"
    "r2,3e2,+4,\"she said \"\"ash\"\"\"\n"
    "\n"
    "r3, 5 ,.5,elm";

TableOptions named_columns() {
  TableOptions options;
  options.label = "kind";
  options.id = "id";
  return options;
}

}  // namespace

TEST_CASE("IDX images and labels are read, packed or plain, in batches of any size") {
  TemporaryFolder folder;
  const std::string images = idx_bytes(8, {3, 2, 2}, std::string("\1\2\3\4\5\6\7\10\11\12\13\14", 12));
  for (const std::string& bytes :
       {images, gzip_bytes(images), gzip_bytes(images.substr(0, 9)) + gzip_bytes(images.substr(9))})
    for (std::size_t most : {1, 2, 3, 100}) {
      const Gathered got = gather(folder.write("images", bytes), read_idx, most);
      CHECK_EQ(got.header.shape, std::vector<std::size_t>{1, 2, 2});
      CHECK(got.header.is_u8);
      CHECK_EQ(got.bytes, std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
    }
  CHECK_EQ(read_idx_labels(ByteStream::open(folder.write("labels", idx_bytes(8, {3}, std::string("\7\0\2", 3))))),
           std::vector<std::int32_t>{7, 0, 2});
}

TEST_CASE("IDX integers and floats are big-endian") {
  TemporaryFolder folder;
  const std::vector<float> expected{1, -2, 300, 4};
  const auto read = [&](char type, const std::string& values) {
    return gather(folder.write("idx", idx_bytes(type, {2, 2}, values)), read_idx).floats;
  };
  CHECK_EQ(read(0x0b, raw<std::int16_t>({1, -2, 300, 4}, true)), expected);
  CHECK_EQ(read(0x0c, raw<std::int32_t>({1, -2, 300, 4}, true)), expected);
  CHECK_EQ(read(0x0d, raw<float>({1, -2, 300, 4}, true)), expected);
  CHECK_EQ(read(0x0e, raw<double>({1, -2, 300, 4}, true)), expected);
  CHECK_EQ(read(0x09, raw<std::int8_t>({1, -2, 3, 4})), std::vector<float>{1, -2, 3, 4});
}

TEST_CASE("a size that the file cannot hold is refused before memory is taken") {
  TemporaryFolder folder;
  const auto refuse = [&](const std::string& bytes) {
    const std::string path = folder.write("huge", bytes);
    CHECK_THROWS_AS(gather(path, read_idx), DataError);
  };
  refuse(idx_bytes(8, {1, 0xffffffff, 0xffffffff}, "x"));
  refuse(idx_bytes(14, {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, "x"));
  refuse(idx_bytes(8, {0, 28, 28}, ""));
  refuse(gzip_bytes(idx_bytes(8, {1, 60000, 60000}, "x")));
  refuse(idx_bytes(8, {60000}, std::string(60000, 'x')));
  CHECK_THROWS_AS(gather(folder.write("n.npy", npy_bytes("<f8", true, "(1000000000, 1000000000)", "x")), npy),
                  DataError);
}

TEST_CASE("gzip inside gzip, bytes behind gzip, an empty file and a folder are named for what they are") {
  TemporaryFolder folder;
  const std::string inner = gzip_bytes("a,b\n1,2\n");
  CHECK_THROWS_WITH_AS(ByteStream::open(folder.write("twice", gzip_bytes(inner))),
                       doctest::Contains("gzip inside gzip"), DataError);
  CHECK_THROWS_WITH_AS(ByteStream::open(folder.write("tail", inner + "tail")), doctest::Contains("after the end"),
                       DataError);
  CHECK_NOTHROW(ByteStream::open(folder.write("padded", inner + std::string(512, '\0'))));
  CHECK_THROWS_WITH_AS(ByteStream::open(folder.write("empty", "")), doctest::Contains("empty"), DataError);
  CHECK_THROWS_WITH_AS(ByteStream::open(folder.path), doctest::Contains("directory"), SystemError);
  CHECK_THROWS_AS(ByteStream::open(folder.path + "/missing"), SystemError);
}

TEST_CASE("CIFAR records give images and the label asked for, and classes are held against their number") {
  TemporaryFolder folder;
  std::string ten, hundred;
  for (int i = 0; i < 3; ++i) {
    const std::string image(3072, char(i + 1));
    ten += char(9 - i) + image;
    hundred += std::string{char(i), char(50 + i)} + image;
  }
  const auto reader = [](CifarLabels labels) {
    return [labels](ByteStream stream) { return read_cifar(std::move(stream), labels); };
  };
  const Gathered first = gather(folder.write("ten.bin", ten), reader(CifarLabels::ten));
  CHECK_EQ(first.header.shape, std::vector<std::size_t>{3, 32, 32});
  CHECK_EQ(first.labels, std::vector<std::int32_t>{9, 8, 7});
  CHECK_EQ(first.bytes.size(), 3 * 3072u);
  CHECK_EQ(first.bytes[3072], 2);
  folder.write("hundred.bin", hundred);
  CHECK_EQ(gather(folder.path + "/hundred.bin", reader(CifarLabels::coarse)).labels,
           std::vector<std::int32_t>{0, 1, 2});
  CHECK_EQ(gather(folder.path + "/hundred.bin", reader(CifarLabels::fine)).labels,
           std::vector<std::int32_t>{50, 51, 52});
  CHECK_THROWS_WITH_AS(gather(folder.write("cut.bin", ten.substr(0, 4000)), reader(CifarLabels::ten)),
                       doctest::Contains("record 1"), DataError);
  ten[3073] = 10;
  CHECK_THROWS_WITH_AS(gather(folder.write("bad.bin", ten), reader(CifarLabels::ten)),
                       doctest::Contains("class 10 in record 1"), DataError);
}

TEST_CASE("STL-10 planes are turned from columns into rows") {
  TemporaryFolder folder;
  std::string image;
  for (int c = 0; c < 3; ++c)
    for (int x = 0; x < 96; ++x)
      for (int y = 0; y < 96; ++y) image += char((x + 2 * y + 50 * c) & 255);
  const std::string path = folder.write("train_X.bin", image);
  const Gathered got = gather(read_stl10(ByteStream::open(path), image.size()), 1);
  CHECK_EQ(got.header.shape, std::vector<std::size_t>{3, 96, 96});
  bool same = true;
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t y = 0; y < 96; ++y)
      for (std::size_t x = 0; x < 96; ++x)
        same = same && got.bytes[(c * 96 + y) * 96 + x] == ((x + 2 * y + 50 * c) & 255);
  CHECK(same);
  CHECK_THROWS_AS(read_stl10(ByteStream::open(path), image.size() - 1), DataError);
  CHECK_EQ(read_stl10_labels(ByteStream::open(folder.write("train_y.bin", "\1\12")), 2),
           std::vector<std::int32_t>{0, 9});
  CHECK_THROWS_AS(read_stl10_labels(ByteStream::open(folder.write("train_y.bin", "\1\13")), 2), DataError);
}

TEST_CASE("NPY of every number type, both byte orders, both memory orders and all versions reads alike") {
  TemporaryFolder folder;
  const auto read = [&](const std::string& bytes) { return gather(folder.write("a.npy", bytes), npy).floats; };
  const std::vector<float> expected{1, -2, 3, 4, 5, 6};
  CHECK_EQ(read(npy_bytes("<i2", false, "(3, 2)", raw<std::int16_t>({1, -2, 3, 4, 5, 6}))), expected);
  CHECK_EQ(read(npy_bytes(">i4", false, "(3, 2)", raw<std::int32_t>({1, -2, 3, 4, 5, 6}, true))), expected);
  CHECK_EQ(read(npy_bytes("<i8", true, "(3, 2)", raw<std::int64_t>({1, 3, 5, -2, 4, 6}))), expected);
  CHECK_EQ(read(npy_bytes("|i1", false, "(3, 2)", raw<std::int8_t>({1, -2, 3, 4, 5, 6}))), expected);
  CHECK_EQ(read(npy_bytes("<f4", false, "(3, 2)", raw<float>({1, -2, 3, 4, 5, 6}), 2)), expected);
  CHECK_EQ(read(npy_bytes(">f8", true, "(3, 2)", raw<double>({1, 3, 5, -2, 4, 6}, true), 3)), expected);
  CHECK_EQ(
      read(npy_bytes("<f2", false, "(3L, 2L)", raw<std::uint16_t>({0x3c00, 0xc000, 0x4200, 0x4400, 0x4500, 0x4600}))),
      expected);
  CHECK_EQ(read(npy_bytes("<u8", false, "(1, 2)", raw<std::uint64_t>({1, 1ull << 40}))),
           std::vector<float>{1, 0x1p40f});
  CHECK_EQ(read(npy_bytes("<u2", false, "(2, 1)", raw<std::uint16_t>({1, 65535}))), std::vector<float>{1, 65535});
  CHECK_EQ(gather(folder.write("b.npy", npy_bytes("|b1", false, "(1, 3)", std::string("\0\1\2", 3))), npy).bytes,
           std::vector<std::uint8_t>{0, 1, 1});
  for (const char* descr : {"|O", "<c8", "<U3", "<f16", "<M8[ns]", "", "f"})
    CHECK_THROWS_AS(read(npy_bytes(descr, false, "(3, 2)", std::string(96, '\1'))), DataError);
}

TEST_CASE("the halves of IEEE 754 have their values") {
  CHECK_EQ(half_to_float(0x3c00), 1.0f);
  CHECK_EQ(half_to_float(0x0001), 0x1p-24f);
  CHECK_EQ(half_to_float(0x83ff), -1023 * 0x1p-24f);
  CHECK_EQ(half_to_float(0x7bff), 65504.0f);
  CHECK_EQ(half_to_float(0xfc00), -std::numeric_limits<float>::infinity());
  CHECK(std::isnan(half_to_float(0x7e00)));
}

TEST_CASE("NPY images with the colours last are turned, others stay; flat ones become images on request") {
  TemporaryFolder folder;
  std::string bytes;
  for (int i = 0; i < 2 * 2 * 4 * 3; ++i) bytes += char(i);
  const std::string path = folder.write("a.npy", npy_bytes("|u1", false, "(2, 2, 4, 3)", bytes));
  const Gathered turned = gather(path, npy);
  CHECK_EQ(turned.header.shape, std::vector<std::size_t>{3, 2, 4});
  CHECK_EQ(turned.bytes[0], 0);
  CHECK_EQ(turned.bytes[1], 3);
  CHECK_EQ(turned.bytes[8], 1);
  CHECK_EQ(turned.bytes[24], 24);
  const auto first = [](ByteStream s) { return read_npy(std::move(s), Axes::as_they_are, std::nullopt); };
  CHECK_EQ(gather(path, first).header.shape, std::vector<std::size_t>{2, 4, 3});
  const auto image = [](ByteStream s) { return read_npy(std::move(s), Axes::guess, ImageSize{4, 2}); };
  const std::string flat = folder.write("flat.npy", npy_bytes("|u1", false, "(2, 24)", bytes));
  CHECK_EQ(gather(flat, image).header.shape, std::vector<std::size_t>{3, 2, 4});
  CHECK_EQ(gather(flat, image).bytes[1], 1);
  const auto wrong = [](ByteStream s) { return read_npy(std::move(s), Axes::guess, ImageSize{5, 5}); };
  CHECK_THROWS_AS(gather(flat, wrong), DataError);
}

TEST_CASE("labels in NPY are numbers or text") {
  TemporaryFolder folder;
  const auto read = [&](const std::string& bytes) {
    return read_npy_texts(ByteStream::open(folder.write("y.npy", bytes)));
  };
  CHECK_EQ(read(npy_bytes("<i8", false, "(2,)", raw<std::int64_t>({3, -1}))), std::vector<std::string>{"3", "-1"});
  CHECK_EQ(read(npy_bytes("|u1", false, "(2, 1)", "\1\2")), std::vector<std::string>{"1", "2"});
  CHECK_EQ(read(npy_bytes("|S3", false, "(2,)", std::string("ab\0cde", 6))), std::vector<std::string>{"ab", "cde"});
  CHECK_EQ(read(npy_bytes("<U2", false, "(2,)", raw<std::uint32_t>({'a', 0, 0xfc, 0x1f332}))),
           std::vector<std::string>{"a", "ü🌲"});
  CHECK_THROWS_AS(read(npy_bytes("<f4", false, "(1,)", raw<float>({0.5f}))), DataError);
}

TEST_CASE("a single number is no sample, and texts without width do not count as labels") {
  const auto stream = [](const std::string& bytes) {
    return ByteStream::from_memory("a.npy", bytes.data(), bytes.size());
  };
  const std::string scalar = npy_bytes("<f8", false, "()", std::string(8, '\0')),
                    texts = npy_bytes("<U0", false, "(1000000000000000,)", "");
  CHECK_THROWS_WITH_AS(npy(stream(scalar)), "a.npy: holds a single number: samples need two axes or more", DataError);
  CHECK_THROWS_WITH_AS(read_npy_texts(stream(texts)), "a.npy: claims 1000000000000000 texts of 0 bytes", DataError);
}

TEST_CASE("NPZ members are read stored, deflated and in zip64 form; checksums are held") {
  TemporaryFolder folder;
  const std::string a = npy_bytes("<f4", false, "(2, 2)", raw<float>({1, 2, 3, 4}));
  const std::string b = npy_bytes("|u1", false, "(200, 2)", std::string(400, '\7'));
  std::string bytes = zip_bytes({{"a.npy", a}, {"b.npy", b, true}, {"c.npy", b, true, true}});
  const std::string path = folder.write("x.npz", bytes);
  const std::vector<FilePart> members = list_zip(path);
  REQUIRE_EQ(members.size(), 3);
  CHECK_EQ(members[1].name, "b.npy");
  CHECK_EQ(gather(npy(ByteStream::open_part(path, members[0])), 1).floats, std::vector<float>{1, 2, 3, 4});
  for (std::size_t i : {1, 2})
    CHECK_EQ(gather(npy(ByteStream::open_part(path, members[i])), 9).bytes, std::vector<std::uint8_t>(400, 7));
  bytes[bytes.find(a) + a.size() - 1] ^= 1;
  folder.write("x.npz", bytes);
  CHECK_THROWS_WITH_AS(gather(npy(ByteStream::open_part(path, members[0])), 1), doctest::Contains("checksum"),
                       DataError);
}

TEST_CASE("a table's header, quotes, line ends, labels and ids are understood") {
  TemporaryFolder folder;
  for (const std::string& bytes : {kTable, gzip_bytes(kTable), "\xef\xbb\xbf" + kTable}) {
    ClassTable classes;
    const std::string path = folder.write("t.csv", bytes);
    Gathered got = gather(read_table(ByteStream::open(path), named_columns(), classes), 2);
    CHECK_EQ(got.floats, std::vector<float>{1, -2.5f, 300, 4, 5, 0.5f});
    CHECK_EQ(got.ids, std::vector<std::string>{"r1", "r2", "r3"});
    CHECK_EQ(classes.resolve(got.labels), std::vector<std::string>{"elm", "oak, red", "she said \"ash\""});
    CHECK_EQ(got.labels, std::vector<std::int32_t>{1, 2, 0});
  }
}

TEST_CASE("delimiter and header are guessed, columns go by name, number or last") {
  TemporaryFolder folder;
  const auto read = [&](const std::string& text, const std::string& label, Header header = Header::guess) {
    ClassTable classes;
    TableOptions options;
    options.label = label;
    options.header = header;
    Gathered got = gather(read_table(ByteStream::open(folder.write("t", text)), options, classes), 3);
    classes.resolve(got.labels);
    return got;
  };
  CHECK_EQ(read("1\t2\n3\t4\n", "").floats, std::vector<float>{1, 2, 3, 4});
  CHECK_EQ(read("1;2\n3;4\n", "").floats, std::vector<float>{1, 2, 3, 4});
  CHECK_EQ(read(" 1  2\n3 4 \n", "").floats, std::vector<float>{1, 2, 3, 4});
  CHECK_EQ(read("1,2,oak\n3,4,elm\n", "last").labels, std::vector<std::int32_t>{1, 0});
  CHECK_EQ(read("0,2\n3,4\n", "1", Header::yes).labels, std::vector<std::int32_t>{0});
  CHECK_EQ(read("x,y\n0,4\n5,6\n", "x").floats, std::vector<float>{4, 6});
  CHECK_EQ(read("7\n8\n", "").floats, std::vector<float>{7, 8});
  CHECK_THROWS_AS(read("x,y\n3,4\n", "z"), DataError);
  CHECK_THROWS_AS(read("x,y\n3,4\n", "3"), DataError);
  CHECK_THROWS_AS(read("x,y\n", ""), DataError);
  CHECK_THROWS_AS(read("1\n2\n", "last"), DataError);
}

TEST_CASE("what a table lacks is named by row and column") {
  TemporaryFolder folder;
  const auto fault = [&](const std::string& text, bool allow_nan = false) -> std::string {
    ClassTable classes;
    TableOptions options;
    options.allow_nan = allow_nan;
    try {
      gather(read_table(ByteStream::open(folder.write("t.csv", text)), options, classes), 3);
    } catch (const DataError& error) {
      return error.what();
    }
    return "";
  };
  const auto contains = [](const std::string& text, const std::string& part) {
    INFO(text);
    CHECK(text.find(part) != std::string::npos);
  };
  contains(fault("a,b\n1,2\n3,\n"), "row 2, column 2 (b): the value is missing");
  contains(fault("a,b\n1,2\nNA,3\n"), "row 2, column 1 (a): the value is missing");
  contains(fault("1,2\n3,oak\n"), "row 2, column 2: 'oak' is not a number");
  contains(fault("1,2\n3\n"), "1 columns in row 2, expected 2");
  contains(fault("1,1e999\n"), "not finite");
  contains(fault("1,\"2\n"), "quote in line 1");
  contains(fault("1,\"2\"3\n"), "behind a quoted field");
  contains(fault(std::string("1,2\0\n", 5)), "zero byte");
  CHECK_EQ(fault("1,2\n3,\n", true), "");
}

TEST_CASE("every float comes back from its shortest text, and the very small become small") {
  for (float x : {0.1f, 1e-45f, 3.4028235e38f, -1.17549435e-38f, 16777217.0f})
    CHECK_EQ(parse_float(fmt::format("{}", x)).value(), x);
  CHECK_EQ(parse_float("1e-60").value(), 0.0f);
  CHECK_EQ(parse_float("-1e60").value(), -std::numeric_limits<float>::infinity());
  CHECK(std::isnan(parse_float(" NA ").value()));
  for (const char* text : {"1x", "--1", "+-1", "0x10", "1,5", "one"}) CHECK_FALSE(parse_float(text).has_value());
}

TEST_CASE("word vectors are read with and without a count line, spaces in words included") {
  TemporaryFolder folder;
  const auto read = [&](const std::string& text) {
    return gather(read_words(ByteStream::open(folder.write("w.txt", text)), false), 2);
  };
  const std::string lines = "the 0.5 -1\n, 1 2\n. . . 3 4 \n5 6 7\n";
  for (const std::string& text : {lines, "4 2\n" + lines}) {
    const Gathered got = read(text);
    CHECK_EQ(got.ids, std::vector<std::string>{"the", ",", ". . .", "5"});
    CHECK_EQ(got.floats, std::vector<float>{0.5f, -1, 1, 2, 3, 4, 6, 7});
    CHECK(looks_like_words(text));
  }
  CHECK_THROWS_WITH_AS(read("the 1 2\nof 3\n"), doctest::Contains("line 2"), DataError);
  CHECK_THROWS_WITH_AS(read("5 2\n" + lines), doctest::Contains("claims 5"), DataError);
  CHECK_THROWS_AS(read("3 2\n" + lines), DataError);
  CHECK_THROWS_AS(read("the 1 nan\n"), DataError);
  CHECK_THROWS_AS(read("the 1 x\n"), DataError);
  CHECK_FALSE(looks_like_words("1,2,3\n"));
  CHECK_FALSE(looks_like_words("1 2 3\n4 5 6\n"));
}

TEST_CASE("classes named by whole numbers keep them, others are numbered in order") {
  const auto resolve = [](const std::vector<std::string>& texts, std::vector<std::int32_t>& labels) {
    ClassTable classes;
    labels = label_codes(texts, classes);
    return classes.resolve(labels);
  };
  std::vector<std::int32_t> labels;
  CHECK(resolve({"5", "0", "-1", "", "2"}, labels).empty());
  CHECK_EQ(labels, std::vector<std::int32_t>{5, 0, -1, -1, 2});
  CHECK_EQ(resolve({"10", "2", "1"}, labels), std::vector<std::string>{"1", "2", "10"});
  CHECK_EQ(labels, std::vector<std::int32_t>{2, 1, 0});
  CHECK_EQ(resolve({"1", "-1"}, labels), std::vector<std::string>{"-1", "1"});
  CHECK_EQ(resolve({"a10", "a2", "a02", "b"}, labels), std::vector<std::string>{"a02", "a2", "a10", "b"});
  CHECK_EQ(resolve({"1.5", "nan", "0"}, labels), std::vector<std::string>{"0", "1.5", "nan"});
}

TEST_CASE("labels of another number than the samples are refused, with both names") {
  TemporaryFolder folder;
  const std::string path = folder.write("t.csv", "1,2\n3,4\n5,6\n");
  ClassTable classes;
  for (std::size_t labels : {2, 4})
    CHECK_THROWS_WITH_AS(gather(attach_labels(read_table(ByteStream::open(path), {}, classes),
                                              std::vector<std::int32_t>(labels, 0), "labels.txt"),
                                2),
                         doctest::Contains("t.csv"), DataError);
  const Gathered counted = gather(count_off_labels(read_table(ByteStream::open(path), {}, classes), 1), 2);
  CHECK_EQ(counted.labels, std::vector<std::int32_t>{0, 1, 2});
  CHECK_THROWS_AS(gather(count_off_labels(read_table(ByteStream::open(path), {}, classes), 2), 2), DataError);
}

TEST_CASE("MATLAB matrices hold samples in rows or columns, arrays hold images") {
  TemporaryFolder folder;
  const std::string path = folder.path + "/a.mat";
  write_mat(path);
  const auto read = [&](const std::string& variable, SamplesIn samples, std::optional<ImageSize> image = {},
                        const std::string& label = "") {
    return read_mat(path, {variable, label, samples, image});
  };
  // faces is 16 x 3 uint8, 0 to 47 down the columns: three 4 x 4 images.
  const Gathered faces = gather(read("faces", SamplesIn::guess).source, 2);
  CHECK_EQ(faces.header.shape, std::vector<std::size_t>{1, 4, 4});
  CHECK_EQ(faces.bytes[1], 4);
  CHECK_EQ(faces.bytes[4], 1);
  CHECK_EQ(faces.bytes[16], 16);
  const Gathered rows = gather(read("faces", SamplesIn::rows).source, 2);
  CHECK_EQ(rows.header.shape, std::vector<std::size_t>{3});
  CHECK_EQ(std::vector<std::uint8_t>(rows.bytes.begin(), rows.bytes.begin() + 3), std::vector<std::uint8_t>{0, 16, 32});
  // real is 4 x 6 double, 0.5 i down the columns.
  const Gathered real = gather(read("real", SamplesIn::guess).source, 3);
  CHECK_EQ(real.header.shape, std::vector<std::size_t>{6});
  CHECK_EQ(real.floats[1], 2.0f);
  const Gathered wide = gather(read("real", SamplesIn::rows, ImageSize{3, 2}).source, 3);
  CHECK_EQ(wide.header.shape, std::vector<std::size_t>{1, 2, 3});
  CHECK_EQ(wide.floats[1], 4.0f);  // column-major: the second pixel to the right is the third value
  CHECK_EQ(wide.floats[3], 2.0f);
  MatSamples labelled = read("real", SamplesIn::guess, {}, "y");
  CHECK_EQ(labelled.labels, std::vector<std::string>{"3", "1", "2", "1"});
  // stack is 2 x 3 x 2 x 5: H x W x C x N.
  const Gathered stack = gather(read("stack", SamplesIn::guess).source, 4);
  CHECK_EQ(stack.header.shape, std::vector<std::size_t>{2, 2, 3});
  CHECK_EQ(stack.bytes[1], 2);
  CHECK_EQ(stack.bytes[3], 1);
  CHECK_EQ(stack.bytes[6], 6);
  CHECK_EQ(stack.bytes[12], 12);
  CHECK_THROWS_WITH_AS(read("", SamplesIn::guess), doctest::Contains("faces"), DataError);
  CHECK_THROWS_AS(read("nothing", SamplesIn::guess), DataError);
}

TEST_CASE("MATLAB files of versions 4, 5 and 7.3 read alike") {
  TemporaryFolder folder;
  const std::string path = folder.path + "/a.mat";
  for (mat_ft version : {MAT_FT_MAT4, MAT_FT_MAT5, MAT_FT_MAT73}) {
    CAPTURE(version);
    write_mat(path, version);
    const MatSamples real = read_mat(path, {"real", "y", SamplesIn::guess, {}});
    const Gathered got = gather(real.source, 3);
    CHECK_EQ(got.header.shape, std::vector<std::size_t>{6});
    CHECK_EQ(got.floats[1], 2.0f);
    CHECK_EQ(real.labels, std::vector<std::string>{"3", "1", "2", "1"});
    CHECK_EQ(gather(read_mat(path, {"faces", "", SamplesIn::columns, {}}).source, 2).bytes[1], 4);
  }
}

TEST_CASE("hostile IDX, CIFAR, NPY, tables and word vectors end in a message that names the file") {
  expect_only_data_errors(idx_bytes(8, {3, 2, 2}, std::string(12, '\5')), ".idx",
                          [](const std::string& path) { gather(path, read_idx); });
  expect_only_data_errors(gzip_bytes(idx_bytes(0x0e, {3, 2}, std::string(48, '\5'))), ".gz",
                          [](const std::string& path) { gather(path, read_idx); });
  expect_only_data_errors(npy_bytes("<f4", true, "(3, 2)", std::string(24, '\1')), ".npy",
                          [](const std::string& path) { gather(path, npy); });
  expect_only_data_errors(npy_bytes("<U3", false, "(2,)", std::string(24, '\1')), ".npy",
                          [](const std::string& path) { read_npy_texts(ByteStream::open(path)); });
  expect_only_data_errors(kTable, ".csv", [](const std::string& path) {
    ClassTable classes;
    gather(read_table(ByteStream::open(path), named_columns(), classes), 2);
  });
  expect_only_data_errors("2 2\nthe 0.5 -1\nof 1 2\n", ".txt",
                          [](const std::string& path) { gather(read_words(ByteStream::open(path), false), 2); });
}

TEST_CASE("hostile NPZ archives end in a message that names the file") {
  const std::string a = npy_bytes("<f4", false, "(2, 2)", raw<float>({1, 2, 3, 4}));
  const std::string bytes = zip_bytes({{"a.npy", a}, {"b.npy", a, true}, {"c.npy", a, true, true}});
  expect_only_data_errors(
      bytes, ".npz",
      [](const std::string& path) {
        for (const FilePart& member : list_zip(path)) gather(npy(ByteStream::open_part(path, member)), 2);
      },
      1000);
}

TEST_CASE("a MATLAB 4 file that claims a long name is refused before memory is taken") {
  TemporaryFolder folder;
  write_mat(folder.path + "/a.mat", MAT_FT_MAT4);
  std::string bytes = read_text(folder.path + "/a.mat");
  bytes[19] = '\x65';
  const std::string path = folder.write("b.mat", bytes);
  CHECK_THROWS_WITH_AS(read_mat(path, {}), doctest::Contains("bytes of a variable, it can hold"), DataError);
}

TEST_CASE("hostile MATLAB files end in a message that names the file") {
  TemporaryFolder folder;
  write_mat(folder.path + "/a.mat");
  expect_only_data_errors(read_text(folder.path + "/a.mat"), ".mat", [](const std::string& path) {
    for (const char* variable : {"faces", "real", "stack"})
      gather(read_mat(path, {variable, "", SamplesIn::guess, {}}).source, 2);
  });
}
