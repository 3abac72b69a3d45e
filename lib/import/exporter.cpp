#include "import/exporter.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <iterator>

#include "base/error.h"
#include "base/need.h"
#include "h5/layout.h"

namespace espalier {

namespace {

constexpr std::size_t kBatchBytes = std::size_t(4) << 20;

/// Calls `body` with a pointer to a value of the type that holds the dataset's numbers without loss.
template <class Body>
void with_number_type(const DatasetInfo& info, const Body& body) {
  if (info.is_u8 || info.kind == Kind::boolean) return body(std::uint8_t{});
  if (info.kind == Kind::integer) return body(std::int64_t{});
  if (info.item_bytes <= sizeof(float)) return body(float{});
  body(double{});
}

/// Rows of a dataset that are read at once.
std::size_t block_rows(const DatasetInfo& info, std::size_t item_bytes) {
  const std::size_t rows = info.shape.empty() ? 1 : info.shape[0], values = rows ? info.count() / rows : 0;
  return std::min(rows, std::max<std::size_t>(1, kBatchBytes / std::max<std::size_t>(1, values * item_bytes)));
}

/// Texts are held all at once, numbers a block of rows at a time, with the text that they become.
void require_room(const DatasetInfo& info, const Control& control) {
  constexpr double kOfText = 64, kMostDigits = 25;
  if (info.kind == Kind::text)
    return require_memory(control, {{"texts", (kOfText + double(info.item_bytes)) * double(info.count())}},
                          "export fewer of them");
  with_number_type(info, [&](auto zero) {
    const double rows = double(std::max<std::size_t>(1, info.shape.empty() ? 1 : info.shape[0]));
    const double values = double(block_rows(info, sizeof zero)) * double(info.count()) / rows;
    require_memory(control, {{"rows", (sizeof zero + kMostDigits) * values}}, "a row has to fit");
  });
}

/// Reads the rows of a dataset in blocks: body(first row, rows, values).
template <class T, class Body>
void for_each_block(const H5File& file, const DatasetInfo& info, const Body& body) {
  const std::size_t rows = info.shape.empty() ? 1 : info.shape[0];
  const std::size_t values = rows ? info.count() / rows : 0;
  const std::size_t step = std::max<std::size_t>(1, block_rows(info, sizeof(T)));
  std::vector<T> block(step * values);
  for (std::size_t first = 0; first < rows; first += step) {
    const std::size_t count = std::min(step, rows - first);
    file.read_rows(info.path, first, count, block.data());
    body(first, count, block.data());
  }
}

DatasetInfo require_dataset(const H5File& file, const std::string& name) {
  const std::string path = name.starts_with("/") ? name : "/" + name;
  if (!file.has(path)) throw DataError(file.name(), path, "is missing; there are: {}", listing(file));
  if (file.is_group(path)) throw DataError(file.name(), path, "is a group: name one of the datasets in it");
  DatasetInfo info = file.info(path);
  if (info.kind == Kind::other) throw DataError(file.name(), path, "holds compound values, expected numbers or text");
  return info;
}

/// A text table, built line by line.
class TableWriter {
 public:
  TableWriter(const H5File& file, const DatasetInfo& info, const ExportOptions& options, ByteOutput& out)
      : file_(file),
        info_(info),
        options_(options),
        delimiter_(options.format == ExportFormat::tsv ? '\t' : ','),
        out_(out) {
    find_sweep();
    require_count("ids", options.ids);
    require_count("labels", options.labels);
    if (options.header) write_header();
  }

  void write() {
    if (info_.kind == Kind::text) {
      const std::vector<std::string> texts = file_.read_strings(info_.path);
      for (std::size_t i = 0; i < texts.size(); ++i) line(i, [&] { add_text(texts[i]); });
    } else {
      with_number_type(info_, [&](auto zero) { write_numbers<decltype(zero)>(); });
    }
    flush();
  }

 private:
  /// Q maps of N x m below one another, with q in front.
  void find_sweep() {
    rows_ = info_.shape.empty() ? 1 : info_.shape[0];
    const std::vector<double> q = file_.numbers_attribute(info_.path, "q");
    if (info_.shape.size() != 3 || q.size() != info_.shape[0]) return;
    sweep_ = q;
    rows_ = info_.shape[1];
  }

  void require_count(const char* what, const std::vector<std::string>& column) const {
    if (!column.empty() && column.size() != rows_)
      throw DataError(file_.name(), info_.path, "has {} rows, the file has {} {}", rows_, column.size(), what);
  }

  void write_header() {
    const std::size_t axis = sweep_.empty() ? 1 : 2;
    std::vector<std::size_t> sizes, index;
    if (info_.shape.size() > axis) sizes.assign(info_.shape.begin() + std::ptrdiff_t(axis), info_.shape.end());
    index.assign(sizes.size(), 0);
    if (!sweep_.empty()) add_text("q");
    if (!options_.ids.empty()) add_text("id");
    std::size_t columns = 1;
    for (std::size_t s : sizes) columns *= s;
    for (std::size_t c = 0; c < columns; ++c) {
      add_text(sizes.empty() ? info_.path.substr(info_.path.rfind('/') + 1)
                             : fmt::format("x{}", fmt::join(index, "_")));
      for (std::size_t a = sizes.size(); a-- > 0;) {
        if (++index[a] < sizes[a]) break;
        index[a] = 0;
      }
    }
    if (!options_.labels.empty()) add_text("label");
    end_line();
  }

