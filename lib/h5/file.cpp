#include "h5/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hdf5.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <set>

#include "base/error.h"
#include "base/parallel.h"
#include "h5/image.h"
#include "h5/stored.h"

namespace espalier {

namespace {

using Id = Handle::Id;

int close_file(Id id) { return H5Fclose(id); }
int close_dataset(Id id) { return H5Dclose(id); }
int close_object(Id id) { return H5Oclose(id); }
int close_group(Id id) { return H5Gclose(id); }
int close_space(Id id) { return H5Sclose(id); }
int close_type(Id id) { return H5Tclose(id); }
int close_attribute(Id id) { return H5Aclose(id); }
int close_properties(Id id) { return H5Pclose(id); }

/// Bytes read or converted at once.
constexpr std::size_t kSlabBytes = std::size_t(8) << 20;

/// Levels of groups inside groups.
constexpr int kMostLevels = 64;

Handle properties(Id cls) { return Handle(H5Pcreate(cls), close_properties); }

/// How to reach `path`: the default driver resolves symbolic links by name, which leads nowhere for a memory file under
/// /proc/self/fd; the stdio driver just opens it.
Handle access(const std::string& path) {
  Handle list = properties(H5P_FILE_ACCESS);
  if (path.starts_with("/proc/self/fd/")) H5Pset_fapl_stdio(list);
  return list;
}

Handle open_file(const std::string& path, const std::string& name) {
  Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access(path)), close_file);
  if (!file.valid()) throw DataError(name, "", "is a truncated or damaged HDF5 file");
  return file;
}

/// True where the HDF5 signature stands at one of the places the format allows; a user block may come first.
bool has_signature(int descriptor) {
  static const unsigned char magic[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  for (off_t at : {0, 512, 1024, 2048, 4096}) {
    unsigned char head[8];
    if (::pread(descriptor, head, 8, at) == 8 && std::memcmp(head, magic, 8) == 0) return true;
  }
  return false;
}

void require_hdf5(const std::string& path, const std::string& name) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw SystemError(kNoInput, "{}: {}", name, std::strerror(errno));
  struct stat status = {};
  ::fstat(descriptor, &status);
  unsigned char head[64];
  const ssize_t got = S_ISDIR(status.st_mode) ? 0 : ::pread(descriptor, head, sizeof head, 0);
  const bool good = got > 0 && has_signature(descriptor);
  ::close(descriptor);
  if (S_ISDIR(status.st_mode)) throw SystemError(kNoInput, "{}: is a directory", name);
  if (!good) throw DataError(name, "", "{}", guess_format(head, std::size_t(std::max<ssize_t>(got, 0))));
}

Id memory_type(Type type) {
  switch (type) {
    case Type::u8:
      return H5T_NATIVE_UINT8;
    case Type::i32:
      return H5T_NATIVE_INT32;
    case Type::i64:
      return H5T_NATIVE_INT64;
    case Type::f32:
      return H5T_NATIVE_FLOAT;
    default:
      return H5T_NATIVE_DOUBLE;
  }
}

/// On disk numbers are little-endian whatever the machine.
Id file_type(Type type) {
  switch (type) {
    case Type::u8:
      return H5T_STD_U8LE;
    case Type::i32:
      return H5T_STD_I32LE;
    case Type::i64:
      return H5T_STD_I64LE;
    case Type::f32:
      return H5T_IEEE_F32LE;
    default:
      return H5T_IEEE_F64LE;
  }
}

std::size_t size_of(Type type) { return type == Type::u8 ? 1 : type == Type::i32 || type == Type::f32 ? 4 : 8; }

Handle string_type() {
  Handle type(H5Tcopy(H5T_C_S1), close_type);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

Handle simple_space(const std::vector<std::size_t>& shape) {
  if (shape.empty()) return Handle(H5Screate(H5S_SCALAR), close_space);
  std::vector<hsize_t> dims(shape.begin(), shape.end());
  return Handle(H5Screate_simple(int(dims.size()), dims.data(), nullptr), close_space);
}

}  // namespace

std::string DatasetInfo::describe() const {
  static const char* const words[] = {"integer", "real", "boolean", "text", "other"};
  const std::string type = kind == Kind::text || kind == Kind::other || kind == Kind::boolean
                               ? words[int(kind)]
                               : fmt::format("{} of {} bytes", words[int(kind)], item_bytes);
  return fmt::format("{}: {} {}", path, shape.empty() ? "scalar" : fmt::format("{}", fmt::join(shape, " x ")), type);
}

