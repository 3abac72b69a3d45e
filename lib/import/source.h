#pragma once
/// One input, read as samples batch by batch: what every reader of this room offers.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace espalier {

/// What is known before the first sample is read.
struct SampleHeader {
  std::vector<std::size_t> shape;  ///< of one sample: {64}, or {1, 28, 28} (C x H x W) for an image
  bool is_u8 = false;              ///< samples are uint8, else float32
  bool has_labels = false, has_ids = false;
  std::size_t rows = 0;  ///< 0: not known before the end
  double held = 0;       ///< bytes that the source will hold from the first read() on, where that is more than a batch

  std::size_t values() const {
    std::size_t n = 1;
    for (std::size_t s : shape) n *= s;
    return n;
  }
};

/// A run of samples; which fields are filled the header says.
struct SampleBatch {
  std::size_t rows = 0;
  std::vector<std::uint8_t> bytes;   ///< rows x values, or
  std::vector<float> floats;         ///< rows x values
  std::vector<std::int32_t> labels;  ///< classes, or codes of a ClassTable; -1 unknown
  std::vector<std::string> ids;
};

/// A reader allocates for one batch at a time and holds every length in its input against what the file can hold first.
/// Malformed input is a DataError naming the file, thrown by the constructor or by read().
class SampleSource {
 public:
  virtual ~SampleSource() = default;
  const SampleHeader& header() const { return header_; }
  const std::string& name() const { return name_; }
  /// Replaces the batch by the next samples, at most `most`; no rows: the end.
  virtual void read(std::size_t most, SampleBatch&) = 0;

 protected:
  SampleHeader header_;
  std::string name_;
};

using SourcePointer = std::unique_ptr<SampleSource>;

}  // namespace espalier
