#include "import/importer.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/need.h"
#include "h5/samples.h"

namespace espalier {

namespace {

constexpr std::size_t kBatchBytes = std::size_t(8) << 20;
constexpr double kCopies = 3;  // of a batch: raw, decoded, reordered

/// An HDF5 attribute holds 64 KiB at most, a text in it takes 16 bytes.
constexpr std::size_t kMostNames = 4000;

std::string describe(const SampleHeader& header) {
  return fmt::format("{} {}", fmt::join(header.shape, " x "), header.is_u8 ? "uint8" : "float32");
}

void require_alike(const SampleSource& first, const SampleSource& other) {
  if (first.header().shape != other.header().shape || first.header().is_u8 != other.header().is_u8)
    throw DataError(other.name(), "", "has samples of {}, {} has {}", describe(other.header()), first.name(),
                    describe(first.header()));
}

void require_finite(const std::string& file, const SampleBatch& batch, std::size_t first_row, std::size_t values) {
  for (std::size_t i = 0; i < batch.floats.size(); ++i)
    if (!std::isfinite(batch.floats[i]))
      throw DataError(file, "", "has {} in sample {}, value {} (--allow-nan lets it pass)",
                      std::isnan(batch.floats[i]) ? "NaN" : "infinity", first_row + i / values, i % values);
}

/// Arrays that are held whole are, one after the other; labels and names until the end. Tables do not say how many
/// rows they have.
void require_room(const Import& import, bool in_memory, const Control& control) {
  constexpr double kOfName = 96;  // of an id as a string, and as HDF5 takes it
  double array = 0, batch = 0, names = 0, output = 0;
  for (const auto* part : {&import.training, &import.test})
    for (const SourcePointer& source : *part) {
      const SampleHeader& header = source->header();
      const double rows = double(header.rows), sample = double(header.values()) * (header.is_u8 ? 1 : sizeof(float));
      array = std::max(array, header.held);
      batch = std::max(batch, kCopies * std::max(sample, std::min(rows * sample, double(kBatchBytes))));
      names += rows * (sizeof(std::int32_t) + (header.has_ids ? kOfName : 0));
      if (in_memory) output += rows * sample;
    }
  require_memory(control, {{"array", array}, {"batch", batch}, {"labels and ids", names}, {"output", output}},
                 in_memory ? "name a file with -o, or import fewer samples" : "import fewer samples");
}

class Writer {
 public:
  Writer(const Import& import, H5File& out, bool allow_nan, const Control& control)
      : out_(out), allow_nan_(allow_nan), control_(control), first_(*import.training[0]) {
    for (const auto* part : {&import.training, &import.test})
      for (const SourcePointer& source : *part) {
        require_alike(first_, *source);
        has_labels_ = has_labels_ || source->header().has_labels;
        has_ids_ = has_ids_ || source->header().has_ids;
        expected_ += source->header().rows;
      }
    type_ = first_.header().is_u8 ? Type::u8 : Type::f32;
    out_.begin_rows("/data", type_, first_.header().shape);
  }

  void copy(SampleSource& source) {
    const std::size_t values = source.header().values(), item = type_ == Type::u8 ? 1 : 4;
    const std::size_t most = std::max<std::size_t>(1, kBatchBytes / (values * item));
    std::size_t rows = 0;
    for (SampleBatch batch; source.read(most, batch), batch.rows > 0; rows += batch.rows) {
      throw_if_stopped(control_);
      if (type_ == Type::f32 && !allow_nan_) require_finite(source.name(), batch, rows, values);
      out_.append_rows("/data", type_, batch.rows,
                       type_ == Type::u8 ? static_cast<const void*>(batch.bytes.data()) : batch.floats.data());
      keep_names(source.header(), batch);
      rows_ += batch.rows;
      control_.report("samples", double(rows_), double(expected_));
    }
    if (rows == 0) throw DataError(source.name(), "", "has no samples");
  }

  std::size_t rows() const { return rows_; }

  ImportSummary finish(const ClassTable& classes, std::size_t training) {
    ImportSummary summary{first_.header().shape, first_.header().is_u8, training, rows_ - training, 0, 0};
    if (has_labels_) {
      Labels labels;
      labels.names = classes.resolve(labels_);
      labels.values = std::move(labels_);
      std::int32_t top = -1;
      for (std::int32_t label : labels.values) {
        top = std::max(top, label);
        summary.labelled += label >= 0;
      }
      summary.classes = labels.names.empty() ? std::size_t(top + 1) : labels.names.size();
      if (labels.names.size() > kMostNames) {
        control_.tell(
            fmt::format("{} classes: their names are left out, /labels can hold {}", labels.names.size(), kMostNames));
        labels.names.clear();
      }
      write_labels(out_, "/labels", labels);
    }
    if (has_ids_) out_.write_strings("/ids", ids_);
    if (summary.test > 0) {
      std::vector<std::uint8_t> split(rows_, 0);
      std::fill(split.begin() + std::ptrdiff_t(training), split.end(), std::uint8_t(1));
      out_.write("/split", {rows_}, split);
    }
    return summary;
  }

 private:
  void keep_names(const SampleHeader& header, SampleBatch& batch) {
    if (header.has_labels)
      labels_.insert(labels_.end(), batch.labels.begin(), batch.labels.end());
    else if (has_labels_)
      labels_.resize(labels_.size() + batch.rows, -1);
    if (header.has_ids)
      std::move(batch.ids.begin(), batch.ids.end(), std::back_inserter(ids_));
    else if (has_ids_)
      ids_.resize(ids_.size() + batch.rows);
  }

  H5File& out_;
  bool allow_nan_;
  const Control& control_;
  const SampleSource& first_;
  Type type_ = Type::f32;
  bool has_labels_ = false, has_ids_ = false;
  std::size_t expected_ = 0, rows_ = 0;
  std::vector<std::int32_t> labels_;
  std::vector<std::string> ids_;
};

}  // namespace

ImportSummary write_import(Import import, H5File& out, bool in_memory, bool allow_nan, const Control& control) {
  require_room(import, in_memory, control);
  Writer writer(import, out, allow_nan, control);
  for (const SourcePointer& source : import.training) writer.copy(*source);
  const std::size_t training = writer.rows();
  for (const SourcePointer& source : import.test) writer.copy(*source);
  return writer.finish(*import.classes, training);
}

}  // namespace espalier
