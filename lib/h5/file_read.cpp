/// H5File: reading datasets and attributes.

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <set>

#include "base/error.h"
#include "base/parallel.h"
#include "h5/file.h"
#include "h5/hdf5_api.h"

namespace espalier {

namespace {

using Id = Handle::Id;

DatasetInfo info_of(const Stored& stored) {
  DatasetInfo info{stored.path, stored.shape, stored.kind(), stored.item_bytes(), false};
  info.is_u8 = info.kind == Kind::integer && info.item_bytes == 1 && H5Tget_sign(stored.element) == H5T_SGN_NONE;
  return info;
}

/// Enumerations are converted by HDF5 only among themselves: they are read as they are, then as their base type.
bool read_enumeration(const Stored& stored, std::size_t first, std::size_t rows, Id wanted, std::size_t item_bytes,
                      char* out) {
  Handle base = Handle(H5Tget_super(stored.element), close_type);
  const std::size_t row = stored.row_items(), from = H5Tget_size(base), step = stored.slab_rows(from);
  std::vector<char> slab(std::min(step, rows) * row * std::max(from, item_bytes));
  for (std::size_t at = 0; at < rows; at += step) {
    const std::size_t count = std::min(step, rows - at);
    if (!stored.read(first + at, count, stored.element, slab.data()) ||
        H5Tconvert(base, wanted, count * row, slab.data(), nullptr, H5P_DEFAULT) < 0)
      return false;
    std::memcpy(out + at * row * item_bytes, slab.data(), count * row * item_bytes);
  }
  return true;
}

/// Reads rows as numbers of the wanted type.
void read_numbers(const Stored& stored, std::size_t first, std::size_t rows, Id wanted, void* out) {
  const Kind kind = stored.kind();
  if (kind == Kind::text || kind == Kind::other)
    throw DataError(stored.file, stored.path, "holds {}, numbers are needed",
                    kind == Kind::text ? "text" : "values of a type that is not read");
  const std::size_t total = stored.shape.empty() ? 1 : stored.shape[0];
  stored.require_readable();
  if (first + rows > total) throw BugError("{}: rows {} to {} of {}", stored.path, first, first + rows, total);
  const bool good = kind == Kind::boolean
                        ? read_enumeration(stored, first, rows, wanted, H5Tget_size(wanted), static_cast<char*>(out))
                        : stored.read(first, rows, wanted, out);
  if (!good) throw DataError(stored.file, stored.path, "cannot be read: truncated or damaged");
}

template <class T>
std::vector<T> read_all(const Stored& stored, Id type) {
  std::vector<T> out(stored.count());
  read_numbers(stored, 0, stored.shape.empty() ? 1 : stored.shape[0], type, out.data());
  return out;
}

}  // namespace

DatasetInfo H5File::info(const std::string& path) const { return info_of(open_stored(path)); }

std::vector<DatasetInfo> H5File::datasets() const {
  std::vector<DatasetInfo> found;
  std::set<haddr_t> done;
  const auto visit = [&](auto& self, const std::string& group) -> void {
    for (const std::string& child : children(group)) {
      const std::string path = (group == "/" ? "" : group) + "/" + child;
      const std::optional<Place> place = find(path);
      H5O_info_t here{};
      if (!place ||
          (place->field.empty() && (H5Oget_info_by_name2(file_, path.c_str(), &here, H5O_INFO_BASIC, H5P_DEFAULT) < 0 ||
                                    !done.insert(here.addr).second)))
        continue;
      if (place->group || !place->fields.empty())
        self(self, path);
      else if (!place->field.empty() || here.type == H5O_TYPE_DATASET)
        found.push_back(info(path));
    }
  };
  visit(visit, "/");
  return found;
}

void H5File::read_rows(const std::string& path, std::size_t first, std::size_t rows, float* out) const {
  const Stored stored = open_stored(path);
  if (!info_of(stored).is_u8) return read_numbers(stored, first, rows, H5T_NATIVE_FLOAT, out);
  // HDF5 converts bytes one by one; images are large, so widen them ourselves.
  const std::size_t row = stored.row_items(), step = stored.slab_rows(1);
  std::vector<std::uint8_t> bytes(std::min(step, rows) * row);
  for (std::size_t at = 0; at < rows; at += step) {
    const std::size_t count = std::min(step, rows - at);
    read_numbers(stored, first + at, count, H5T_NATIVE_UINT8, bytes.data());
    float* to = out + at * row;
    parallel_ranges(count * row, std::size_t(1) << 18, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t i = begin; i < end; ++i) to[i] = bytes[i];
    });
  }
}

void H5File::read_rows(const std::string& path, std::size_t first, std::size_t rows, std::uint8_t* out) const {
  read_numbers(open_stored(path), first, rows, H5T_NATIVE_UINT8, out);
}

void H5File::read_rows(const std::string& path, std::size_t first, std::size_t rows, double* out) const {
  read_numbers(open_stored(path), first, rows, H5T_NATIVE_DOUBLE, out);
}

void H5File::read_rows(const std::string& path, std::size_t first, std::size_t rows, std::int64_t* out) const {
  read_numbers(open_stored(path), first, rows, H5T_NATIVE_INT64, out);
}

