#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <string>

#include "base/error.h"
#include "h5_making.h"
#include "plot/table.h"

using namespace espalier;

namespace {

std::string refusal(const std::string& text, const std::string& column = "") {
  try {
    const NumberTable table = parse_table(text, "log.tsv");
    if (!column.empty()) table.at(column);
  } catch (const DataError& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a table is read cell by cell, with nothing where a dash or no text stands") {
  const NumberTable table =
      parse_table("epoch\tloss\ttest loss\r\n1\t2.5\t-\r\n2\t-1.25e-3\t\r\n3\t7\t0.5\n4\t1e-40\t1", "log.tsv");
  REQUIRE(table.columns.size() == 3);
  CHECK(table.rows() == 4);
  CHECK(table.at("epoch").values == std::vector<double>{1, 2, 3, 4});
  CHECK(table.at("loss").values == std::vector<double>{2.5, -1.25e-3, 7, 0});
  const NumberColumn& test = table.at("test loss");
  CHECK(test.numbers == 2);
  CHECK(std::isnan(test.values[0]));
  CHECK(std::isnan(test.values[1]));
  CHECK(test.values[2] == 0.5);
  CHECK(table.find("accuracy") == nullptr);
}

TEST_CASE("one row, and blank lines at the end, are a table") {
  CHECK(parse_table("epoch\tloss\n1\t2\n\n\n", "log.tsv").rows() == 1);
  CHECK(parse_table("epoch\tloss\n1\t2", "log.tsv").rows() == 1);
}

TEST_CASE("a column of words does no harm until it is asked for") {
  const std::string text = "round\tlayer\taccuracy\n1\tconv1\t0.5\n2\tconv2\t0.6\n";
  CHECK(parse_table(text, "log.tsv").at("accuracy").numbers == 2);
  CHECK(refusal(text, "layer") == "log.tsv: line 2, column 'layer': 'conv1' is not a number");
}

TEST_CASE("what is no table of numbers is refused with file, line and column") {
  CHECK(refusal("") == "log.tsv: is empty");
  CHECK(refusal("\n\n") == "log.tsv: is empty");
  CHECK(refusal("epoch\tloss\n") == "log.tsv: has names of columns and no rows");
  CHECK(refusal("epoch,loss\n1,2\n") == "log.tsv: is no table: its first line has no tab-separated names");
  CHECK(refusal("1\t2\n3\t4\n") == "log.tsv: has no names of columns in its first line");
  CHECK(refusal("epoch\tloss\tloss\n1\t2\t3\n") == "log.tsv: has two columns 'loss'");
  CHECK(refusal("epoch\tloss\n1\t2\n3\n") == "log.tsv: line 3 has 1 cells, the first has 2");
  CHECK(refusal("epoch\tloss\n1\t2\n\n3\t4\n") == "log.tsv: line 3 has 1 cells, the first has 2");
  CHECK(refusal("epoch\tloss\n1\t2\n", "rate") == "log.tsv: has no column 'rate': there are epoch, loss");
  CHECK(refusal("epoch\tloss\n1\t-\n", "loss") == "log.tsv: column 'loss' holds no numbers");
}

TEST_CASE("cells that only look like numbers are not taken for them") {
  for (const std::string cell :
       {"nan", "inf", "-inf", "1e400", "1e31", "0x10", "1,5", "1 ", " 1", "1.2.3", "1e", "--"}) {
    CAPTURE(cell);
    CHECK(refusal("epoch\tloss\n1\t" + cell + "\n", "loss").find("is not a number") != std::string::npos);
  }
}

TEST_CASE("a hostile cell or name leaves a message of one short line") {
  std::string cell(100000, 'x');
  cell[3] = '\0';
  cell[4] = '\x1b';
  cell[39] = '\xe2';
  const std::string text = refusal("epoch\tlo\x07ss\n1\t" + cell + "\n", "lo\x07ss");
  CHECK(text.size() < 200);
  for (const char c : text) CHECK(static_cast<unsigned char>(c) >= 0x20);
  CHECK(refusal(std::string("\x89HDF\r\n\x1a\n\0\0\0", 11)).find("is no table") != std::string::npos);
}

TEST_CASE("a table that cannot be opened is a missing input") {
  CHECK_THROWS_AS(read_number_table("/no/such/log.tsv"), SystemError);
  CHECK_THROWS_AS(read_number_table("/tmp"), SystemError);
  const making::TemporaryPath file(".tsv");
  making::write_bytes(file.path, "epoch\tloss\n1\t2\n");
  CHECK(read_number_table(file.path).name == file.path);
}