H5File H5File::open(const std::string& path) {
  silence_hdf5();
  if (path.empty() || path == "-") {
    const std::string name = "standard input";
    if (::isatty(STDIN_FILENO)) throw UsageError("no input: name a file, or pipe one in");
    MemoryFile image;
    image.fill_from(STDIN_FILENO);
    require_hdf5(image.path(), name);
    // HDF5 opens the memory file by its path and keeps it open, so the image itself may go.
    H5File file(open_file(image.path(), name), name);
    file.refuse_cycles();
    return file;
  }
  require_hdf5(path, path);
  H5File file(open_file(path, path), path);
  file.refuse_cycles();
  return file;
}

H5File H5File::create(const std::string& path) {
  silence_hdf5();
  Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access(path)), close_file);
  if (!file.valid()) throw SystemError(kNoOutput, "{}: {}", path, std::strerror(errno));
  return H5File(std::move(file), path);
}

namespace {

struct Link {
  std::string name;
  H5L_type_t type;
  haddr_t address;  ///< of the object, where the link is a hard one
};

herr_t append_link(hid_t, const char* name, const H5L_info_t* info, void* links) {
  static_cast<std::vector<Link>*>(links)->push_back(
      {name, info->type, info->type == H5L_TYPE_HARD ? info->u.address : HADDR_UNDEF});
  return 0;
}

/// The links of a group, by name.
std::vector<Link> links_of(Id group, const std::string& file, const std::string& path) {
  std::vector<Link> links;
  hsize_t start = 0;
  if (H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &start, append_link, &links) < 0)
    throw DataError(file, path, "is a damaged group");
  return links;
}

}  // namespace

void H5File::refuse_cycles() const {
  std::vector<haddr_t> above;
  std::set<haddr_t> done;  // an object with many names is looked at once
  const auto visit = [&](auto& self, Id group, const std::string& path) -> void {
    H5O_info_t here;
    if (H5Oget_info2(group, &here, H5O_INFO_BASIC) < 0) throw DataError(name_, path, "cannot be read");
    if (std::find(above.begin(), above.end(), here.addr) != above.end() || above.size() > kMostLevels)
      throw DataError(name_, path, "is a group that contains itself");
    if (!done.insert(here.addr).second) return;
    above.push_back(here.addr);
    for (const Link& link : links_of(group, name_, path)) {
      if (link.type != H5L_TYPE_HARD) continue;
      const std::string below = (path == "/" ? "" : path) + "/" + link.name;
      Handle object(H5Oopen(group, link.name.c_str(), H5P_DEFAULT), close_object);
      if (!object.valid()) throw DataError(name_, below, "is damaged");
      if (H5Iget_type(object) == H5I_GROUP) self(self, object, below);
    }
    above.pop_back();
  };
  Handle root(H5Gopen2(file_, "/", H5P_DEFAULT), close_group);
  if (!root.valid()) throw DataError(name_, "", "is a truncated or damaged HDF5 file");
  visit(visit, root, "/");
}

std::optional<H5File::Place> H5File::find(const std::string& path) const {
  if (path == "/") return Place{path, "", {}, true};
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (H5Lexists(file_, part.c_str(), H5P_DEFAULT) <= 0) return std::nullopt;
    Handle object(H5Oopen(file_, part.c_str(), H5P_DEFAULT), close_object);
    if (!object.valid()) return std::nullopt;
    const bool group = H5Iget_type(object) == H5I_GROUP;
    std::vector<std::string> fields;
    if (H5Iget_type(object) == H5I_DATASET) fields = table_fields(object);
    if (slash == std::string::npos) return Place{part, "", fields, group};
    if (group) continue;
    const std::string field = path.substr(slash + 1);
    if (std::find(fields.begin(), fields.end(), field) == fields.end()) return std::nullopt;
    return Place{part, field, {}, false};
  }
}

std::size_t H5File::bytes() const {
  hsize_t size = 0;
  H5Fflush(file_, H5F_SCOPE_LOCAL);
  if (H5Fget_filesize(file_, &size) < 0) throw DataError(name_, "", "has no size");
  return size;
}

bool H5File::has(const std::string& path) const { return find(path).has_value(); }

bool H5File::is_group(const std::string& path) const {
  const std::optional<Place> place = find(path);
  return place && (place->group || !place->fields.empty());
}

bool H5File::is_table(const std::string& path) const {
  const std::optional<Place> place = find(path);
  return place && !place->fields.empty();
}

