#include "import/binary.h"

#include "base/error.h"
#include "import/array.h"

namespace espalier {

namespace {

constexpr std::size_t kCifarPixels = 3 * 32 * 32, kStlPixels = 3 * 96 * 96;

class CifarSource : public SampleSource {
 public:
  CifarSource(ByteStream stream, CifarLabels labels) : stream_(std::move(stream)), labels_(labels) {
    name_ = stream_.name();
    header_ = {{3, 32, 32}, true, true, false, 0};
  }

  void read(std::size_t most, SampleBatch& batch) override {
    batch.rows = 0;
    batch.bytes.clear();
    batch.labels.clear();
    std::vector<std::uint8_t> record(label_bytes() + kCifarPixels);
    for (; batch.rows < most && !stream_.at_end(); ++batch.rows, ++next_) {
      stream_.read_exactly(record.data(), record.size(), fmt::format("record {}", next_));
      require_classes(record.data());
      batch.labels.push_back(labels_ == CifarLabels::fine ? record[1] : record[0]);
      batch.bytes.insert(batch.bytes.end(), record.begin() + std::ptrdiff_t(label_bytes()), record.end());
    }
  }

 private:
  std::size_t label_bytes() const { return labels_ == CifarLabels::ten ? 1 : 2; }

  void require_classes(const std::uint8_t* record) const {
    const int first = labels_ == CifarLabels::ten ? 10 : 20;
    if (record[0] >= first)
      throw DataError(name_, "", "has class {} in record {}, expected 0 to {}", record[0], next_, first - 1);
    if (label_bytes() == 2 && record[1] >= 100)
      throw DataError(name_, "", "has class {} in record {}, expected 0 to 99", record[1], next_);
  }

  ByteStream stream_;
  CifarLabels labels_;
  std::size_t next_ = 0;
};

}  // namespace

SourcePointer read_cifar(ByteStream stream, CifarLabels labels) {
  return std::make_unique<CifarSource>(std::move(stream), labels);
}

SourcePointer read_stl10(ByteStream stream, std::size_t file_bytes) {
  if (file_bytes == 0 || file_bytes % kStlPixels)
    throw DataError(stream.name(), "", "has {} bytes, expected a multiple of {} (3 x 96 x 96)", file_bytes, kStlPixels);
  ArrayLayout layout;
  layout.dims = {file_bytes / kStlPixels, 3, 96, 96};
  layout.axes = Axes::planes_transposed;
  return read_array(std::move(stream), std::move(layout));
}

std::vector<std::int32_t> read_stl10_labels(ByteStream stream, std::size_t file_bytes) {
  ArrayLayout layout;
  layout.dims = {file_bytes};
  std::vector<std::int32_t> labels = read_label_array(stream, layout);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 1 || labels[i] > 10)
      throw DataError(stream.name(), "", "has class {} at {}, expected 1 to 10", labels[i], i);
    --labels[i];
  }
  return labels;
}

}  // namespace espalier
