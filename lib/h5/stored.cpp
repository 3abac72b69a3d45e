#include "h5/stored.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "h5/hdf5_api.h"

namespace espalier {

namespace {

using Id = Handle::Id;

/// Deflate packs at most about 1,032 to 1; a dataset that claims more than this many bytes for each that is stored
/// lies.
constexpr std::size_t kMostPacked = 1100;

/// Bytes that may be claimed for one element, be it a string.
constexpr std::size_t kMostUnstoredBytes = std::size_t(1) << 26;

constexpr int kMostAxes = 32;

/// Bytes read or converted at once.
constexpr std::size_t kSlabBytes = std::size_t(8) << 20;

/// Refuses what cannot be true of this file: sizes that overflow, or far more than its bytes can hold.
void require_plausible(const Stored& stored) {
  std::size_t count = 1, bytes = 0;
  bool overflow = false;
  for (std::size_t s : stored.shape) overflow = overflow || __builtin_mul_overflow(count, s, &count);
  overflow = overflow || __builtin_mul_overflow(count, std::max<std::size_t>(8, stored.item_bytes()), &bytes);
  const std::size_t kept = H5Dget_storage_size(stored.dataset);
  const bool large = count > kMostUnstored || bytes > 2 * kMostUnstoredBytes;
  if (overflow || (large && bytes / kMostPacked > kept))
    throw DataError(stored.file, stored.path, "claims {} elements, only {} bytes are stored",
                    fmt::join(stored.shape, " x "), kept);
}

/// Takes array types off `type`, noting their axes.
Handle strip_arrays(Handle type, std::vector<std::size_t>& axes) {
  while (type.valid() && H5Tget_class(type) == H5T_ARRAY) {
    const int rank = H5Tget_array_ndims(type);
    hsize_t dims[kMostAxes] = {};
    if (rank < 1 || rank > kMostAxes || H5Tget_array_dims2(type, dims) < 0) return {};
    axes.insert(axes.end(), dims, dims + rank);
    type = Handle(H5Tget_super(type), close_type);
  }
  return type;
}

}  // namespace

Kind kind_of_type(Id type) {
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

std::vector<std::size_t> shape_of_space(Id space) {
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank <= 0)
    return H5Sget_simple_extent_type(space) == H5S_NULL ? std::vector<std::size_t>{0} : std::vector<std::size_t>{};
  std::vector<hsize_t> dims(static_cast<std::size_t>(rank), 0);
  H5Sget_simple_extent_dims(space, dims.data(), nullptr);
  return {dims.begin(), dims.end()};
}

std::size_t Stored::item_bytes() const { return H5Tget_size(element); }

std::size_t Stored::count() const {
  std::size_t n = 1;
  for (std::size_t s : shape) n *= s;
  return n;
}

Handle Stored::memory_type(Id item) const {
  Handle type(H5Tcopy(item), close_type);
  if (!inner.empty()) {
    const std::vector<hsize_t> dims(inner.begin(), inner.end());
    type = Handle(H5Tarray_create2(type, unsigned(dims.size()), dims.data()), close_type);
  }
  if (field.empty()) return type;
  Handle table(H5Tcreate(H5T_COMPOUND, H5Tget_size(type)), close_type);
  H5Tinsert(table, field.c_str(), 0, type);
  return table;
}

void Stored::require_readable() const {
  Handle plist(H5Dget_create_plist(dataset), close_properties);
  if (!plist.valid()) throw DataError(file, path, "is damaged");
  if (H5Pget_layout(plist) == H5D_VIRTUAL || H5Pget_external_count(plist) > 0)
    throw DataError(file, path, "keeps its values in other files, which are not opened");
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

std::size_t Stored::chunk_rows() const {
  Handle plist(H5Dget_create_plist(dataset), close_properties);
  hsize_t dims[kMostAxes] = {1};
  if (H5Pget_layout(plist) != H5D_CHUNKED || H5Pget_chunk(plist, kMostAxes, dims) < 1) return 1;
  return std::max<std::size_t>(1, dims[0]);
}

std::size_t Stored::row_items() const {
  std::size_t items = 1;
  for (std::size_t axis = 1; axis < shape.size(); ++axis) items *= shape[axis];
  return items;
}

std::size_t Stored::slab_rows(std::size_t item_bytes) const {
  const std::size_t chunk = chunk_rows(), row_bytes = std::max<std::size_t>(1, row_items() * item_bytes);
  return std::max<std::size_t>(1, kSlabBytes / row_bytes / chunk) * chunk;
}

bool Stored::read(std::size_t first, std::size_t rows, Id item, void* out) const {
  Handle type = memory_type(item);
  const std::size_t rank = shape.size() - inner.size();
  if (rank == 0) return H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) >= 0;
  std::vector<hsize_t> start(rank, 0), extent(shape.begin(), shape.begin() + std::ptrdiff_t(rank));
  if (std::find(extent.begin(), extent.end(), 0u) != extent.end() || rows == 0) return true;
  start[0] = first;
  extent[0] = rows;
  Handle chosen(H5Scopy(space), close_space), memory(H5Screate_simple(int(rank), extent.data(), nullptr), close_space);
  return H5Sselect_hyperslab(chosen, H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr) >= 0 &&
         H5Dread(dataset, type, memory, chosen, H5P_DEFAULT, out) >= 0;
}

Stored open_stored(Id file, const std::string& file_name, const std::string& object, const std::string& field) {
  Stored stored{file_name, field.empty() ? object : object + "/" + field, {}, {}, {}, {}, {}, field};
  stored.dataset = Handle(H5Dopen2(file, object.c_str(), H5P_DEFAULT), close_dataset);
  if (!stored.dataset.valid()) throw DataError(file_name, stored.path, "cannot be opened");
  stored.space = Handle(H5Dget_space(stored.dataset), close_space);
  Handle type(H5Dget_type(stored.dataset), close_type);
  if (!field.empty()) {
    const int member = H5Tget_member_index(type, field.c_str());
    type = Handle(member < 0 ? Id(-1) : H5Tget_member_type(type, unsigned(member)), close_type);
  }
  stored.element = strip_arrays(std::move(type), stored.inner);
  if (!stored.element.valid() || !stored.space.valid()) throw DataError(file_name, stored.path, "is damaged");
  stored.shape = shape_of_space(stored.space);
  stored.shape.insert(stored.shape.end(), stored.inner.begin(), stored.inner.end());
  require_plausible(stored);
  return stored;
}

StoredAttribute open_attribute(Id file, const std::string& file_name, const std::string& object,
                               const std::string& name) {
  StoredAttribute stored{
      Handle(H5Aopen_by_name(file, object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT), close_attribute),
      {},
      {},
      0};
  stored.type = Handle(H5Aget_type(stored.attribute), close_type);
  stored.space = Handle(H5Aget_space(stored.attribute), close_space);
  const hssize_t count = H5Sget_simple_extent_npoints(stored.space);
  if (!stored.type.valid() || count < 0 || std::size_t(count) > kMostUnstored)
    throw DataError(file_name, object, "has a damaged attribute {}", name);
  stored.count = std::size_t(count);
  return stored;
}

std::vector<std::string> table_fields(Id dataset) {
  std::vector<std::string> fields;
  Handle type(H5Dget_type(dataset), close_type);
  if (!type.valid() || H5Tget_class(type) != H5T_COMPOUND) return fields;
  const int count = H5Tget_nmembers(type);
  for (int i = 0; i < count; ++i) {
    char* name = H5Tget_member_name(type, unsigned(i));
    if (!name) continue;
    fields.emplace_back(name);
    H5free_memory(name);
  }
  return fields;
}

std::vector<std::string> read_texts(Id element, Id space, std::size_t count, const std::function<Handle(Id)>& wrap,
                                    const std::function<bool(Id, void*)>& read) {
  std::vector<std::string> out;
  if (count == 0) return out;
  out.reserve(count);
  Handle memory = wrap(element);
  if (H5Tis_variable_str(element) > 0) {
    std::vector<char*> texts(count, nullptr);
    if (!read(memory, texts.data())) return {};
    for (const char* text : texts) out.emplace_back(text ? text : "");
    H5Dvlen_reclaim(memory, space, H5P_DEFAULT, texts.data());
    return out;
  }
  const std::size_t width = H5Tget_size(element);
  std::vector<char> bytes(count * width);
  if (!read(memory, bytes.data())) return {};
  for (std::size_t i = 0; i < count; ++i) {
    std::string text(bytes.data() + i * width, strnlen(bytes.data() + i * width, width));
    if (H5Tget_strpad(element) == H5T_STR_SPACEPAD) text.erase(text.find_last_not_of(' ') + 1);
    out.push_back(std::move(text));
  }
  return out;
}

}  // namespace espalier
