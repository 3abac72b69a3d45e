#include "import/mat.h"

#include <fmt/ranges.h>
#include <matio.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <filesystem>
#include <memory>

#include "base/error.h"

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

void swallow(int, char*) {}

std::vector<std::size_t> dims_of(const matvar_t& variable) {
  return {variable.dims, variable.dims + std::max(0, variable.rank)};
}

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

bool is_numeric(const matvar_t& variable) { return element_type(variable) && !variable.isComplex; }

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path) {
    Mat_LogInitFunc("espalier", swallow);
    std::error_code error;
    file_bytes_ = std::filesystem::file_size(path, error);
    if (error) throw SystemError(kNoInput, "{}: {}", path, error.message());
    file_.reset(Mat_Open(path.c_str(), MAT_ACC_RDONLY));
    if (!file_) throw DataError(path, "", "is not a readable MATLAB file");
  }

  /// Name, shape and type of the variable; with no name, of the only one that could hold samples.
  MatVariable find(const std::string& name) {
    std::vector<std::string> listed;
    MatVariable found;
    std::size_t fitting = 0;
    Mat_Rewind(file_.get());
    while (MatVariable variable{Mat_VarReadNextInfo(file_.get())}) {
      if (!variable->name) continue;
      const std::vector<std::size_t> dims = dims_of(*variable);
      listed.push_back(fmt::format("{} ({})", variable->name, fmt::join(dims, " x ")));
      const bool samples = is_numeric(*variable) && dims.size() >= 2 && *std::min_element(dims.begin(), dims.end()) > 1;
      fitting += samples;
      if (name.empty() ? samples : name == variable->name) found = std::move(variable);
    }
    if (listed.empty()) throw DataError(path_, "", "is truncated or damaged: no variable can be read");
    if (!found || (name.empty() && fitting > 1))
      throw DataError(path_, name, "{}; the variables are {} (--variable)",
                      name.empty() ? fmt::format("holds {} arrays of samples", fitting) : "is missing",
                      fmt::join(listed, ", "));
    if (!is_numeric(*found)) throw DataError(path_, found->name, "holds no real numbers");
    return found;
  }

  /// All bytes of the variable, in MATLAB's order (the first axis runs fastest).
  void load(matvar_t& variable) {
    constexpr std::uintmax_t kMostPacked = 1032;
    const std::size_t count = element_count(path_, dims_of(variable));
    if (count / kMostPacked > file_bytes_)
      throw DataError(path_, variable.name, "claims {} elements, the file has {} bytes",
                      fmt::join(dims_of(variable), " x "), file_bytes_);
    const std::size_t bytes = count * element_type(variable)->bytes;
    if (Mat_VarReadDataAll(file_.get(), &variable) != 0 || !variable.data || variable.nbytes != bytes)
      throw DataError(path_, variable.name, "is truncated or damaged");
  }

 private:
  std::string path_;
  std::uintmax_t file_bytes_ = 0;
  MatFile file_;
};

std::vector<std::string> label_texts(Reader& reader, const std::string& file, const std::string& name) {
  const MatVariable variable = reader.find(name);
  reader.load(*variable);
  const std::vector<std::size_t> dims = dims_of(*variable);
  const std::size_t count = element_count(file, dims);
  if (count != *std::max_element(dims.begin(), dims.end()))
    throw DataError(file, name, "is {}, labels are one row or one column", fmt::join(dims, " x "));
  std::vector<std::int32_t> labels(count);
  if (!decode_ints(static_cast<const unsigned char*>(variable->data), count, *element_type(*variable), labels.data()))
    throw DataError(file, name, "has labels that are not integers of 32 bits");
  std::vector<std::string> texts;
  for (std::int32_t label : labels) texts.push_back(fmt::format("{}", label));
  return texts;
}

/// Side of a square image of n pixels; 0 where there is none.
std::size_t square_side(std::size_t n) {
  const auto side = std::size_t(std::llround(std::sqrt(double(n))));
  return side * side == n && side >= 4 ? side : 0;
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

/// Unrolled images are bytes with a square number of pixels; where both axes could be that, the longer one is.
bool looks_in_columns(std::size_t rows, std::size_t columns, bool bytes, std::size_t labels) {
  if (labels && rows != columns && (rows == labels || columns == labels)) return columns == labels;
  return bytes && square_side(rows) && (!square_side(columns) || rows > columns);
}

/// The layout of a matrix, and a remark where something was guessed.
ArrayLayout matrix_layout(const std::string& file, const matvar_t& variable, ElementType type,
                          const MatOptions& options, std::size_t label_count, std::string& remark) {
  const std::size_t rows = variable.dims[0], columns = variable.dims[1];
  ArrayLayout layout;
  layout.type = type;
  bool in_columns = options.samples == SamplesIn::columns;
  if (options.samples == SamplesIn::guess) {
    in_columns = looks_in_columns(rows, columns, type.is_u8(), label_count);
    remark = fmt::format("{}: {} is {} x {}, taken for {} samples in {} (--samples)", file, variable.name, rows,
                         columns, in_columns ? columns : rows, in_columns ? "columns" : "rows");
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
  const std::size_t plane = image->width * image->height;
  if (plane == 0 || values % plane)
    throw DataError(file, variable.name, "has samples of {} values, which are no images of {} x {}", values,
                    image->width, image->height);
  layout.fortran = !in_columns;
  layout.axes = in_columns ? Axes::planes_transposed : Axes::channels_last;
  layout.dims = in_columns ? std::vector{columns, values / plane, image->width, image->height}
                           : std::vector{rows, image->height, image->width, values / plane};
  return layout;
}

/// H x W x N or H x W x C x N with the first axis fastest is N x C x W x H with the last axis fastest.
ArrayLayout image_layout(const matvar_t& variable, ElementType type) {
  ArrayLayout layout;
  layout.type = type;
  const std::vector<std::size_t> dims = dims_of(variable);
  layout.dims.assign(dims.rbegin(), dims.rend());
  if (dims.size() == 3) layout.dims.insert(layout.dims.begin() + 1, 1);
  layout.axes = Axes::planes_transposed;
  return layout;
}

}  // namespace

MatSamples read_mat(const std::string& file, const MatOptions& options) {
  Reader reader(file);
  MatSamples out;
  if (!options.label.empty()) out.labels = label_texts(reader, file, options.label);
  const MatVariable variable = reader.find(options.variable);
  if (variable->rank < 2 || variable->rank > 4)
    throw DataError(file, variable->name, "has {} axes, expected 2, 3 or 4", variable->rank);
  reader.load(*variable);
  const std::vector<std::uint8_t> bytes = as_bytes(*variable);
  const ElementType type = bytes.empty() ? *element_type(*variable) : ElementType{};
  const ArrayLayout layout = variable->rank == 2
                                 ? matrix_layout(file, *variable, type, options, out.labels.size(), out.remark)
                                 : image_layout(*variable, type);
  const std::string name = fmt::format("{}: {}", file, variable->name);
  out.source = read_array(bytes.empty() ? ByteStream::from_memory(name, variable->data, variable->nbytes)
                                        : ByteStream::from_memory(name, bytes.data(), bytes.size()),
                          layout);
  return out;
}

}  // namespace espalier