std::vector<std::string> H5File::children(const std::string& path) const {
  const std::optional<Place> place = find(path);
  if (place && !place->fields.empty()) return place->fields;
  Handle group(H5Gopen2(file_, path.c_str(), H5P_DEFAULT), close_group);
  if (!group.valid()) throw DataError(name_, path, "is not a readable group");
  std::vector<std::string> names;
  for (const Link& link : links_of(group, name_, path)) names.push_back(link.name);
  return names;
}

void H5File::refuse_missing(const std::string& path) const {
  H5L_info_t link;
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (H5Lexists(file_, part.c_str(), H5P_DEFAULT) <= 0 || H5Lget_info(file_, part.c_str(), &link, H5P_DEFAULT) < 0)
      break;
    if (link.type == H5L_TYPE_EXTERNAL)
      throw DataError(name_, part, "is a link to another file, which is not followed");
    if (link.type == H5L_TYPE_SOFT && H5Oexists_by_name(file_, part.c_str(), H5P_DEFAULT) <= 0)
      throw DataError(name_, part, "is a link that leads nowhere");
    if (slash == std::string::npos) throw DataError(name_, path, "is damaged");
  }
  throw DataError(name_, path, "is missing");
}

Stored H5File::open_stored(const std::string& path) const {
  const std::optional<Place> place = find(path);
  if (!place) refuse_missing(path);
  if (place->group) throw DataError(name_, path, "is a group, not a dataset");
  if (!place->fields.empty())
    throw DataError(name_, path, "is a table; name one of its columns: {}", fmt::join(place->fields, ", "));
  return espalier::open_stored(file_, name_, place->object, place->field);
}

Handle H5File::open_object(const std::string& path) const {
  Handle object(H5Oopen(file_, path.c_str(), H5P_DEFAULT), close_object);
  if (!object.valid()) throw DataError(name_, path, "is missing");
  return object;
}

