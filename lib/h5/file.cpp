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

#include "base/error.h"
#include "base/parallel.h"
#include "h5/image.h"

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

/// Deflate packs at most about 1,032 to 1; a dataset that claims more than this many bytes for each that is stored
/// lies.
constexpr std::size_t kMostPacked = 1100;

/// Elements that a dataset may claim without storing any (fill values): beyond, the claim is taken for damage.
constexpr std::size_t kMostUnstored = std::size_t(1) << 24;

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

Kind kind_of(Id type) {
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      return Kind::integer;
    case H5T_FLOAT:
      return Kind::real;
    case H5T_ENUM:
      return Kind::boolean;
    case H5T_STRING:
      return Kind::text;
    default:
      return Kind::other;
  }
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

std::vector<std::size_t> shape_of(Id space) {
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank <= 0) return {};
  std::vector<hsize_t> dims(static_cast<std::size_t>(rank), 0);
  H5Sget_simple_extent_dims(space, dims.data(), nullptr);
  return {dims.begin(), dims.end()};
}

/// Strings of a dataset or attribute, fixed or variable in length, through `read(memory type, buffer)`.
template <class Read>
std::vector<std::string> strings_of(Id type, Id space, std::size_t count, const Read& read) {
  std::vector<std::string> out;
  out.reserve(count);
  if (H5Tis_variable_str(type) > 0) {
    Handle memory(H5Tcopy(type), close_type);
    std::vector<char*> texts(count, nullptr);
    if (read(memory, texts.data()) < 0) return {};
    for (const char* text : texts) out.emplace_back(text ? text : "");
    H5Dvlen_reclaim(memory, space, H5P_DEFAULT, texts.data());
    return out;
  }
  const std::size_t width = H5Tget_size(type);
  std::vector<char> bytes(count * width);
  Handle memory(H5Tcopy(type), close_type);
  if (read(memory, bytes.data()) < 0) return {};
  for (std::size_t i = 0; i < count; ++i) {
    std::string text(bytes.data() + i * width, strnlen(bytes.data() + i * width, width));
    if (H5Tget_strpad(type) == H5T_STR_SPACEPAD) text.erase(text.find_last_not_of(' ') + 1);
    out.push_back(std::move(text));
  }
  return out;
}

/// Refuses what cannot be true of this file: sizes that overflow, or far more than its bytes can hold.
void require_plausible(const std::string& file, const std::string& path, Id dataset,
                       const std::vector<std::size_t>& shape, std::size_t item) {
  std::size_t count = 1;
  for (std::size_t s : shape)
    if (__builtin_mul_overflow(count, s, &count))
      throw DataError(file, path, "claims {} elements", fmt::join(shape, " x "));
  std::size_t bytes = 0;
  const bool overflow = __builtin_mul_overflow(count, item, &bytes);
  const std::size_t stored = H5Dget_storage_size(dataset);
  if (overflow || (bytes / kMostPacked > stored && count > kMostUnstored))
    throw DataError(file, path, "claims {} elements, only {} bytes are stored", fmt::join(shape, " x "), stored);
}

