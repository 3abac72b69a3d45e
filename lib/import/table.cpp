#include "import/table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/error.h"

namespace espalier {

namespace {

constexpr std::size_t kMostColumns = std::size_t(1) << 24;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_missing(std::string_view text) {
  for (const std::string_view word : {"", "NA", "N/A", "nan", "NaN", "NAN", "null", "NULL", "?"})
    if (text == word) return true;
  return false;
}

/// Rows of a delimited text. A quoted field may hold delimiters, doubled quotes and line ends.
class RowReader {
 public:
  RowReader(ByteStream stream, char delimiter) : stream_(std::move(stream)), delimiter_(delimiter) {
    if (stream_.peek(3) == "\xef\xbb\xbf") stream_.skip(3, "its byte order mark");
  }

  const std::string& file() const { return stream_.name(); }

  /// The next row that is not blank; false at the end.
  bool next(std::vector<std::string>& fields) {
    do {
      if (!stream_.read_line(line_)) return false;
      ++line_number_;
    } while (trimmed(line_).empty());
    if (line_.find('\0') != std::string::npos) throw DataError(file(), "", "has a zero byte in line {}", line_number_);
    if (delimiter_ == 0) delimiter_ = guess_delimiter();
    split(fields);
    return true;
  }

 private:
  char guess_delimiter() const {
    for (char c : {'\t', ',', ';', '|', ' '})
      if (line_.find(c) != std::string::npos) return c;
    return ',';
  }

  void split(std::vector<std::string>& fields) {
    std::size_t count = 0, at = 0;
    const bool spaces = delimiter_ == ' ';
    if (spaces) line_ = std::string(trimmed(line_));
    for (bool more = true; more; ++count) {
      if (count == fields.size()) fields.emplace_back();
      if (count > kMostColumns) throw DataError(file(), "", "has more than {} columns", kMostColumns);
      more = field(at, fields[count]);
      while (spaces && at < line_.size() && line_[at] == ' ') ++at;
    }
    fields.resize(count);
  }

  /// One field from `at` on, which moves behind its delimiter; false where the row ends.
  bool field(std::size_t& at, std::string& out) {
    if (at < line_.size() && line_[at] == '"') {
      quoted_field(at, out);
    } else {
      const std::size_t stop = std::min(line_.find(delimiter_, at), line_.size());
      out.assign(line_, at, stop - at);
      at = stop;
    }
    if (at >= line_.size()) return false;
    if (line_[at] != delimiter_) throw DataError(file(), "", "has text behind a quoted field in line {}", line_number_);
    ++at;
    return true;
  }

  void quoted_field(std::size_t& at, std::string& out) {
    const std::size_t first_line = line_number_;
    out.clear();
    for (++at;;) {
      const std::size_t stop = std::min(line_.find('"', at), line_.size());
      out.append(line_, at, stop - at);
      if (stop == line_.size()) {
        if (!stream_.read_line(line_))
          throw DataError(file(), "", "has a quote in line {} without its end", first_line);
        if (out.size() > kLongestField)
          throw DataError(file(), "", "has a quote in line {} without its end", first_line);
        ++line_number_;
        out += '\n';
        at = 0;
      } else if (stop + 1 < line_.size() && line_[stop + 1] == '"') {
        out += '"';
        at = stop + 2;
      } else {
        at = stop + 1;
        return;
      }
    }
  }

  static constexpr std::size_t kLongestField = std::size_t(1) << 24;
  ByteStream stream_;
  char delimiter_;
  std::string line_;
  std::size_t line_number_ = 0;
};

constexpr std::size_t kNone = SIZE_MAX;

class TableSource : public SampleSource {
 public:
  TableSource(ByteStream stream, const TableOptions& options, ClassTable& classes)
      : rows_(std::move(stream), options.delimiter), options_(options), classes_(classes) {
    name_ = rows_.file();
    if (!rows_.next(fields_)) throw DataError(name_, "", "has no rows");
    columns_ = fields_.size();
    label_ = column(options.label, "--label");
    id_ = column(options.id, "--id");
    if (has_header()) {
      header_names_ = fields_;
      if (!rows_.next(fields_)) throw DataError(name_, "", "has a header and no rows");
    }
    const std::size_t features = columns_ - (label_ != kNone) - (id_ != kNone && id_ != label_);
    if (features == 0) throw DataError(name_, "", "has no columns of features");
    const auto shape = options.image ? image_shape(name_, features, *options.image) : std::vector{features};
    header_ = {shape, false, label_ != kNone, id_ != kNone, 0};
  }