namespace {

DatasetInfo info_of(const Stored& stored) {
  DatasetInfo info{stored.path, stored.shape, stored.kind(), stored.item_bytes(), false};
  info.is_u8 = info.kind == Kind::integer && info.item_bytes == 1 && H5Tget_sign(stored.element) == H5T_SGN_NONE;
  return info;
}

/// Elements in one row of the first axis.
std::size_t row_items(const Stored& stored) {
  std::size_t items = 1;
  for (std::size_t axis = 1; axis < stored.shape.size(); ++axis) items *= stored.shape[axis];
  return items;
}

/// Rows to read at once where they are converted on the way: whole chunks, some megabytes.
std::size_t slab_rows(const Stored& stored, std::size_t item_bytes) {
  const std::size_t chunk = stored.chunk_rows();
  const std::size_t row_bytes = std::max<std::size_t>(1, row_items(stored) * item_bytes);
  return std::max<std::size_t>(1, kSlabBytes / row_bytes / chunk) * chunk;
}

/// Enumerations are converted by HDF5 only among themselves: they are read as they are, then as their base type.
bool read_enumeration(const Stored& stored, std::size_t first, std::size_t rows, Id wanted, std::size_t item_bytes,
                      char* out) {
  Handle base = close_later_type(H5Tget_super(stored.element));
  const std::size_t row = row_items(stored), from = H5Tget_size(base), step = slab_rows(stored, from);
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
      H5O_info_t here;
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
  const std::size_t row = row_items(stored), step = slab_rows(stored, 1);
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
  const std::size_t row = row_items(stored), step = slab_rows(stored, 8);
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
  Handle base = close_later_type(H5Tget_super(stored.element));
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

namespace {

/// An attribute open for reading, with the number of its elements.
struct StoredAttribute {
  Handle attribute, type, space;
  std::size_t count = 0;
};

StoredAttribute open_attribute(Id file, const std::string& file_name, const std::string& object,
                               const std::string& name) {
  StoredAttribute stored{
      Handle(H5Aopen_by_name(file, object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT), close_attribute),
      {},
      {},
      0};
  stored.type = close_later_type(H5Aget_type(stored.attribute));
  stored.space = close_later_space(H5Aget_space(stored.attribute));
  const hssize_t count = H5Sget_simple_extent_npoints(stored.space);
  if (!stored.type.valid() || count < 0 || std::size_t(count) > kMostUnstored)
    throw DataError(file_name, object, "has a damaged attribute {}", name);
  stored.count = std::size_t(count);
  return stored;
}

}  // namespace

std::vector<std::string> H5File::texts_attribute(const std::string& object, const std::string& name) const {
  if (!has_attribute(object, name)) return {};
  const StoredAttribute stored = open_attribute(file_, name_, object, name);
  if (kind_of_type(stored.type) != Kind::text) return {};
  return read_texts(
      stored.type, stored.space, stored.count, [](Id text) { return close_later_type(H5Tcopy(text)); },
      [&](Id memory, void* out) { return H5Aread(stored.attribute, memory, out) >= 0; });
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

void H5File::make_group(const std::string& path) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (part != "/" && H5Lexists(file_, part.c_str(), H5P_DEFAULT) <= 0) {
      Handle group(H5Gcreate2(file_, part.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), close_group);
      if (!group.valid()) throw SystemError(kNoOutput, "{}: {} cannot be made", name_, part);
    }
    if (slash == std::string::npos) return;
  }
}

void H5File::remove(const std::string& path) {
  if (H5Lexists(file_, path.c_str(), H5P_DEFAULT) > 0) H5Ldelete(file_, path.c_str(), H5P_DEFAULT);
}

namespace {

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

/// Objects that attributes and datasets refer to come along, and are referred to in the copy.
Handle copy_properties() {
  Handle plist = properties(H5P_OBJECT_COPY);
  H5Pset_copy_object(plist, H5O_COPY_EXPAND_REFERENCE_FLAG);
  return plist;
}

/// Whether reading or writing failed cannot be seen from outside; a full disk can.
[[noreturn]] void refuse_copy(const std::string& from, const std::string& to) {
  if (errno == ENOSPC || errno == EFBIG || errno == EDQUOT)
    throw SystemError(kNoOutput, "{}: {}", to, std::strerror(errno));
  throw DataError(from, "", "cannot be copied: truncated or damaged");
}

Handle creation_properties() {
  Handle plist = properties(H5P_DATASET_CREATE);
  H5Pset_obj_track_times(plist, false);
  return plist;
}

}  // namespace

void H5File::write(const std::string& path, Type type, const std::vector<std::size_t>& shape, const void* values) {
  make_group(parent_of(path));
  remove(path);
  Handle space = simple_space(shape), plist = creation_properties();
  Handle dataset(H5Dcreate2(file_, path.c_str(), file_type(type), space, H5P_DEFAULT, plist, H5P_DEFAULT),
                 close_dataset);
  const bool empty = H5Sget_simple_extent_npoints(space) == 0;
  if (!dataset.valid() || (!empty && H5Dwrite(dataset, memory_type(type), H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0))
    throw SystemError(kNoOutput, "{}: {} cannot be written: {}", name_, path, std::strerror(errno));
}

void H5File::write(const std::string& path, const std::vector<std::size_t>& shape, std::span<const float> values) {
  write(path, Type::f32, shape, values.data());
}
void H5File::write(const std::string& path, const std::vector<std::size_t>& shape,
                   std::span<const std::uint8_t> values) {
  write(path, Type::u8, shape, values.data());
}
void H5File::write(const std::string& path, const std::vector<std::size_t>& shape,
                   std::span<const std::int32_t> values) {
  write(path, Type::i32, shape, values.data());
}
void H5File::write(const std::string& path, const std::vector<std::size_t>& shape,
                   std::span<const std::int64_t> values) {
  write(path, Type::i64, shape, values.data());
}
void H5File::write(const std::string& path, const std::vector<std::size_t>& shape, std::span<const double> values) {
  write(path, Type::f64, shape, values.data());
}

void H5File::write_strings(const std::string& path, std::span<const std::string> values) {
  make_group(parent_of(path));
  remove(path);
  std::vector<const char*> texts;
  for (const std::string& value : values) texts.push_back(value.c_str());
  Handle space = simple_space({values.size()}), plist = creation_properties(), type = string_type();
  Handle dataset(H5Dcreate2(file_, path.c_str(), type, space, H5P_DEFAULT, plist, H5P_DEFAULT), close_dataset);
  if (!dataset.valid() || (!texts.empty() && H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, texts.data()) < 0))
    throw SystemError(kNoOutput, "{}: {} cannot be written: {}", name_, path, std::strerror(errno));
}

void H5File::write_scalar(const std::string& path, const std::string& text) {
  make_group(parent_of(path));
  remove(path);
  const char* value = text.c_str();
  Handle space = simple_space({}), plist = creation_properties(), type = string_type();
  Handle dataset(H5Dcreate2(file_, path.c_str(), type, space, H5P_DEFAULT, plist, H5P_DEFAULT), close_dataset);
  if (!dataset.valid() || H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, &value) < 0)
    throw SystemError(kNoOutput, "{}: {} cannot be written: {}", name_, path, std::strerror(errno));
}