void require_filters(const std::string& file, const std::string& path, Id dataset) {
  Handle plist(H5Dget_create_plist(dataset), close_properties);
  for (int i = 0; i < H5Pget_nfilters(plist); ++i) {
    char name[256] = "";
    unsigned flags = 0;
    std::size_t parameters = 0;
    const H5Z_filter_t filter =
        H5Pget_filter2(plist, unsigned(i), &flags, &parameters, nullptr, sizeof name, name, nullptr);
    if (H5Zfilter_avail(filter) <= 0)
      throw DataError(file, path, "is compressed by filter {} ({}), whose HDF5 plug-in is not installed", int(filter),
                      *name ? name : "unnamed");
  }
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

void H5File::refuse_cycles() const {
  std::vector<haddr_t> above;
  const auto visit = [&](auto& self, Id group, const std::string& path) -> void {
    H5O_info_t here;
    if (H5Oget_info2(group, &here, H5O_INFO_BASIC) < 0) throw DataError(name_, path, "cannot be read");
    if (std::find(above.begin(), above.end(), here.addr) != above.end() || above.size() > kMostLevels)
      throw DataError(name_, path, "is a group that contains itself");
    above.push_back(here.addr);
    H5G_info_t info;
    if (H5Gget_info(group, &info) < 0) throw DataError(name_, path, "is a damaged group");
    for (hsize_t i = 0; i < info.nlinks; ++i) {
      H5L_info_t link;
      if (H5Lget_info_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, &link, H5P_DEFAULT) < 0)
        throw DataError(name_, path, "is a damaged group");
      if (link.type != H5L_TYPE_HARD) continue;
      Handle object(H5Oopen_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, H5P_DEFAULT), close_object);
      if (!object.valid()) throw DataError(name_, path, "holds a damaged object");
      if (H5Iget_type(object) == H5I_GROUP) self(self, object, path == "/" ? "/..." : path);
    }
    above.pop_back();
  };
  Handle root(H5Gopen2(file_, "/", H5P_DEFAULT), close_group);
  if (!root.valid()) throw DataError(name_, "", "is a truncated or damaged HDF5 file");
  visit(visit, root, "/");
}

bool H5File::has(const std::string& path) const {
  if (path == "/") return true;
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (H5Lexists(file_, part.c_str(), H5P_DEFAULT) <= 0) return false;
    if (H5Oexists_by_name(file_, part.c_str(), H5P_DEFAULT) <= 0) return false;
    if (slash == std::string::npos) return true;
    if (!is_group(part)) return false;
  }
}

bool H5File::is_group(const std::string& path) const {
  if (path == "/") return true;
  if (H5Lexists(file_, path.c_str(), H5P_DEFAULT) <= 0) return false;
  Handle object(H5Oopen(file_, path.c_str(), H5P_DEFAULT), close_object);
  return object.valid() && H5Iget_type(object) == H5I_GROUP;
}

std::vector<std::string> H5File::children(const std::string& path) const {
  Handle group(H5Gopen2(file_, path.c_str(), H5P_DEFAULT), close_group);
  H5G_info_t info;
  if (!group.valid() || H5Gget_info(group, &info) < 0) throw DataError(name_, path, "is not a readable group");
  std::vector<std::string> names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    const ssize_t size = H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, nullptr, 0, H5P_DEFAULT);
    if (size < 0) throw DataError(name_, path, "is a damaged group");
    std::string name(std::size_t(size), '\0');
    H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, name.data(), name.size() + 1, H5P_DEFAULT);
    names.push_back(std::move(name));
  }
  return names;
}

Handle H5File::open_dataset(const std::string& path) const {
  if (!has(path)) throw DataError(name_, path, "is missing");
  Handle dataset(H5Dopen2(file_, path.c_str(), H5P_DEFAULT), close_dataset);
  if (!dataset.valid())
    throw DataError(name_, path, "{}", is_group(path) ? "is a group, not a dataset" : "cannot be opened");
  return dataset;
}

Handle H5File::open_object(const std::string& path) const {
  Handle object(H5Oopen(file_, path.c_str(), H5P_DEFAULT), close_object);
  if (!object.valid()) throw DataError(name_, path, "is missing");
  return object;
}

DatasetInfo H5File::info(const std::string& path) const {
  Handle dataset = open_dataset(path);
  Handle type(H5Dget_type(dataset), close_type), space(H5Dget_space(dataset), close_space);
  if (!type.valid() || !space.valid()) throw DataError(name_, path, "is damaged");
  DatasetInfo info;
  info.path = path;
  info.shape = shape_of(space);
  info.kind = kind_of(type);
  info.item_bytes = H5Tget_size(type);
  info.is_u8 = info.kind == Kind::integer && info.item_bytes == 1 && H5Tget_sign(type) == H5T_SGN_NONE;
  require_plausible(name_, path, dataset, info.shape, info.item_bytes);
  return info;
}

