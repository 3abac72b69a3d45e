#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "base/error.h"
#include "h5/output.h"
#include "h5/samples.h"

using namespace espalier;

namespace {

/// A path in the temporary folder that goes away with the object.
struct TemporaryPath {
  std::string path = "/tmp/espalier-h5-test-" + std::to_string(::getpid()) + ".h5";
  ~TemporaryPath() { std::remove(path.c_str()); }
};

Matrix counting(std::size_t rows, std::size_t cols) {
  Matrix m(rows, cols);
  for (std::size_t i = 0; i < m.size(); ++i) m.data()[i] = float(i) * 0.5f;
  return m;
}

}  // namespace

TEST_CASE("what is written is read back: numbers, strings, attributes, appended rows") {
  TemporaryPath at;
  const Matrix data = counting(7, 3);
  const std::vector<std::string> names{"zero", "", "zwei ü"};
  {
    Output out(at.path);
    out.file().write("/data", {7, 3}, std::span(data.data(), data.size()));
    out.file().write_strings("/a/b/names", names);
    out.file().set_attribute("/data", "text", std::string("hello"));
    out.file().set_attribute("/data", "names", names);
    out.file().set_attribute("/data", "q", 1.5);
    out.file().begin_rows("/rows", Type::u8, {2, 2});
    const std::uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8};
    out.file().append_rows("/rows", Type::u8, 2, bytes);
    out.file().append_rows("/rows", Type::u8, 1, bytes);
    out.commit();
  }
  const H5File file = H5File::open(at.path);
  CHECK_EQ(file.read_floats("/data"), std::vector<float>(data.data(), data.data() + data.size()));
  CHECK_EQ(file.read_strings("/a/b/names"), names);
  CHECK_EQ(file.text_attribute("/data", "text").value(), "hello");
  CHECK_EQ(file.texts_attribute("/data", "names"), names);
  CHECK_EQ(file.number_attribute("/data", "q").value(), 1.5);
  CHECK_EQ(file.info("/rows").shape, std::vector<std::size_t>{3, 2, 2});
  CHECK_EQ(file.read_bytes("/rows"), std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4});
  CHECK_FALSE(file.has("/a/c/d"));
  CHECK_THROWS_AS(file.read_floats("/a"), DataError);
  CHECK_THROWS_AS(file.read_floats("/missing"), DataError);
}

TEST_CASE("an output that is not committed leaves the old file as it was") {
  TemporaryPath at;
  std::ofstream(at.path) << "precious";
  {
    Output out(at.path);
    out.file().make_group("/half");
  }
  std::string text;
  std::ifstream(at.path) >> text;
  CHECK_EQ(text, "precious");
}

TEST_CASE("a file cut off anywhere is a data error, never a crash") {
  TemporaryPath at;
  {
    Output out(at.path);
    const Matrix data = counting(64, 8);
    out.file().write("/data", {64, 8}, std::span(data.data(), data.size()));
    out.file().write_strings("/ids", std::vector<std::string>(64, "id"));
    out.commit();
  }
  std::ifstream in(at.path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  for (std::size_t size = 0; size < bytes.size(); size += 97) {
    std::ofstream(at.path, std::ios::binary).write(bytes.data(), std::streamsize(size));
    CHECK_THROWS_AS(SampleFile::open(at.path, {}, {}).read_samples(), DataError);
  }
}

TEST_CASE("NaN and infinity are named by row and column") {
  Matrix data = counting(5, 4);
  data(3, 2) = NAN;
  CHECK_THROWS_WITH_AS(require_finite(data, "f", "/data"),
                       "f: /data has nan at row 3, column 2: finite numbers are needed", DataError);
  data(3, 2) = INFINITY;
  CHECK_THROWS_AS(require_finite(data, "f", "/data"), DataError);
  data(3, 2) = 3e38f;
  CHECK_NOTHROW(require_finite(data, "f", "/data"));
}