void H5File::set_attribute(const std::string& object, const std::string& name, Id type, Id space, const void* values) {
  if (has_attribute(object, name)) H5Adelete_by_name(file_, object.c_str(), name.c_str(), H5P_DEFAULT);
  Handle attribute(
      H5Acreate_by_name(file_, object.c_str(), name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
      close_attribute);
  if (!attribute.valid() || H5Awrite(attribute, type, values) < 0)
    throw SystemError(kNoOutput, "{}: attribute {} of {} cannot be written", name_, name, object);
}

void H5File::set_attribute(const std::string& object, const std::string& name, const std::string& text) {
  const char* value = text.c_str();
  set_attribute(object, name, string_type(), simple_space({}), &value);
}

void H5File::set_attribute(const std::string& object, const std::string& name, std::span<const std::string> texts) {
  std::vector<const char*> values;
  for (const std::string& text : texts) values.push_back(text.c_str());
  set_attribute(object, name, string_type(), simple_space({texts.size()}), values.data());
}

void H5File::set_attribute(const std::string& object, const std::string& name, double number) {
  set_attribute(object, name, H5T_IEEE_F64LE, simple_space({}), &number);
}

void H5File::set_attribute(const std::string& object, const std::string& name, std::int64_t number) {
  set_attribute(object, name, H5T_STD_I64LE, simple_space({}), &number);
}

void H5File::set_attribute(const std::string& object, const std::string& name, std::span<const double> numbers) {
  set_attribute(object, name, H5T_IEEE_F64LE, simple_space({numbers.size()}), numbers.data());
}

void H5File::set_attribute(const std::string& object, const std::string& name, std::span<const std::int64_t> numbers) {
  set_attribute(object, name, H5T_STD_I64LE, simple_space({numbers.size()}), numbers.data());
}

void H5File::begin_rows(const std::string& path, Type type, const std::vector<std::size_t>& row_shape) {
  make_group(parent_of(path));
  remove(path);
  std::vector<hsize_t> dims{0}, most{H5S_UNLIMITED}, chunk{1};
  std::size_t row_bytes = size_of(type);
  for (std::size_t s : row_shape) {
    dims.push_back(s);
    most.push_back(s);
    chunk.push_back(s);
    row_bytes *= s;
  }
  constexpr std::size_t kChunkBytes = std::size_t(1) << 20;
  chunk[0] = std::clamp<std::size_t>(kChunkBytes / std::max<std::size_t>(1, row_bytes), 1, 1 << 16);
  Handle space(H5Screate_simple(int(dims.size()), dims.data(), most.data()), close_space),
      plist = creation_properties();
  H5Pset_chunk(plist, int(chunk.size()), chunk.data());
  Handle dataset(H5Dcreate2(file_, path.c_str(), file_type(type), space, H5P_DEFAULT, plist, H5P_DEFAULT),
                 close_dataset);
  if (!dataset.valid()) throw SystemError(kNoOutput, "{}: {} cannot be made", name_, path);
}

void H5File::append_rows(const std::string& path, Type type, std::size_t rows, const void* values) {
  if (rows == 0) return;
  Handle dataset(H5Dopen2(file_, path.c_str(), H5P_DEFAULT), close_dataset);
  Handle old_space(H5Dget_space(dataset), close_space);
  const std::vector<std::size_t> old_shape = shape_of_space(old_space);
  std::vector<hsize_t> dims(old_shape.begin(), old_shape.end()), start(dims.size(), 0), extent = dims;
  start[0] = dims[0];
  extent[0] = rows;
  dims[0] += rows;
  bool good = H5Dset_extent(dataset, dims.data()) >= 0;
  Handle space(H5Dget_space(dataset), close_space),
      memory(H5Screate_simple(int(extent.size()), extent.data(), nullptr), close_space);
  good = good && H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr) >= 0 &&
         H5Dwrite(dataset, memory_type(type), memory, space, H5P_DEFAULT, values) >= 0;
  if (!good) throw SystemError(kNoOutput, "{}: {} cannot be written: {}", name_, path, std::strerror(errno));
}