void H5File::read_rows(const std::string& path, std::size_t first, std::size_t rows, std::int32_t* out) const {
  const Stored stored = open_stored(path);
  const std::size_t row = stored.row_items(), step = stored.slab_rows(8);
  std::vector<std::int64_t> wide(std::min(step, rows) * row);
  for (std::size_t at = 0; at < rows; at += step) {
    const std::size_t count = std::min(step, rows - at);
    read_numbers(stored, first + at, count, H5T_NATIVE_INT64, wide.data());
    for (std::size_t i = 0; i < count * row; ++i) {
      if (wide[i] < INT32_MIN || wide[i] > INT32_MAX)
        throw DataError(name_, path, "has {} at {}, which is not a 32-bit integer", wide[i], (first + at) * row + i);
      out[at * row + i] = std::int32_t(wide[i]);
    }
  }
}

std::vector<float> H5File::read_floats(const std::string& path) const {
  return read_all<float>(open_stored(path), H5T_NATIVE_FLOAT);
}

std::vector<double> H5File::read_doubles(const std::string& path) const {
  return read_all<double>(open_stored(path), H5T_NATIVE_DOUBLE);
}

std::vector<std::int64_t> H5File::read_longs(const std::string& path) const {
  return read_all<std::int64_t>(open_stored(path), H5T_NATIVE_INT64);
}

std::vector<std::uint8_t> H5File::read_bytes(const std::string& path) const {
  return read_all<std::uint8_t>(open_stored(path), H5T_NATIVE_UINT8);
}

std::vector<std::int32_t> H5File::read_ints(const std::string& path) const {
  const DatasetInfo meta = info(path);
  std::vector<std::int32_t> out(meta.count());
  read_rows(path, 0, meta.shape.empty() ? 1 : meta.shape[0], out.data());
  return out;
}

std::vector<std::string> H5File::read_strings(const std::string& path) const {
  const Stored stored = open_stored(path);
  if (stored.kind() != Kind::text) throw DataError(name_, path, "holds numbers, text is needed");
  stored.require_readable();
  std::vector<std::string> texts = read_texts(
      stored.element, stored.space, stored.count(), [&](Id text) { return stored.memory_type(text); },
      [&](Id memory, void* out) { return H5Dread(stored.dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) >= 0; });
  if (texts.size() != stored.count()) throw DataError(name_, path, "cannot be read: truncated or damaged");
  return texts;
}

std::vector<std::pair<std::int64_t, std::string>> H5File::enumeration(const std::string& path) const {
  const Stored stored = open_stored(path);
  std::vector<std::pair<std::int64_t, std::string>> names;
  if (stored.kind() != Kind::boolean) return names;
  Handle base = Handle(H5Tget_super(stored.element), close_type);
  for (int i = 0; i < H5Tget_nmembers(stored.element); ++i) {
    char* name = H5Tget_member_name(stored.element, unsigned(i));
    std::vector<std::int64_t> value(1 + H5Tget_size(base) / sizeof(std::int64_t), 0);
    if (!name || H5Tget_member_value(stored.element, unsigned(i), value.data()) < 0 ||
        H5Tconvert(base, H5T_NATIVE_INT64, 1, value.data(), nullptr, H5P_DEFAULT) < 0)
      throw DataError(name_, path, "has a damaged type");
    names.emplace_back(value[0], name);
    H5free_memory(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool H5File::has_attribute(const std::string& object, const std::string& name) const {
  return H5Aexists_by_name(file_, object.c_str(), name.c_str(), H5P_DEFAULT) > 0;
}

std::vector<std::string> H5File::texts_attribute(const std::string& object, const std::string& name) const {
  if (!has_attribute(object, name)) return {};
  const StoredAttribute stored = open_attribute(file_, name_, object, name);
  if (kind_of_type(stored.type) != Kind::text) return {};
  std::vector<std::string> texts = read_texts(
      stored.type, stored.space, stored.count, [](Id text) { return Handle(H5Tcopy(text), close_type); },
      [&](Id memory, void* out) { return H5Aread(stored.attribute, memory, out) >= 0; });
  if (texts.size() != stored.count) throw DataError(name_, object, "has a damaged attribute {}", name);
  return texts;
}

std::optional<std::string> H5File::text_attribute(const std::string& object, const std::string& name) const {
  std::vector<std::string> texts = texts_attribute(object, name);
  if (texts.empty()) return std::nullopt;
  return texts[0];
}

std::vector<double> H5File::numbers_attribute(const std::string& object, const std::string& name) const {
  if (!has_attribute(object, name)) return {};
  const StoredAttribute stored = open_attribute(file_, name_, object, name);
  const Kind kind = kind_of_type(stored.type);
  if (kind != Kind::integer && kind != Kind::real) return {};
  std::vector<double> numbers(stored.count, 0.0);
  if (stored.count > 0 && H5Aread(stored.attribute, H5T_NATIVE_DOUBLE, numbers.data()) < 0)
    throw DataError(name_, object, "has a damaged attribute {}", name);
  return numbers;
}

std::optional<double> H5File::number_attribute(const std::string& object, const std::string& name) const {
  const std::vector<double> numbers = numbers_attribute(object, name);
  if (numbers.empty()) return std::nullopt;
  return numbers[0];
}

}  // namespace espalier
