#include "import/mat.h"

#include <fmt/ranges.h>
#include <matio.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <filesystem>
#include <memory>

#include "base/error.h"
#include "h5/library.h"
#include "h5/trial.h"
#include "import/mat5.h"

namespace espalier {

namespace {

struct CloseFile {
  void operator()(mat_t* file) const { Mat_Close(file); }
};
struct FreeVariable {
  void operator()(matvar_t* variable) const { Mat_VarFree(variable); }
};
using MatFile = std::unique_ptr<mat_t, CloseFile>;
using MatVariable = std::unique_ptr<matvar_t, FreeVariable>;

/// matio before 1.5.24 hands over a char*, later releases a const char*.
template <class Text>
void swallow(int, Text) {}

std::optional<ElementType> element_type(const matvar_t& variable) {
  using Kind = ElementType::Kind;
  const bool big = std::endian::native == std::endian::big;
  switch (variable.class_type) {
    case MAT_C_DOUBLE:
      return ElementType{Kind::real, 8, big};
    case MAT_C_SINGLE:
      return ElementType{Kind::real, 4, big};
    case MAT_C_INT8:
      return ElementType{Kind::signed_integer, 1, big};
    case MAT_C_UINT8:
      return ElementType{variable.isLogical ? Kind::boolean : Kind::unsigned_integer, 1, big};
    case MAT_C_INT16:
      return ElementType{Kind::signed_integer, 2, big};
    case MAT_C_UINT16:
      return ElementType{Kind::unsigned_integer, 2, big};
    case MAT_C_INT32:
      return ElementType{Kind::signed_integer, 4, big};
    case MAT_C_UINT32:
      return ElementType{Kind::unsigned_integer, 4, big};
    case MAT_C_INT64:
      return ElementType{Kind::signed_integer, 8, big};
    case MAT_C_UINT64:
      return ElementType{Kind::unsigned_integer, 8, big};
    default:
      return std::nullopt;
  }
}

/// MATLAB's numbers are doubles unless asked; in files it stores those that are bytes as bytes, and so do we.
std::vector<std::uint8_t> as_bytes(const matvar_t& variable) {
  std::vector<std::uint8_t> bytes;
  if (variable.class_type != MAT_C_DOUBLE) return bytes;
  const double* values = static_cast<const double*>(variable.data);
  const std::size_t count = variable.nbytes / sizeof(double);
  if (!std::all_of(values, values + count, [](double v) { return v >= 0 && v <= 255 && v == std::floor(v); }))
    return bytes;
  bytes.assign(values, values + count);
  return bytes;
}

/// matio takes the memory that a version 4 file claims: holds each name and matrix against the file first. A header
/// is five integers, type MOPT (P the storage), rows, columns, imaginary, bytes of the name; in the other byte order
/// the type is none.
void require_honest_sizes(ByteStream stream) {
  static constexpr std::uint64_t kStorage[] = {8, 4, 4, 2, 2, 1};
  while (!stream.at_end()) {
    std::uint32_t head[5];
    stream.read_exactly(head, sizeof head, "a variable's header");
    if (head[0] > 9999)
      for (std::uint32_t& word : head) word = __builtin_bswap32(word);
    const std::uint32_t storage = head[0] / 10 % 10;
    std::uint64_t bytes = 0;
    if (head[0] > 9999 || storage > 5 || head[3] > 1 ||
        __builtin_mul_overflow(std::uint64_t(head[1]) * head[2], kStorage[storage] << head[3], &bytes) ||
        __builtin_add_overflow(bytes, std::uint64_t(head[4]), &bytes))
      throw DataError(stream.name(), "", "is not a readable MATLAB file");
    stream.require_room(bytes, "a variable");
    stream.skip(std::size_t(bytes), "a variable");
  }
}

/// Versions 4 and 7.3, through matio: the variable is held in memory whole.
class MatioReader {
 public:
  explicit MatioReader(const std::string& path) : path_(path) {
    silence_hdf5();
    Mat_LogInitFunc("espalier", swallow);
    require_survivable(path, path);  // version 7.3 is HDF5
    std::error_code error;
    file_bytes_ = std::filesystem::file_size(path, error);
    if (error) throw SystemError(kNoInput, "{}: {}", path, error.message());
    if (!ByteStream::open(path).peek(10).starts_with("MATLAB 7.3")) require_honest_sizes(ByteStream::open(path));
    file_.reset(Mat_Open(path.c_str(), MAT_ACC_RDONLY));
    if (!file_) throw DataError(path, "", "is not a readable MATLAB file");
  }

