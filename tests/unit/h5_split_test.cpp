#include <doctest/doctest.h>

#include <cstdint>
#include <random>

#include "base/error.h"
#include "h5/samples.h"
#include "h5/sparse.h"
#include "h5_making.h"

using namespace espalier;
using making::TemporaryPath;

namespace {

constexpr std::size_t kRows = 10'000, kColumns = 3;

/// Rows of 3 numbers that begin with their place, labels, ids of growing length and a split drawn at random.
struct Made {
  std::vector<float> data;
  std::vector<std::int32_t> labels;
  std::vector<std::uint8_t> split;
  std::vector<std::string> ids;
  std::vector<float> map;

  Made() {
    std::mt19937 random(7);
    for (std::size_t i = 0; i < kRows; ++i) {
      data.insert(data.end(), {float(i), float(i % 7), -float(i)});
      map.insert(map.end(), {float(i) / 2, 1});
      labels.push_back(std::int32_t(i % 5));
      split.push_back(std::uint8_t(random() % 4 == 0));
      ids.push_back(std::string(i % 9, 'x') + std::to_string(i));
    }
  }

  void write(const std::string& path) const {
    H5File file = H5File::create(path);
    file.begin_rows("/data", Type::f32, {kColumns});
    file.append_rows("/data", Type::f32, kRows, data.data());
    write_labels(file, "/labels", {labels, {"a", "b", "c", "d", "e"}});
    file.write("/split", {kRows}, split);
    file.write_strings("/ids", ids);
    file.write("/embedding", {kRows, 2}, map);
    const std::vector<float> other(20, 1);
    file.write("/other", {20}, other);
    file.write("/neighbors/indices", {kRows, 1}, labels);
    file.close();
  }

  std::vector<std::size_t> rows(std::uint8_t part) const {
    std::vector<std::size_t> rows;
    for (std::size_t i = 0; i < kRows; ++i)
      if (split[i] == part) rows.push_back(i);
    return rows;
  }
};

/// Whether a file holds the samples of these rows, and nothing of others.
void check_rows(const SampleFile& file, const Made& made, const std::vector<std::size_t>& rows) {
  REQUIRE(file.rows() == rows.size());
  const Matrix data = std::get<Matrix>(file.read_samples()), last = file.read_dense_rows(rows.size() - 2, 2);
  const Labels labels = file.read_labels().value();
  const std::vector<std::string> ids = file.read_ids();
  const std::vector<std::uint8_t> split = file.read_split();
  const Matrix map = file.read_embeddings().at(0).coordinates;
  REQUIRE(data.rows() == rows.size());
  REQUIRE(map.rows() == rows.size());
  REQUIRE(ids.size() == rows.size());
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < rows.size(); ++i)
    wrong += data(i, 0) != float(rows[i]) || data(i, 2) != -float(rows[i]) ||
             labels.values[i] != made.labels[rows[i]] || ids[i] != made.ids[rows[i]] ||
             split[i] != made.split[rows[i]] || map(i, 0) != float(rows[i]) / 2;
  CHECK(wrong == 0);
  CHECK(last(1, 0) == float(rows.back()));
  CHECK(labels.names.size() == 5);
}

}  // namespace

TEST_CASE("a part of the split: its rows are read, and passed on as a file of their own") {
  const Made made;
  const TemporaryPath whole, part;
  made.write(whole.path);
  for (const SplitPart which : {SplitPart::train, SplitPart::test}) {
    const std::vector<std::size_t> rows = made.rows(which == SplitPart::test);
    const SampleFile file = SampleFile::open(whole.path, {"", "", which}, {});
    check_rows(file, made, rows);
    Output out(part.path);
    pass_through(out, file, {});
    out.commit();
    const SampleFile cut = SampleFile::open(part.path, {}, {});
    check_rows(cut, made, rows);
    CHECK(cut.file().info("/other").shape == std::vector<std::size_t>{20});
    CHECK(!cut.file().has("/neighbors"));  // it names rows that are gone
  }
}

TEST_CASE("a part of sparse samples") {
  const TemporaryPath whole, part;
  {
    H5File file = H5File::create(whole.path);
    const std::vector<std::int64_t> indptr{0, 2, 3, 3, 5};
    const std::vector<std::int32_t> indices{0, 3, 1, 2, 3};
    const std::vector<float> values{1, 2, 3, 4, 5};
    write_csr(file, "/data", {4, 4}, indptr, indices, values);
    file.write("/split", {4}, std::vector<std::uint8_t>{0, 1, 0, 1});
    file.close();
  }
  const SampleFile file = SampleFile::open(whole.path, {"", "", SplitPart::test}, {});
  Output out(part.path);
  pass_through(out, file, {});
  out.commit();
  for (const SampleFile& test :
       {SampleFile::open(whole.path, {"", "", SplitPart::test}, {}), SampleFile::open(part.path, {}, {})}) {
    const SparseMatrix rows = std::get<SparseMatrix>(test.read_samples());
    CHECK(rows.indptr == std::vector<std::int64_t>{0, 1, 3});
    CHECK(rows.indices == std::vector<std::int32_t>{1, 2, 3});
    CHECK(rows.values == std::vector<float>{3, 4, 5});
  }
}

TEST_CASE("a part of Keras's pairs becomes /data and /labels") {
  const TemporaryPath whole, part;
  {
    H5File file = H5File::create(whole.path);
    file.write("/x_train", {3, 2}, std::vector<float>{1, 2, 3, 4, 5, 6});
    file.write("/y_train", {3}, std::vector<std::int32_t>{0, 1, 0});
    file.write("/x_test", {2, 2}, std::vector<float>{7, 8, 9, 10});
    file.write("/y_test", {2}, std::vector<std::int32_t>{1, 1});
    file.close();
  }
  for (const SplitPart which : {SplitPart::train, SplitPart::test}) {
    const bool test = which == SplitPart::test;
    const SampleFile file = SampleFile::open(whole.path, {"", "", which}, {});
    Output out(part.path);
    pass_through(out, file, {});
    out.commit();
    const SampleFile cut = SampleFile::open(part.path, {}, {});
    const Matrix data = std::get<Matrix>(cut.read_samples());
    REQUIRE(data.rows() == (test ? 2 : 3));
    CHECK(data(1, 1) == (test ? 10 : 4));
    CHECK(cut.read_labels().value().values ==
          (test ? std::vector<std::int32_t>{1, 1} : std::vector<std::int32_t>{0, 1, 0}));
    CHECK(cut.read_split().empty());
  }
}

TEST_CASE("a part that is not there") {
  const TemporaryPath at;
  {
    H5File file = H5File::create(at.path);
    file.write("/data", {2, 2}, std::vector<float>{1, 2, 3, 4});
    file.close();
  }
  CHECK_THROWS_WITH_AS(SampleFile::open(at.path, {"", "", SplitPart::test}, {}),
                       doctest::Contains("not split into training and test"), DataError);
  {
    H5File file = H5File::create(at.path);
    file.write("/data", {2, 2}, std::vector<float>{1, 2, 3, 4});
    file.write("/split", {2}, std::vector<std::uint8_t>{0, 0});
    file.close();
  }
  CHECK_THROWS_WITH_AS(SampleFile::open(at.path, {"", "", SplitPart::test}, {}),
                       doctest::Contains("has no test samples"), DataError);
}
