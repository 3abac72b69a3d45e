#include "import/words.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "import/table.h"

namespace espalier {

namespace {

using Fields = std::vector<std::string_view>;

Fields split_at_spaces(std::string_view line) {
  Fields fields;
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t stop = std::min(line.find_first_of(" \t", at), line.size());
    if (stop > at) fields.push_back(line.substr(at, stop - at));
    at = stop + 1;
  }
  return fields;
}

std::optional<std::size_t> whole_number(std::string_view text) {
  std::size_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

/// "count dimensions", alone on the first line.
struct CountLine {
  std::size_t rows, dims;
};

std::optional<CountLine> parse_count_line(std::string_view line) {
  const Fields fields = split_at_spaces(line);
  if (fields.size() != 2) return std::nullopt;
  const std::optional<std::size_t> rows = whole_number(fields[0]), dims = whole_number(fields[1]);
  if (!rows || !dims || *rows == 0 || *dims == 0) return std::nullopt;
  return CountLine{*rows, *dims};
}

class WordSource : public SampleSource {
 public:
  WordSource(ByteStream stream, bool allow_nan) : stream_(std::move(stream)), allow_nan_(allow_nan) {
    name_ = stream_.name();
    next_line();
    if (const std::optional<CountLine> count = parse_count_line(line_)) {
      expected_ = count->rows;
      next_line();
      require_dims(count->dims);
    } else {
      require_dims(split_at_spaces(line_).size() - 1);
    }
  }

  void read(std::size_t most, SampleBatch& batch) override {
    batch.rows = 0;
    batch.floats.clear();
    batch.ids.clear();
    for (; batch.rows < most && !ended_; ++batch.rows) {
      append(batch);
      next_line();
    }
    if (ended_ && expected_ && *expected_ != row_)
      throw DataError(name_, "", "has {} words, its first line claims {}", row_, *expected_);
  }

 private:
  void next_line() {
    do {
      ended_ = !stream_.read_line(line_);
      ++line_number_;
    } while (!ended_ && split_at_spaces(line_).empty());
    if (ended_ && row_ == 0) throw DataError(name_, "", "has no words");
    if (line_.find('\0') != std::string::npos) throw DataError(name_, "", "has a zero byte in line {}", line_number_);
  }

  void require_dims(std::size_t dims) {
    const std::size_t numbers = split_at_spaces(line_).size() - 1;
    if (dims == 0 || numbers < dims)
      throw DataError(name_, "", "has {} numbers in line {}, expected {}", numbers, line_number_,
                      std::max<std::size_t>(dims, 1));
    header_ = {{dims}, false, false, true, expected_.value_or(0)};
  }

  void append(SampleBatch& batch) {
    const Fields fields = split_at_spaces(line_);
    const std::size_t dims = header_.shape[0];
    if (fields.size() < dims + 1)
      throw DataError(name_, "", "has {} numbers in line {}, expected {}", fields.size() - 1, line_number_, dims);
    const std::size_t first = fields.size() - dims;
    for (std::size_t j = 0; j < dims; ++j) {
      const std::optional<float> value = parse_float(fields[first + j]);
      if (!value || (!std::isfinite(*value) && !allow_nan_))
        throw DataError(name_, "", "line {}, value {}: '{}' is not a {} number", line_number_, j + 1,
                        fields[first + j].substr(0, 40), value ? "finite" : "valid");
      batch.floats.push_back(*value);
    }
    // What stands before the numbers is the word, spaces in it included.
    const std::string_view last = fields[first - 1];
    const char* begin = fields[0].data();
    batch.ids.emplace_back(begin, std::size_t(last.data() + last.size() - begin));
    ++row_;
  }

  ByteStream stream_;
  bool allow_nan_;
  std::optional<std::size_t> expected_;
  std::string line_;
  std::size_t line_number_ = 0, row_ = 0;
  bool ended_ = false;
};

}  // namespace

SourcePointer read_words(ByteStream stream, bool allow_nan) {
  return std::make_unique<WordSource>(std::move(stream), allow_nan);
}

bool looks_like_words(std::string_view head) {
  const std::size_t stop = head.find('\n');
  const std::string_view line = head.substr(0, stop);
  if (parse_count_line(line)) return stop != std::string_view::npos;
  if (line.find('\t') != std::string_view::npos) return false;
  Fields fields = split_at_spaces(line);
  if (stop == std::string_view::npos && !fields.empty()) fields.pop_back();  // it may be cut
  if (fields.size() < 3 || std::isfinite(parse_float(fields[0]).value_or(NAN))) return false;
  for (std::size_t i = 1; i < fields.size(); ++i)
    if (!parse_float(fields[i])) return false;
  return true;
}

}  // namespace espalier
