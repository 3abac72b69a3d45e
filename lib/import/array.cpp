#include "import/array.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace espalier {

namespace {

/// Shape of one sample in the file, seen as C x H x W with any memory order: element (c, y, x) stands at
/// c * step[0] + y * step[1] + x * step[2].
struct SampleOrder {
  std::size_t size[3], step[3];
  bool is_plain() const { return step[2] == 1 && step[1] == size[2] && step[0] == size[1] * size[2]; }
};

class ArraySource : public SampleSource {
 public:
  ArraySource(ByteStream stream, ArrayLayout layout) : stream_(std::move(stream)), layout_(std::move(layout)) {
    name_ = stream_.name();
    const std::size_t total = element_count(name_, layout_.dims);
    if (layout_.dims.empty()) throw DataError(name_, "", "holds a single number: samples need two axes or more");
    if (layout_.dims.size() < 2)
      throw DataError(name_, "", "has one axis of {} numbers: samples need two or more", layout_.dims[0]);
    rows_ = layout_.dims[0];
    values_ = total / rows_;
    std::uint64_t bytes = 0;
    if (__builtin_mul_overflow(std::uint64_t(total), std::uint64_t(layout_.type.bytes), &bytes))
      throw DataError(name_, "", "claims {} elements", fmt::join(layout_.dims, " x "));
    header_.is_u8 = layout_.type.is_u8();
    if (layout_.axes == Axes::guess) layout_.axes = looks_channels_last() ? Axes::channels_last : Axes::as_they_are;
    header_.shape = sample_shape();
    header_.rows = rows_;
    stream_.require_room(bytes, "samples");
    stream_.require_allocatable(layout_.fortran ? bytes : bytes / rows_, "samples");
    if (layout_.fortran) header_.held = double(bytes);
  }

  void read(std::size_t most, SampleBatch& batch) override {
    batch.rows = std::min(most, rows_ - next_);
    if (batch.rows == 0) {
      if (!layout_.fortran) stream_.require_end("the array");
      whole_ = {};
      return;
    }
    if (layout_.fortran && next_ == 0) hold_whole(rows_ * values_ * layout_.type.bytes);
    const unsigned char* raw = layout_.fortran ? gather(batch.rows) : take(batch.rows);
    next_ += batch.rows;
    const std::size_t count = batch.rows * values_;
    if (!header_.is_u8) {
      batch.floats.resize(count);
      decode_floats(raw, count, layout_.type.bytes, layout_.type, batch.floats.data());
      reorder(batch.rows, batch.floats, float_scratch_);
      return;
    }
    batch.bytes.assign(raw, raw + count);
    if (layout_.type.kind == ElementType::Kind::boolean)
      for (std::uint8_t& b : batch.bytes) b = b != 0;
    reorder(batch.rows, batch.bytes, byte_scratch_);
  }

 private:
  bool looks_channels_last() const {
    const auto& d = layout_.dims;
    return header_.is_u8 && d.size() == 4 && (d[3] == 1 || d[3] == 3 || d[3] == 4) && d[1] != 1 && d[1] != 3;
  }

  std::vector<std::size_t> sample_shape() const {
    std::vector<std::size_t> shape(layout_.dims.begin() + 1, layout_.dims.end());
    if (layout_.image) return image_shape(name_, values_, *layout_.image);
    if (shape.size() == 2) shape.insert(shape.begin(), 1);
    if (shape.size() == 3 && layout_.axes == Axes::channels_last) return {shape[2], shape[0], shape[1]};
    if (shape.size() == 3 && layout_.axes == Axes::planes_transposed) return {shape[0], shape[2], shape[1]};
    return shape;
  }

  SampleOrder order() const {
    const auto& s = header_.shape;
    const bool image = s.size() == 3;
    const std::size_t c = image ? s[0] : 1, h = image ? s[1] : 1, w = image ? s[2] : values_;
    if (image && layout_.axes == Axes::channels_last && !layout_.image) return {{c, h, w}, {1, w * c, c}};
    if (image && layout_.axes == Axes::planes_transposed) return {{c, h, w}, {h * w, 1, h}};
    return {{c, h, w}, {h * w, w, 1}};
  }