std::vector<DatasetInfo> H5File::datasets() const {
  std::vector<DatasetInfo> found;
  const auto visit = [&](auto& self, const std::string& group) -> void {
    for (const std::string& child : children(group)) {
      const std::string path = (group == "/" ? "" : group) + "/" + child;
      if (!has(path)) continue;
      if (is_group(path))
        self(self, path);
      else if (Handle dataset(H5Dopen2(file_, path.c_str(), H5P_DEFAULT), close_dataset); dataset.valid())
        found.push_back(info(path));
    }
  };
  visit(visit, "/");
  return found;
}

void H5File::read_slab(const std::string& path, std::size_t first, std::size_t rows, Id wanted, void* out,
                       std::size_t item_bytes) const {
  const DatasetInfo meta = info(path);
  if (meta.kind == Kind::text || meta.kind == Kind::other)
    throw DataError(name_, path, "holds {}, numbers are needed", meta.kind == Kind::text ? "text" : "compound values");
  Handle dataset = open_dataset(path);
  require_filters(name_, path, dataset);
  Handle space(H5Dget_space(dataset), close_space), stored(H5Dget_type(dataset), close_type);
  // A boolean is an enumeration over small integers, which HDF5 converts only among enumerations: read its base type.
  Handle base(meta.kind == Kind::boolean ? H5Tget_super(stored) : Id(-1), close_type);
  std::size_t row_items = 1;
  for (std::size_t axis = 1; axis < meta.shape.size(); ++axis) row_items *= meta.shape[axis];
  const std::size_t total = meta.shape.empty() ? 1 : meta.shape[0];
  if (first + rows > total) throw BugError("{}: rows {} to {} of {}", path, first, first + rows, total);
  const std::size_t step = std::max<std::size_t>(1, kSlabBytes / std::max<std::size_t>(1, row_items * item_bytes));
  for (std::size_t row = first; row < first + rows && row_items > 0; row += step) {
    const std::size_t count = std::min(step, first + rows - row);
    Handle memory(H5Scopy(space), close_space);
    if (!meta.shape.empty()) {
      std::vector<hsize_t> start(meta.shape.size(), 0), extent(meta.shape.begin(), meta.shape.end());
      start[0] = row;
      extent[0] = count;
      H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr);
      memory = Handle(H5Screate_simple(int(extent.size()), extent.data(), nullptr), close_space);
    }
    char* to = static_cast<char*>(out) + (row - first) * row_items * item_bytes;
    herr_t status;
    if (base.valid()) {
      std::vector<signed char> raw(count * row_items * H5Tget_size(stored));
      status = H5Dread(dataset, stored, memory, space, H5P_DEFAULT, raw.data());
      std::vector<char> wide(count * row_items * std::max(H5Tget_size(base), item_bytes));
      std::memcpy(wide.data(), raw.data(), raw.size());
      if (status >= 0) status = H5Tconvert(base, wanted, count * row_items, wide.data(), nullptr, H5P_DEFAULT);
      std::memcpy(to, wide.data(), count * row_items * item_bytes);
    } else {
      status = H5Dread(dataset, wanted, memory, space, H5P_DEFAULT, to);
    }
    if (status < 0) throw DataError(name_, path, "cannot be read from row {} on: truncated or damaged", row);
  }
}

void H5File::read_rows(const std::string& path, std::size_t first, std::size_t rows, float* out) const {
  const DatasetInfo meta = info(path);
  if (!meta.is_u8) return read_slab(path, first, rows, H5T_NATIVE_FLOAT, out, sizeof(float));
  // HDF5 converts bytes one by one; images are large, so widen them ourselves.
  const std::size_t row_items = meta.shape.empty() || meta.shape[0] == 0 ? 1 : meta.count() / meta.shape[0];
  const std::size_t step = std::max<std::size_t>(1, kSlabBytes / std::max<std::size_t>(1, row_items));
  std::vector<std::uint8_t> bytes(std::min(step, rows) * row_items);
  for (std::size_t row = 0; row < rows; row += step) {
    const std::size_t count = std::min(step, rows - row);
    read_slab(path, first + row, count, H5T_NATIVE_UINT8, bytes.data(), 1);
    float* to = out + row * row_items;
    parallel_ranges(count * row_items, std::size_t(1) << 18, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t i = begin; i < end; ++i) to[i] = bytes[i];
    });
  }
}

