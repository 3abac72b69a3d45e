#include "plot/table.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iostream>
#include <iterator>
#include <limits>
#include <optional>

#include "base/error.h"
#include "base/text_file.h"
#include "plot/canvas.h"

namespace espalier {

namespace {

constexpr double kSmallest = 1e-30;  // what is smaller counts as 0
constexpr double kLargest = 1e30;    // what is larger is refused: axes would run out of digits
constexpr std::size_t kShown = 40;   // characters of a cell in a message

std::vector<std::string_view> split(std::string_view line, char at) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= line.size();) {
    const std::size_t end = std::min(line.find(at, begin), line.size());
    parts.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

/// The lines without their ends; blank ones at the end of the text are none.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines = split(text, '\n');
  for (std::string_view& line : lines)
    if (line.ends_with('\r')) line.remove_suffix(1);
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

bool is_nothing(std::string_view cell) { return cell.empty() || cell == "-"; }

std::optional<double> number_in(std::string_view cell) {
  double value = 0;
  const auto [stop, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc() || stop != cell.data() + cell.size() || !(std::abs(value) < kLargest)) return {};
  return std::abs(value) < kSmallest ? 0 : value;
}

std::string in_quotes(std::string_view cell) {
  return fmt::format("'{}{}'", printable(std::string(cell.substr(0, kShown))), cell.size() > kShown ? "…" : "");
}

std::vector<NumberColumn> columns_of(std::string_view header, const std::string& file) {
  std::vector<NumberColumn> columns;
  bool named = false;
  for (const std::string_view name : split(header, '\t')) {
    named = named || !(is_nothing(name) || number_in(name));
    const bool twice = std::any_of(columns.begin(), columns.end(), [&](const auto& c) { return c.name == name; });
    if (twice) throw DataError(file, "", "has two columns {}", in_quotes(name));
    columns.push_back({std::string(name), {}, 0, 0, ""});
  }
  if (columns.size() < 2) throw DataError(file, "", "is no table: its first line has no tab-separated names");
  if (!named) throw DataError(file, "", "has no names of columns in its first line");
  return columns;
}

void add_cell(NumberColumn& column, std::string_view cell, std::size_t line) {
  const std::optional<double> number = number_in(cell);
  column.values.push_back(number.value_or(std::numeric_limits<double>::quiet_NaN()));
  if (number) ++column.numbers;
  if (number || is_nothing(cell) || column.bad_line > 0) return;
  column.bad_line = line;
  column.bad_cell = cell;
}

}  // namespace

const NumberColumn* NumberTable::find(std::string_view column) const {
  const auto found = std::find_if(columns.begin(), columns.end(), [&](const auto& c) { return c.name == column; });
  return found == columns.end() ? nullptr : &*found;
}

const NumberColumn& NumberTable::at(std::string_view column) const {
  const NumberColumn* found = find(column);
  if (!found) {
    std::vector<std::string> names;
    for (const NumberColumn& c : columns) names.push_back(printable(c.name));
    throw DataError(name, "", "has no column {}: there are {}", in_quotes(column), fmt::join(names, ", "));
  }
  if (found->bad_line > 0)
    throw DataError(name, "", "line {}, column {}: {} is not a number", found->bad_line, in_quotes(column),
                    in_quotes(found->bad_cell));
  if (found->numbers == 0) throw DataError(name, "", "column {} holds no numbers", in_quotes(column));
  return *found;
}

NumberTable parse_table(std::string_view text, const std::string& name) {
  const std::vector<std::string_view> lines = lines_of(text);
  if (lines.empty()) throw DataError(name, "", "is empty");
  NumberTable table{name, columns_of(lines[0], name)};
  if (lines.size() < 2) throw DataError(name, "", "has names of columns and no rows");
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string_view> cells = split(lines[i], '\t');
    if (cells.size() != table.columns.size())
      throw DataError(name, "", "line {} has {} cells, the first has {}", i + 1, cells.size(), table.columns.size());
    for (std::size_t c = 0; c < cells.size(); ++c) add_cell(table.columns[c], cells[c], i + 1);
  }
  return table;
}

NumberTable read_number_table(const std::string& path) {
  if (path != "-") return parse_table(read_text_file(path), path);
  return parse_table(std::string(std::istreambuf_iterator<char>(std::cin), {}), "standard input");
}

}  // namespace espalier