  template <class T>
  void write_numbers() {
    const std::size_t outer = info_.shape.empty() ? 1 : info_.shape[0];
    const std::size_t inner = sweep_.empty() ? 1 : rows_;
    const std::size_t columns = outer ? info_.count() / outer / std::max<std::size_t>(1, inner) : 0;
    for_each_block<T>(file_, info_, [&](std::size_t first, std::size_t count, const T* values) {
      for (std::size_t i = 0; i < count * inner; ++i) {
        if (!sweep_.empty()) add_number(sweep_[first + i / inner]);
        line(sweep_.empty() ? first + i : i % inner, [&] {
          for (std::size_t c = 0; c < columns; ++c) add_number(values[i * columns + c]);
        });
      }
    });
  }

  template <class Body>
  void line(std::size_t row, const Body& body) {
    if (!options_.ids.empty()) add_text(options_.ids[row]);
    body();
    if (!options_.labels.empty()) add_text(options_.labels[row]);
    end_line();
  }

  void separate() {
    if (!fresh_) text_ += delimiter_;
    fresh_ = false;
  }

  template <class T>
  void add_number(T value) {
    separate();
    fmt::format_to(std::back_inserter(text_), "{}", value);
  }

  /// Quoted where a reader would not take it for one field, or would trim it.
  void add_text(const std::string& word) {
    separate();
    const bool plain = word.find_first_of("\"\r\n\t,") == std::string::npos &&
                       (word.empty() || (word.front() != ' ' && word.back() != ' '));
    if (plain) {
      text_ += word;
      return;
    }
    text_ += '"';
    for (char c : word) text_.append(c == '"' ? 2 : 1, c);
    text_ += '"';
  }

  void end_line() {
    text_ += '\n';
    fresh_ = true;
    if (text_.size() >= kBatchBytes) flush();
  }

  void flush() {
    out_.write(text_);
    text_.clear();
  }

  const H5File& file_;
  const DatasetInfo& info_;
  const ExportOptions& options_;
  char delimiter_;
  ByteOutput& out_;
  std::size_t rows_ = 0;
  std::vector<double> sweep_;
  std::string text_;
  bool fresh_ = true;
};

template <class T>
const char* npy_kind(const DatasetInfo& info) {
  if (info.kind == Kind::boolean) return "b1";
  if (std::is_same_v<T, std::uint8_t>) return "u1";
  if (std::is_same_v<T, std::int64_t>) return info.item_bytes < 8 ? "i4" : "i8";
  return std::is_same_v<T, float> ? "f4" : "f8";
}

/// Version 1.0: magic, 2 bytes of length, a dict padded so that the values start at a multiple of 64.
std::string npy_header(const DatasetInfo& info, const std::string& kind) {
  constexpr std::size_t kPrefix = 10, kAlign = 64;
  const char order = kind[1] == '1' ? '|' : std::endian::native == std::endian::little ? '<' : '>';
  std::string dict = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}{}), }}", order, kind,
                                 fmt::join(info.shape, ", "), info.shape.size() == 1 ? "," : "");
  dict.append(kAlign - 1 - (kPrefix + dict.size()) % kAlign, ' ');
  dict += '\n';
  return std::string("\x93NUMPY\x01\x00", 8) + char(dict.size() & 255) + char(dict.size() >> 8) + dict;
}

void write_npy(const H5File& file, const DatasetInfo& info, ByteOutput& out) {
  with_number_type(info, [&](auto zero) {
    using T = decltype(zero);
    const std::string kind = npy_kind<T>(info);
    out.write(npy_header(info, kind));
    const std::size_t values = info.shape.empty() || info.shape[0] == 0 ? info.count() : info.count() / info.shape[0];
    for_each_block<T>(file, info, [&](std::size_t, std::size_t rows, const T* block) {
      if (kind == "i4") {
        const std::vector<std::int32_t> narrow(block, block + rows * values);
        out.write({reinterpret_cast<const char*>(narrow.data()), narrow.size() * sizeof(std::int32_t)});
      } else {
        out.write({reinterpret_cast<const char*>(block), rows * values * sizeof(T)});
      }
    });
  });
}

}  // namespace

void export_dataset(const H5File& file, const std::string& path, const ExportOptions& options, ByteOutput& out,
                    const Control& control) {
  const bool npy = options.format == ExportFormat::npy;
  if (npy && !(options.labels.empty() && options.ids.empty()))
    throw UsageError("NPY has no columns of labels or ids: export --dataset labels to a file of its own");
  const DatasetInfo info = require_dataset(file, path);
  if (npy && info.kind == Kind::text) throw DataError(file.name(), info.path, "holds text, which goes to CSV or TSV");
  require_room(info, control);
  if (npy)
    write_npy(file, info, out);
  else
    TableWriter(file, info, options, out).write();
}

std::vector<std::string> label_texts(const Labels& labels) {
  std::vector<std::string> texts;
  for (std::int32_t label : labels.values) {
    const bool named = label >= 0 && std::size_t(label) < labels.names.size();
    texts.push_back(label < 0 ? "" : named ? labels.names[std::size_t(label)] : fmt::format("{}", label));
  }
  return texts;
}

}  // namespace espalier