  const unsigned char* take(std::size_t rows) {
    raw_.resize(rows * values_ * layout_.type.bytes);
    stream_.read_exactly(raw_.data(), raw_.size(), fmt::format("sample {} of {}", next_, rows_));
    return raw_.data();
  }

  void hold_whole(std::size_t bytes) {
    whole_.resize(bytes);
    stream_.read_exactly(whole_.data(), bytes, "its array");
    stream_.require_end("the array");
  }

  /// Rows of a Fortran-ordered array: the element (n, i, j, ...) stands at n + N * (i + I * (j + ...)).
  const unsigned char* gather(std::size_t rows) {
    const std::size_t size = layout_.type.bytes;
    const std::vector<std::size_t> inner(layout_.dims.begin() + 1, layout_.dims.end());
    std::vector<std::size_t> index(inner.size(), 0);
    raw_.resize(rows * values_ * size);
    for (std::size_t e = 0; e < values_; ++e) {
      std::size_t column = 0;
      for (std::size_t axis = inner.size(); axis-- > 0;) column = column * inner[axis] + index[axis];
      const unsigned char* from = whole_.data() + (column * rows_ + next_) * size;
      for (std::size_t row = 0; row < rows; ++row)
        std::memcpy(raw_.data() + (row * values_ + e) * size, from + row * size, size);
      for (std::size_t axis = inner.size(); axis-- > 0;) {
        if (++index[axis] < inner[axis]) break;
        index[axis] = 0;
      }
    }
    return raw_.data();
  }

  template <class T>
  void reorder(std::size_t rows, std::vector<T>& values, std::vector<T>& scratch) const {
    const SampleOrder o = order();
    if (o.is_plain()) return;
    scratch.resize(values.size());
    T* to = scratch.data();
    for (std::size_t row = 0; row < rows; ++row) {
      const T* sample = values.data() + row * values_;
      for (std::size_t c = 0; c < o.size[0]; ++c)
        for (std::size_t y = 0; y < o.size[1]; ++y)
          for (std::size_t x = 0; x < o.size[2]; ++x) *to++ = sample[c * o.step[0] + y * o.step[1] + x * o.step[2]];
    }
    values.swap(scratch);
  }

  ByteStream stream_;
  ArrayLayout layout_;
  std::size_t rows_ = 0, values_ = 0, next_ = 0;
  std::vector<unsigned char> raw_, whole_;
  std::vector<std::uint8_t> byte_scratch_;
  std::vector<float> float_scratch_;
};

}  // namespace

std::vector<std::size_t> image_shape(const std::string& file, std::size_t values, ImageSize image) {
  const std::size_t plane = image.width * image.height;
  if (plane == 0 || values % plane)
    throw DataError(file, "", "has samples of {} values, which are no images of {} x {}", values, image.width,
                    image.height);
  return {values / plane, image.height, image.width};
}

std::size_t element_count(const std::string& file, const std::vector<std::size_t>& dims) {
  std::size_t count = 1;
  for (std::size_t d : dims) {
    if (d == 0) throw DataError(file, "", "is empty: its shape is {}", fmt::join(dims, " x "));
    if (__builtin_mul_overflow(count, d, &count))
      throw DataError(file, "", "claims {} elements", fmt::join(dims, " x "));
  }
  return count;
}

std::vector<std::int32_t> read_label_array(ByteStream& stream, const ArrayLayout& layout) {
  const std::size_t count = element_count(stream.name(), layout.dims);
  if (count > SIZE_MAX / layout.type.bytes) throw DataError(stream.name(), "", "claims {} labels", count);
  stream.require_allocatable(count * layout.type.bytes, "labels");
  std::vector<unsigned char> raw(count * layout.type.bytes);
  stream.read_exactly(raw.data(), raw.size(), "its labels");
  stream.require_end("its labels");
  std::vector<std::int32_t> labels(count);
  if (!decode_ints(raw.data(), count, layout.type, labels.data()))
    throw DataError(stream.name(), "", "has labels that are not integers of 32 bits");
  return labels;
}

SourcePointer read_array(ByteStream stream, ArrayLayout layout) {
  return std::make_unique<ArraySource>(std::move(stream), std::move(layout));
}

}  // namespace espalier