  std::optional<MatArray> next() {
    MatVariable variable;
    do {
      variable.reset(Mat_VarReadNextInfo(file_.get()));
      if (!variable) return std::nullopt;
    } while (!variable->name);
    MatArray array{variable->name, {variable->dims, variable->dims + std::max(0, variable->rank)}, {}, {}};
    if (!variable->isComplex) array.type = element_type(*variable);
    return array;
  }

  void load(MatArray& array) {
    constexpr std::uintmax_t kMostPacked = 1032;
    const std::size_t count = element_count(path_, array.dims);
    if (count / kMostPacked > file_bytes_)
      throw DataError(path_, array.name, "claims {} elements, the file has {} bytes", fmt::join(array.dims, " x "),
                      file_bytes_);
    // matio trusts what a damaged file says of types and sizes: let it read the variable in a child first.
    const auto read = [&] {
      return MatVariable{Mat_VarRead(MatFile{Mat_Open(path_.c_str(), MAT_ACC_RDONLY)}.get(), array.name.c_str())};
    };
    if (!survives_trial(read, 1 + double(file_bytes_) / 1e6))
      throw DataError(path_, array.name, "is damaged: matio fails on reading it");
    const MatVariable variable{Mat_VarRead(file_.get(), array.name.c_str())};
    if (!variable || !variable->data || variable->nbytes != count * array.type->bytes)
      throw DataError(path_, array.name, "is truncated or damaged");
    const std::string name = fmt::format("{}: {}", path_, array.name);
    const std::vector<std::uint8_t> bytes = as_bytes(*variable);
    if (!bytes.empty()) array.type = ElementType{};
    array.values = bytes.empty() ? ByteStream::from_memory(name, variable->data, variable->nbytes)
                                 : ByteStream::from_memory(name, bytes.data(), bytes.size());
  }