void H5File::read_rows(const std::string& path, std::size_t first, std::size_t rows, std::uint8_t* out) const {
  read_slab(path, first, rows, H5T_NATIVE_UINT8, out, 1);
}

template <class T>
std::vector<T> H5File::read_all(const std::string& path, Id type) const {
  const DatasetInfo meta = info(path);
  std::vector<T> out(meta.count());
  read_slab(path, 0, meta.shape.empty() ? 1 : meta.shape[0], type, out.data(), sizeof(T));
  return out;
}

std::vector<float> H5File::read_floats(const std::string& path) const {
  return read_all<float>(path, H5T_NATIVE_FLOAT);
}

std::vector<double> H5File::read_doubles(const std::string& path) const {
  return read_all<double>(path, H5T_NATIVE_DOUBLE);
}

std::vector<std::int64_t> H5File::read_longs(const std::string& path) const {
  return read_all<std::int64_t>(path, H5T_NATIVE_INT64);
}

std::vector<std::uint8_t> H5File::read_bytes(const std::string& path) const {
  return read_all<std::uint8_t>(path, H5T_NATIVE_UINT8);
}

std::vector<std::int32_t> H5File::read_ints(const std::string& path) const {
  const std::vector<std::int64_t> wide = read_longs(path);
  std::vector<std::int32_t> out(wide.size());
  for (std::size_t i = 0; i < wide.size(); ++i) {
    if (wide[i] < INT32_MIN || wide[i] > INT32_MAX)
      throw DataError(name_, path, "has {} at {}, which is not a 32-bit integer", wide[i], i);
    out[i] = std::int32_t(wide[i]);
  }
  return out;
}

std::vector<std::string> H5File::read_strings(const std::string& path) const {
  const DatasetInfo meta = info(path);
  if (meta.kind != Kind::text) throw DataError(name_, path, "holds numbers, text is needed");
  Handle dataset = open_dataset(path);
  require_filters(name_, path, dataset);
  Handle type(H5Dget_type(dataset), close_type), space(H5Dget_space(dataset), close_space);
  std::vector<std::string> texts = strings_of(type, space, meta.count(), [&](Id memory, void* out) {
    return H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, out);
  });
  if (texts.size() != meta.count()) throw DataError(name_, path, "cannot be read: truncated or damaged");
  return texts;
}

bool H5File::has_attribute(const std::string& object, const std::string& name) const {
  return H5Aexists_by_name(file_, object.c_str(), name.c_str(), H5P_DEFAULT) > 0;
}

std::vector<std::string> H5File::texts_attribute(const std::string& object, const std::string& name) const {
  if (!has_attribute(object, name)) return {};
  Handle attribute(H5Aopen_by_name(file_, object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT), close_attribute);
  Handle type(H5Aget_type(attribute), close_type), space(H5Aget_space(attribute), close_space);
  if (!type.valid() || H5Tget_class(type) != H5T_STRING) return {};
  const hssize_t count = H5Sget_simple_extent_npoints(space);
  if (count < 0 || std::size_t(count) > kMostUnstored)
    throw DataError(name_, object, "has a damaged attribute {}", name);
  return strings_of(type, space, std::size_t(count),
                    [&](Id memory, void* out) { return H5Aread(attribute, memory, out); });
}

std::optional<std::string> H5File::text_attribute(const std::string& object, const std::string& name) const {
  std::vector<std::string> texts = texts_attribute(object, name);
  if (texts.empty()) return std::nullopt;
  return texts[0];
}

