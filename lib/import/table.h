#pragma once
/// CSV and TSV, and text tables with other delimiters, as samples of float32. Quoting as in RFC 4180.

#include <optional>
#include <string>

#include "import/array.h"
#include "import/classes.h"
#include "import/source.h"
#include "import/stream.h"

namespace espalier {

enum class Header { guess, yes, no };

struct TableOptions {
  Header header = Header::guess;   ///< guessed: there is one where no feature of the first row is a number
  char delimiter = 0;              ///< 0: guessed from the first row: tab, comma, semicolon, bar or space
  std::string label;               ///< column of the classes: a name, a number from 1 on, or "last"; empty: none
  std::string id;                  ///< column of the ids, the same way
  bool allow_nan = false;          ///< missing values and infinities pass
  std::optional<ImageSize> image;  ///< the features of a row are an image of this size, C x H x W
};

/// Every other column is a feature. Missing values (empty, NA, nan, null, ?), text where a number is needed, and rows
/// of another length are a DataError that names row (the header not counted, from 1 on) and column.
SourcePointer read_table(ByteStream, const TableOptions&, ClassTable&);

/// Text as a float, rounded once; spaces around it are passed over. NaN for a missing value, nothing where it is no
/// number.
std::optional<float> parse_float(std::string_view text);

}  // namespace espalier
