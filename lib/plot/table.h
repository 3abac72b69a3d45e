#pragma once
/// Tables of numbers in text: tab-separated columns under a line of names, as `net-train --log` writes.

#include <string>
#include <string_view>
#include <vector>

namespace espalier {

/// One column. A cell that is '-' or empty holds nothing.
struct NumberColumn {
  std::string name;
  std::vector<double> values;  ///< one a row; NaN where there is nothing
  std::size_t numbers = 0;     ///< cells that hold one
  std::size_t bad_line = 0;    ///< of the first cell that is neither, from 1 on with the header; 0: there is none
  std::string bad_cell;
};

struct NumberTable {
  std::string name;  ///< of the file, for messages and legends
  std::vector<NumberColumn> columns;

  std::size_t rows() const { return columns.empty() ? 0 : columns[0].values.size(); }
  /// nullptr where there is none of this name.
  const NumberColumn* find(std::string_view column) const;
  /// The column to be drawn. DataError where there is none, naming those that there are; where a cell of it is not a
  /// number; and where it holds nothing.
  const NumberColumn& at(std::string_view column) const;
};

/// DataError for text that is empty, not tab-separated, without a header or without rows, for rows of another length
/// than the header, and for two columns of one name. Numbers are decimal and below 1e30 in size, those
/// below 1e-30 are 0; other cells are kept as bad and refused by at(), so that columns of words do no harm.
NumberTable parse_table(std::string_view text, const std::string& name);

/// The table in a file, or in standard input ("-"). SystemError (66) where it cannot be opened.
NumberTable read_number_table(const std::string& path);

}  // namespace espalier