void H5File::copy(const H5File& from, const std::string& path) {
  make_group(parent_of(path));
  remove(path);
  errno = 0;
  if (H5Ocopy(from.file_, path.c_str(), file_, path.c_str(), copy_properties(), H5P_DEFAULT) < 0)
    refuse_copy(from.name_, name_);
}

void H5File::copy_all(const H5File& from, const std::vector<std::string>& except) {
  // One call for everything, so that hard links and references go on pointing at the same objects; then one level up.
  const std::string below = "/espalier copies here";
  errno = 0;
  if (H5Ocopy(from.file_, "/", file_, below.c_str(), copy_properties(), H5P_DEFAULT) < 0)
    refuse_copy(from.name_, name_);
  for (const std::string& child : children(below)) {
    const std::string path = "/" + child;
    if (std::find(except.begin(), except.end(), path) != except.end()) continue;
    remove(path);
    if (H5Lmove(file_, (below + path).c_str(), file_, path.c_str(), H5P_DEFAULT, H5P_DEFAULT) < 0)
      refuse_copy(from.name_, name_);
  }
  copy_attributes(below, "/");
  remove(below);
}

void H5File::copy_attributes(const std::string& from, const std::string& to) {
  Handle source = open_object(from), target = open_object(to);
  H5O_info_t info;
  if (H5Oget_info2(source, &info, H5O_INFO_NUM_ATTRS) < 0) throw DataError(name_, from, "is damaged");
  for (hsize_t i = 0; i < info.num_attrs; ++i) {
    Handle attribute(H5Aopen_by_idx(source, ".", H5_INDEX_NAME, H5_ITER_INC, i, H5P_DEFAULT, H5P_DEFAULT),
                     close_attribute);
    if (!attribute.valid()) throw DataError(name_, from, "has a damaged attribute");
    std::string name(std::size_t(std::max<ssize_t>(0, H5Aget_name(attribute, 0, nullptr))), '\0');
    H5Aget_name(attribute, name.size() + 1, name.data());
    const StoredAttribute stored = open_attribute(file_, name_, from, name);
    std::vector<char> bytes(std::max<std::size_t>(1, stored.count * H5Tget_size(stored.type)), 0);
    if (stored.count > 0 && H5Aread(stored.attribute, stored.type, bytes.data()) < 0)
      throw DataError(name_, from, "has a damaged attribute {}", name);
    if (H5Aexists(target, name.c_str()) > 0) H5Adelete(target, name.c_str());
    Handle copy(H5Acreate2(target, name.c_str(), stored.type, stored.space, H5P_DEFAULT, H5P_DEFAULT), close_attribute);
    const bool good = copy.valid() && (stored.count == 0 || H5Awrite(copy, stored.type, bytes.data()) >= 0);
    if (H5Tdetect_class(stored.type, H5T_VLEN) > 0 || H5Tis_variable_str(stored.type) > 0)
      H5Dvlen_reclaim(stored.type, stored.space, H5P_DEFAULT, bytes.data());
    if (!good) throw SystemError(kNoOutput, "{}: attribute {} cannot be written", name_, name);
  }
}

void H5File::split_table(const std::string& path) {
  const std::string aside = path + " as a table";
  H5Lmove(file_, path.c_str(), file_, aside.c_str(), H5P_DEFAULT, H5P_DEFAULT);
  make_group(path);
  for (const std::string& field : children(aside)) {
    const Stored stored = open_stored(aside + "/" + field);
    Handle space = simple_space(stored.shape), plist = creation_properties();
    Handle dataset(
        H5Dcreate2(file_, (path + "/" + field).c_str(), stored.element, space, H5P_DEFAULT, plist, H5P_DEFAULT),
        close_dataset);
    std::vector<char> values(std::max<std::size_t>(1, stored.count() * stored.item_bytes()));
    const bool read = stored.read(0, stored.shape.empty() ? 1 : stored.shape[0], stored.element, values.data());
    if (!read || H5Dwrite(dataset, stored.element, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0)
      throw SystemError(kNoOutput, "{}: {}/{} cannot be written: {}", name_, path, field, std::strerror(errno));
    if (H5Tis_variable_str(stored.element) > 0) H5Dvlen_reclaim(stored.element, space, H5P_DEFAULT, values.data());
  }
  remove(aside);
}

void H5File::close() {
  const bool flushed = H5Fflush(file_, H5F_SCOPE_LOCAL) >= 0;
  if (!file_.close() || !flushed) throw SystemError(kNoOutput, "{}: {}", name_, std::strerror(errno));
}

}  // namespace espalier