 private:
  std::string path_;
  std::uintmax_t file_bytes_ = 0;
  MatFile file_;
};

/// The variable of this name; with none, the only one that could hold samples.
template <class Reader>
MatArray find_array(Reader& reader, const std::string& path, const std::string& name) {
  std::vector<std::string> listed;
  std::optional<MatArray> found;
  std::size_t fitting = 0;
  while (std::optional<MatArray> array = reader.next()) {
    listed.push_back(fmt::format("{} ({})", array->name, fmt::join(array->dims, " x ")));
    const std::vector<std::size_t>& dims = array->dims;
    const bool samples = array->type && dims.size() >= 2 && *std::min_element(dims.begin(), dims.end()) > 1;
    fitting += samples;
    if (name.empty() ? samples : name == array->name) found = std::move(array);
  }
  if (listed.empty()) throw DataError(path, "", "holds no variables that can be read");
  if (!found || (name.empty() && fitting > 1))
    throw DataError(path, name, "{}; the variables are {} (--variable)",
                    name.empty() ? fmt::format("holds {} arrays of samples", fitting) : "is missing",
                    fmt::join(listed, ", "));
  if (!found->type) throw DataError(path, found->name, "holds no real numbers");
  return std::move(*found);
}

MatArray open_array(const std::string& path, const std::string& name) {
  if (is_mat5(ByteStream::open(path).peek(128))) {
    Mat5Reader reader(path);
    return find_array(reader, path, name);
  }
  MatioReader reader(path);
  MatArray array = find_array(reader, path, name);
  reader.load(array);
  return array;
}

std::vector<std::string> label_texts(const std::string& file, const std::string& name) {
  MatArray array = open_array(file, name);
  if (element_count(file, array.dims) != *std::max_element(array.dims.begin(), array.dims.end()))
    throw DataError(file, name, "is {}, labels are one row or one column", fmt::join(array.dims, " x "));
  ArrayLayout layout;
  layout.type = *array.type;
  layout.dims = array.dims;
  std::vector<std::string> texts;
  for (std::int32_t label : read_label_array(*array.values, layout)) texts.push_back(fmt::format("{}", label));
  return texts;
}

/// Side of a square image of n pixels; 0 where there is none.
std::size_t square_side(std::size_t n) {
  const auto side = std::size_t(std::llround(std::sqrt(double(n))));
  return side * side == n && side >= 4 ? side : 0;
}

/// Unrolled images are bytes with a square number of pixels; where both axes could be that, the longer one is.
bool looks_in_columns(std::size_t rows, std::size_t columns, bool bytes, std::size_t labels) {
  if (labels && rows != columns && (rows == labels || columns == labels)) return columns == labels;
  return bytes && square_side(rows) && (!square_side(columns) || rows > columns);
}

/// The layout of a matrix, and a remark where something was guessed.
ArrayLayout matrix_layout(const std::string& file, const MatArray& array, const MatOptions& options,
                          std::size_t label_count, std::string& remark) {
  const std::size_t rows = array.dims[0], columns = array.dims[1];
  const ElementType type = *array.type;
  ArrayLayout layout;
  layout.type = type;
  bool in_columns = options.samples == SamplesIn::columns;
  if (options.samples == SamplesIn::guess) {
    in_columns = looks_in_columns(rows, columns, type.is_u8(), label_count);
    remark = fmt::format("{}: {} is {} x {}, taken for {} samples in {} (--samples)", file, array.name, rows, columns,
                         in_columns ? columns : rows, in_columns ? "columns" : "rows");
  }
  const std::size_t values = in_columns ? rows : columns;
  std::optional<ImageSize> image = options.image;
  if (const std::size_t side = square_side(values); !image && in_columns && type.is_u8() && side) {
    image = ImageSize{side, side};
    remark += fmt::format("{}{} x {} images", remark.empty() ? "" : ", ", side, side);
  }
  if (!image) {
    layout.dims = in_columns ? std::vector{columns, rows} : std::vector{rows, columns};
    layout.fortran = !in_columns;
    return layout;
  }
  const std::size_t channels = image_shape(file + ": " + array.name, values, *image)[0];
  layout.fortran = !in_columns;
  layout.axes = in_columns ? Axes::planes_transposed : Axes::channels_last;
  layout.dims = in_columns ? std::vector{columns, channels, image->width, image->height}
                           : std::vector{rows, image->height, image->width, channels};
  return layout;
}

/// H x W x N or H x W x C x N with the first axis fastest is N x C x W x H with the last axis fastest.
ArrayLayout image_layout(const MatArray& array) {
  ArrayLayout layout;
  layout.type = *array.type;
  layout.dims.assign(array.dims.rbegin(), array.dims.rend());
  if (array.dims.size() == 3) layout.dims.insert(layout.dims.begin() + 1, 1);
  layout.axes = Axes::planes_transposed;
  return layout;
}

}  // namespace

MatSamples read_mat(const std::string& file, const MatOptions& options) {
  MatSamples out;
  if (!options.label.empty()) out.labels = label_texts(file, options.label);
  MatArray array = open_array(file, options.variable);
  const std::size_t rank = array.dims.size();
  if (rank < 2 || rank > 4) throw DataError(file, array.name, "has {} axes, expected 2, 3 or 4", rank);
  const ArrayLayout layout =
      rank == 2 ? matrix_layout(file, array, options, out.labels.size(), out.remark) : image_layout(array);
  out.source = read_array(std::move(*array.values), layout);
  return out;
}

}  // namespace espalier