  void read(std::size_t most, SampleBatch& batch) override {
    batch.rows = 0;
    batch.floats.clear();
    batch.labels.clear();
    batch.ids.clear();
    while (batch.rows < most && !ended_) {
      append(batch);
      ++batch.rows;
      ended_ = !rows_.next(fields_);
    }
  }

 private:
  /// A column by name (of the header), by number from 1 on, or the last one.
  std::size_t column(const std::string& word, const char* option) const {
    if (word.empty()) return kNone;
    if (word == "last") return columns_ - 1;
    if (options_.header != Header::no) {
      const auto found = std::find_if(fields_.begin(), fields_.end(),
                                      [&](const std::string& field) { return trimmed(field) == word; });
      const bool number = word.find_first_not_of("0123456789") == std::string::npos;
      if (found != fields_.end() && (!number || options_.header == Header::yes))
        return std::size_t(found - fields_.begin());
    }
    std::size_t number = 0;
    const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || stop != word.data() + word.size() || number < 1 || number > columns_)
      throw DataError(name_, "", "has no column '{}' ({}), it has {} columns", word, option, columns_);
    return number - 1;
  }

  bool is_feature(std::size_t c) const { return c != label_ && c != id_; }

  bool has_header() const {
    if (options_.header != Header::guess) return options_.header == Header::yes;
    bool any_text = false;
    for (std::size_t c = 0; c < columns_; ++c) {
      if (!is_feature(c)) continue;
      const std::optional<float> value = parse_float(fields_[c]);
      if (value && !is_missing(trimmed(fields_[c]))) return false;
      any_text = any_text || !value;
    }
    return any_text;
  }

  std::string place(std::size_t c) const {
    const std::string name = c < header_names_.size() ? fmt::format(" ({})", trimmed(header_names_[c])) : "";
    return fmt::format("row {}, column {}{}", row_ + 1, c + 1, name);
  }

  void append(SampleBatch& batch) {
    if (fields_.size() != columns_)
      throw DataError(name_, "", "has {} columns in row {}, expected {}", fields_.size(), row_ + 1, columns_);
    for (std::size_t c = 0; c < columns_; ++c)
      if (is_feature(c)) batch.floats.push_back(feature(c));
    if (label_ != kNone) {
      const std::string_view text = trimmed(fields_[label_]);
      batch.labels.push_back(classes_.code(is_missing(text) ? "" : std::string(text)));
    }
    if (id_ != kNone) batch.ids.push_back(fields_[id_]);
    ++row_;
  }

  float feature(std::size_t c) const {
    const std::optional<float> value = parse_float(fields_[c]);
    if (!value)
      throw DataError(name_, "", "{}: '{}' is not a number (--label and --id name columns of text)", place(c),
                      fields_[c].substr(0, 40));
    if (!std::isfinite(*value) && !options_.allow_nan)
      throw DataError(name_, "", "{}: {} (--allow-nan lets it pass)", place(c),
                      is_missing(trimmed(fields_[c])) ? "the value is missing" : "the value is not finite");
    return *value;
  }

  RowReader rows_;
  TableOptions options_;
  ClassTable& classes_;
  std::size_t columns_ = 0, label_ = kNone, id_ = kNone, row_ = 0;
  bool ended_ = false;
  std::vector<std::string> fields_, header_names_;
};

}  // namespace

std::optional<float> parse_float(std::string_view text) {
  text = trimmed(text);
  if (is_missing(text)) return std::numeric_limits<float>::quiet_NaN();
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  float value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (stop != text.data() + text.size() || error == std::errc::invalid_argument) return std::nullopt;
  // Out of range: strtof tells the very small, which become 0 or denormal, from the very large.
  if (error == std::errc::result_out_of_range) return std::strtof(std::string(text).c_str(), nullptr);
  return value;
}

SourcePointer read_table(ByteStream stream, const TableOptions& options, ClassTable& classes) {
  return std::make_unique<TableSource>(std::move(stream), options, classes);
}

}  // namespace espalier
