#include "import/labels.h"

#include <algorithm>

#include "base/error.h"
#include "import/idx.h"
#include "import/npy.h"

namespace espalier {

namespace {

class AttachedLabels : public SampleSource {
 public:
  AttachedLabels(SourcePointer source, std::vector<std::int32_t> labels, std::string labels_name)
      : source_(std::move(source)), labels_(std::move(labels)), labels_name_(std::move(labels_name)) {
    name_ = source_->name();
    header_ = source_->header();
    header_.has_labels = true;
    if (header_.rows && header_.rows != labels_.size()) fail(header_.rows);
  }

  void read(std::size_t most, SampleBatch& batch) override {
    source_->read(most, batch);
    const std::size_t end = next_ + batch.rows;
    if (end > labels_.size() || (batch.rows == 0 && end != labels_.size())) fail(end);
    batch.labels.assign(labels_.begin() + std::ptrdiff_t(next_), labels_.begin() + std::ptrdiff_t(end));
    next_ = end;
  }

 private:
  [[noreturn]] void fail(std::size_t samples) const {
    throw DataError(labels_name_, "", "has {} labels, {} has {}{} samples", labels_.size(), name_,
                    samples > labels_.size() && !header_.rows ? "at least " : "", samples);
  }

  SourcePointer source_;
  std::vector<std::int32_t> labels_;
  std::string labels_name_;
  std::size_t next_ = 0;
};

class CountedLabels : public SampleSource {
 public:
  CountedLabels(SourcePointer source, std::size_t every) : source_(std::move(source)), every_(every) {
    name_ = source_->name();
    header_ = source_->header();
    header_.has_labels = true;
  }

  void read(std::size_t most, SampleBatch& batch) override {
    source_->read(most, batch);
    batch.labels.clear();
    for (std::size_t i = 0; i < batch.rows; ++i) batch.labels.push_back(std::int32_t(next_++ / every_));
    if (batch.rows == 0 && next_ % every_)
      throw DataError(name_, "", "has {} samples, which do not divide into classes of {}", next_, every_);
  }

 private:
  SourcePointer source_;
  std::size_t every_, next_ = 0;
};

}  // namespace

std::vector<std::int32_t> label_codes(const std::vector<std::string>& texts, ClassTable& classes) {
  std::vector<std::int32_t> codes;
  for (const std::string& text : texts) codes.push_back(classes.code(text));
  return codes;
}

std::vector<std::int32_t> label_codes(const std::vector<std::int32_t>& numbers, ClassTable& classes) {
  std::vector<std::int32_t> codes;
  for (std::int32_t number : numbers) codes.push_back(classes.code(fmt::format("{}", number)));
  return codes;
}

std::vector<std::int32_t> read_label_file(ByteStream stream, ClassTable& classes) {
  if (is_idx(stream.peek(4))) return label_codes(read_idx_labels(std::move(stream)), classes);
  if (is_npy(stream.peek(6))) return label_codes(read_npy_texts(std::move(stream)), classes);
  std::vector<std::int32_t> codes;
  for (std::string line; stream.read_line(line);) {
    if (line.find('\0') != std::string::npos)
      throw DataError(stream.name(), "", "holds neither IDX nor NPY nor text: expected a class per line");
    codes.push_back(classes.code(line));
  }
  return codes;
}

SourcePointer attach_labels(SourcePointer source, std::vector<std::int32_t> labels, std::string labels_name) {
  return std::make_unique<AttachedLabels>(std::move(source), std::move(labels), std::move(labels_name));
}

SourcePointer count_off_labels(SourcePointer source, std::size_t every) {
  return std::make_unique<CountedLabels>(std::move(source), every);
}

}  // namespace espalier