std::vector<double> H5File::numbers_attribute(const std::string& object, const std::string& name) const {
  if (!has_attribute(object, name)) return {};
  Handle attribute(H5Aopen_by_name(file_, object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT), close_attribute);
  Handle type(H5Aget_type(attribute), close_type), space(H5Aget_space(attribute), close_space);
  const hssize_t count = H5Sget_simple_extent_npoints(space);
  if (!type.valid() || (kind_of(type) != Kind::integer && kind_of(type) != Kind::real)) return {};
  if (count < 0 || std::size_t(count) > kMostUnstored)
    throw DataError(name_, object, "has a damaged attribute {}", name);
  std::vector<double> numbers(static_cast<std::size_t>(count), 0.0);
  if (H5Aread(attribute, H5T_NATIVE_DOUBLE, numbers.data()) < 0)
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
  Handle dataset = open_dataset(path);
  Handle old_space(H5Dget_space(dataset), close_space);
  const std::vector<std::size_t> old_shape = shape_of(old_space);
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
  // A soft or external link is copied as a link.
  H5L_info_t link;
  if (H5Lget_info(from.file_, path.c_str(), &link, H5P_DEFAULT) < 0) throw DataError(from.name_, path, "is missing");
  herr_t status;
  if (link.type == H5L_TYPE_HARD) {
    status = H5Ocopy(from.file_, path.c_str(), file_, path.c_str(), H5P_DEFAULT, H5P_DEFAULT);
  } else if (link.type == H5L_TYPE_SOFT) {
    std::string target(link.u.val_size, '\0');
    H5Lget_val(from.file_, path.c_str(), target.data(), target.size(), H5P_DEFAULT);
    status = H5Lcreate_soft(target.c_str(), file_, path.c_str(), H5P_DEFAULT, H5P_DEFAULT);
  } else {
    throw DataError(from.name_, path, "is a link to another file, which cannot be passed on");
  }
  if (status < 0) throw DataError(from.name_, path, "cannot be copied to {}", name_);
}

void H5File::copy_attributes(const H5File& from, const std::string& object) {
  Handle source = from.open_object(object), target = open_object(object);
  H5O_info_t info;
  if (H5Oget_info2(source, &info, H5O_INFO_NUM_ATTRS) < 0) throw DataError(from.name_, object, "is damaged");
  for (hsize_t i = 0; i < info.num_attrs; ++i) {
    Handle attribute(H5Aopen_by_idx(source, ".", H5_INDEX_NAME, H5_ITER_INC, i, H5P_DEFAULT, H5P_DEFAULT),
                     close_attribute);
    if (!attribute.valid()) throw DataError(from.name_, object, "has a damaged attribute");
    std::string name(std::size_t(std::max<ssize_t>(0, H5Aget_name(attribute, 0, nullptr))), '\0');
    H5Aget_name(attribute, name.size() + 1, name.data());
    Handle type(H5Aget_type(attribute), close_type), space(H5Aget_space(attribute), close_space);
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    if (count < 0 || std::size_t(count) > kMostUnstored || H5Tget_class(type) == H5T_REFERENCE) continue;
    std::vector<char> bytes(std::max<std::size_t>(1, std::size_t(count) * H5Tget_size(type)), 0);
    if (count > 0 && H5Aread(attribute, type, bytes.data()) < 0)
      throw DataError(from.name_, object, "has a damaged attribute {}", name);
    if (H5Aexists(target, name.c_str()) > 0) H5Adelete(target, name.c_str());
    Handle copy(H5Acreate2(target, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), close_attribute);
    const bool good = copy.valid() && (count == 0 || H5Awrite(copy, type, bytes.data()) >= 0);
    if (H5Tdetect_class(type, H5T_VLEN) > 0 || H5Tis_variable_str(type) > 0)
      H5Dvlen_reclaim(type, space, H5P_DEFAULT, bytes.data());
    if (!good) throw SystemError(kNoOutput, "{}: attribute {} cannot be written", name_, name);
  }
}

void H5File::close() {
  const bool flushed = H5Fflush(file_, H5F_SCOPE_LOCAL) >= 0;
  if (!file_.close() || !flushed) throw SystemError(kNoOutput, "{}: {}", name_, std::strerror(errno));
}

}  // namespace espalier
