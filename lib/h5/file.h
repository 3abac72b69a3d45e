#pragma once
/// One HDF5 file, read or written: datasets, attributes, groups. Every failure to read is a DataError that names file
/// and dataset; every failure to write a SystemError (74).

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "h5/stored.h"

namespace espalier {

/// Types that the suite writes.
enum class Type { u8, i32, i64, f32, f64 };

struct DatasetInfo {
  std::string path;
  std::vector<std::size_t> shape;  ///< empty for a scalar
  Kind kind = Kind::other;
  std::size_t item_bytes = 0;
  bool is_u8 = false;
  std::size_t count() const {
    std::size_t n = 1;
    for (std::size_t s : shape) n *= s;
    return n;
  }
  std::string describe() const;  ///< "/data: 70000 x 784 uint8"
};

/// "features" as "/features"; an empty path stays empty.
inline std::string absolute(const std::string& path) { return path.empty() || path[0] == '/' ? path : "/" + path; }

class H5File {
 public:
  /// Opens a path in place, or takes standard input ("-"), a pipe or a device whole. Something that is not HDF5 is a
  /// DataError saying what it looks like; what cannot be opened is a SystemError (66); a cycle of links is a DataError.
  static H5File open(const std::string& path);
  /// A new file at `path`, which is truncated. Messages call it `name`.
  static H5File create(const std::string& path, const std::string& name);
  static H5File create(const std::string& path) { return create(path, path); }

  const std::string& name() const { return name_; }  ///< for messages: the path, or "standard input"
  std::size_t bytes() const;                         ///< size of the file, with what is still to be written

  // Looking around. Paths are absolute; `path` may pass through groups that do not exist. A table (a dataset of
  // compound values) is taken as a group of its columns. Links to other files are never followed.
  bool has(const std::string& path) const;
  bool is_group(const std::string& path) const;
  bool is_table(const std::string& path) const;
  bool is_dataset(const std::string& path) const { return has(path) && !is_group(path); }
  std::vector<std::string> children(const std::string& group) const;  ///< names, ascending; of a table, as they stand
  DatasetInfo info(const std::string& dataset) const;
  std::vector<DatasetInfo> datasets() const;  ///< all of them, by path

  // Reading. Numbers of any width, sign and byte order, float16 and booleans are converted; rows are slabs of the first
  // axis.
  void read_rows(const std::string& dataset, std::size_t first, std::size_t rows, float* out) const;
  void read_rows(const std::string& dataset, std::size_t first, std::size_t rows, std::uint8_t* out) const;
  void read_rows(const std::string& dataset, std::size_t first, std::size_t rows, double* out) const;
  void read_rows(const std::string& dataset, std::size_t first, std::size_t rows, std::int64_t* out) const;
  void read_rows(const std::string& dataset, std::size_t first, std::size_t rows,
                 std::int32_t* out) const;  ///< out of range: DataError
  std::vector<float> read_floats(const std::string& dataset) const;
  std::vector<double> read_doubles(const std::string& dataset) const;
  std::vector<std::int32_t> read_ints(const std::string& dataset) const;  ///< out of range: DataError
  std::vector<std::int64_t> read_longs(const std::string& dataset) const;
  std::vector<std::uint8_t> read_bytes(const std::string& dataset) const;
  std::vector<std::string> read_strings(const std::string& dataset) const;
  /// Values and names of an enumeration, ascending; empty for another type.
  std::vector<std::pair<std::int64_t, std::string>> enumeration(const std::string& dataset) const;

  // Attributes of a dataset or group ("/" is the root).
  bool has_attribute(const std::string& object, const std::string& name) const;
  std::optional<std::string> text_attribute(const std::string& object, const std::string& name) const;
  std::vector<std::string> texts_attribute(const std::string& object,
                                           const std::string& name) const;                          ///< empty: absent
  std::vector<double> numbers_attribute(const std::string& object, const std::string& name) const;  ///< empty: absent
  std::optional<double> number_attribute(const std::string& object, const std::string& name) const;

  // Writing. Missing groups on the way are made; an object that stands at `path` is replaced.
  void write(const std::string& path, Type type, const std::vector<std::size_t>& shape, const void* values);
  void write(const std::string& path, const std::vector<std::size_t>& shape, std::span<const float> values);
  void write(const std::string& path, const std::vector<std::size_t>& shape, std::span<const std::uint8_t> values);
  void write(const std::string& path, const std::vector<std::size_t>& shape, std::span<const std::int32_t> values);
  void write(const std::string& path, const std::vector<std::size_t>& shape, std::span<const std::int64_t> values);
  void write(const std::string& path, const std::vector<std::size_t>& shape, std::span<const double> values);
  void write_strings(const std::string& path, std::span<const std::string> values);
  void write_scalar(const std::string& path, const std::string& text);
  void make_group(const std::string& path);
  void remove(const std::string& path);
  void set_attribute(const std::string& object, const std::string& name, const std::string& text);
  void set_attribute(const std::string& object, const std::string& name, std::span<const std::string> texts);
  void set_attribute(const std::string& object, const std::string& name, double number);
  void set_attribute(const std::string& object, const std::string& name, std::int64_t number);
  void set_attribute(const std::string& object, const std::string& name, std::span<const double> numbers);
  void set_attribute(const std::string& object, const std::string& name, std::span<const std::int64_t> numbers);
  /// A dataset whose first axis grows: append rows of `row_shape` as they come.
  void begin_rows(const std::string& path, Type type, const std::vector<std::size_t>& row_shape);
  void append_rows(const std::string& path, Type type, std::size_t rows, const void* values);

  /// Copies one object of `from`, with all below it and its attributes, to the path `to` here.
  void copy(const H5File& from, const std::string& path, const std::string& to);
  /// Copies the rows of a dataset of `from` that `rows` names, ascending, with type, filters and attributes, to the
  /// same path here.
  void copy_rows(const H5File& from, const std::string& path, std::span<const std::int32_t> rows);
  /// Copies everything of `from`, the root's attributes too, except the root objects named. Hard links, soft links and
  /// references lead to the copies.
  void copy_all(const H5File& from, const std::vector<std::string>& except);
  /// Replaces a table by a group that holds a dataset for each column.
  void split_table(const std::string& path);

  /// Writes everything out and closes. Throws SystemError (74) where that fails.
  void close();

 private:
  H5File(Handle file, std::string name) : file_(std::move(file)), name_(std::move(name)) {}
  /// What a path leads to: a group, a dataset, a table with its fields, or one field of a table.
  struct Place {
    std::string object, field;
    std::vector<std::string> fields;
    bool group = false;
  };
  std::optional<Place> find(const std::string& path) const;
  [[noreturn]] void refuse_missing(const std::string& path) const;
  Stored open_stored(const std::string& path) const;
  Handle open_object(const std::string& path) const;
  void copy_attributes(const H5File& from, const std::string& object, const std::string& to);
  void set_attribute(const std::string& object, const std::string& name, Handle::Id type, Handle::Id space,
                     const void* values);
  void refuse_cycles() const;

  Handle file_;
  std::string name_;
};

}  // namespace espalier
