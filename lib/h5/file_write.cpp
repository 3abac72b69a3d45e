/// H5File: writing and copying datasets and attributes.

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "h5/file.h"
#include "h5/hdf5_api.h"

namespace espalier {

namespace {

using Id = Handle::Id;

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

/// Layout and filters of `dataset` for one of `dims`, whose chunks may be no larger.
Handle creation_properties_like(Id dataset, const std::vector<hsize_t>& dims) {
  Handle plist(H5Dget_create_plist(dataset), close_properties);
  H5Pset_obj_track_times(plist, false);
  std::vector<hsize_t> chunk(dims.size());
  if (H5Pget_layout(plist) != H5D_CHUNKED || H5Pget_chunk(plist, int(chunk.size()), chunk.data()) < 0) {
    H5Pset_layout(plist, H5D_CONTIGUOUS);
    return plist;
  }
  for (std::size_t axis = 0; axis < dims.size(); ++axis) chunk[axis] = std::min(chunk[axis], dims[axis]);
  H5Pset_chunk(plist, int(chunk.size()), chunk.data());
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

void H5File::copy(const H5File& from, const std::string& path, const std::string& to) {
  make_group(parent_of(to));
  remove(to);
  errno = 0;
  if (H5Ocopy(from.file_, path.c_str(), file_, to.c_str(), copy_properties(), H5P_DEFAULT) < 0)
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
  copy_attributes(*this, below, "/");
  remove(below);
}

void H5File::copy_rows(const H5File& from, const std::string& path, std::span<const std::int32_t> rows) {
  const Stored stored = from.open_stored(path);
  stored.require_readable();
  std::vector<hsize_t> dims(stored.shape.begin(), stored.shape.end() - std::ptrdiff_t(stored.inner.size()));
  const std::size_t total = dims.at(0), row_bytes = stored.row_items() * stored.item_bytes();
  dims[0] = rows.size();
  const Handle type = stored.memory_type(stored.element), plist = creation_properties_like(stored.dataset, dims);
  const Handle space(H5Screate_simple(int(dims.size()), dims.data(), nullptr), close_space);
  make_group(parent_of(path));
  remove(path);
  const Handle dataset(H5Dcreate2(file_, path.c_str(), type, space, H5P_DEFAULT, plist, H5P_DEFAULT), close_dataset);
  if (!dataset.valid()) throw SystemError(kNoOutput, "{}: {} cannot be made", name_, path);

  const std::size_t step = stored.slab_rows(stored.item_bytes());
  std::vector<char> slab(std::min(step, total) * row_bytes), kept(slab.size());
  std::vector<hsize_t> start(dims.size(), 0), extent = dims;
  std::size_t next = 0;
  for (std::size_t at = 0; at < total && next < rows.size(); at += step) {
    const std::size_t count = std::min(step, total - at), first = next;
    for (; next < rows.size() && std::size_t(rows[next]) < at + count; ++next) {
    }
    if (next == first) continue;
    if (!stored.read(at, count, stored.element, slab.data()))
      throw DataError(from.name_, path, "cannot be read: truncated or damaged");
    for (std::size_t i = first; i < next; ++i)
      std::memcpy(&kept[(i - first) * row_bytes], &slab[(std::size_t(rows[i]) - at) * row_bytes], row_bytes);
    start[0] = first;
    extent[0] = next - first;
    const Handle memory(H5Screate_simple(int(dims.size()), extent.data(), nullptr), close_space);
    const bool written =
        H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr) >= 0 &&
        H5Dwrite(dataset, type, memory, space, H5P_DEFAULT, kept.data()) >= 0;
    extent[0] = count;
    const Handle whole(H5Screate_simple(int(dims.size()), extent.data(), nullptr), close_space);
    if (H5Tdetect_class(type, H5T_VLEN) > 0 || H5Tis_variable_str(stored.element) > 0)
      H5Dvlen_reclaim(type, whole, H5P_DEFAULT, slab.data());
    if (!written) throw SystemError(kNoOutput, "{}: {} cannot be written: {}", name_, path, std::strerror(errno));
  }
  copy_attributes(from, path, path);
}

void H5File::copy_attributes(const H5File& from, const std::string& object, const std::string& to) {
  Handle source = from.open_object(object), target = open_object(to);
  H5O_info_t info;
  if (H5Oget_info2(source, &info, H5O_INFO_NUM_ATTRS) < 0) throw DataError(from.name_, object, "is damaged");
  for (hsize_t i = 0; i < info.num_attrs; ++i) {
    Handle attribute(H5Aopen_by_idx(source, ".", H5_INDEX_NAME, H5_ITER_INC, i, H5P_DEFAULT, H5P_DEFAULT),
                     close_attribute);
    if (!attribute.valid()) throw DataError(from.name_, object, "has a damaged attribute");
    std::string name(std::size_t(std::max<ssize_t>(0, H5Aget_name(attribute, 0, nullptr))), '\0');
    H5Aget_name(attribute, name.size() + 1, name.data());
    const StoredAttribute stored = open_attribute(from.file_, from.name_, object, name);
    std::vector<char> bytes(std::max<std::size_t>(1, stored.count * H5Tget_size(stored.type)), 0);
    if (stored.count > 0 && H5Aread(stored.attribute, stored.type, bytes.data()) < 0)
      throw DataError(from.name_, object, "has a damaged attribute {}", name);
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

}  // namespace espalier
