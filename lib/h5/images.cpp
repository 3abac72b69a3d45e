#include "h5/images.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.h"
#include "h5/checkpoint.h"

namespace espalier {

namespace {

constexpr std::int32_t kMostClasses = 1 << 20;  // of an architecture

void set_shape(ImageSet& images, const std::vector<std::size_t>& shape, const SampleFile& file) {
  for (const std::size_t size : shape)
    if (size == 0 || size > (1 << 20)) throw DataError(file.name(), "", "has samples of a size {}", size);
  const auto at = [&](std::size_t axis) { return int(shape[axis]); };
  switch (shape.size()) {
    case 1:
      images.channels = at(0), images.height = 1, images.width = 1;
      return;
    case 2:
      images.channels = 1, images.height = at(0), images.width = at(1);
      return;
    case 3:
      images.channels = at(0), images.height = at(1), images.width = at(2);
      return;
    default:
      throw DataError(file.name(), "", "has samples with {} axes, images have at most 3", shape.size());
  }
}

bool are_bytes(const SampleFile& file) {
  const std::vector<DataPart>& parts = file.layout().data;
  return std::all_of(parts.begin(), parts.end(),
                     [&](const DataPart& part) { return file.file().info(part.path).is_u8; });
}

void read_pixels(ImageSet& images, const SampleFile& file) {
  const std::vector<DataPart>& parts = file.layout().data;
  const std::size_t size = images.image_size();
  if (!are_bytes(file)) {
    Buffer<float> values(images.count * size);
    const Samples samples = file.read_samples();
    std::copy_n(std::get<Matrix>(samples).data(), values.size(), values.data());
    images.pixels = std::move(values);
    return;
  }
  Buffer<std::uint8_t> values(images.count * size);
  std::size_t row = 0;
  for (const DataPart& part : parts) {
    file.file().read_rows(part.path, 0, part.rows, values.data() + row * size);
    row += part.rows;
  }
  images.pixels = std::move(values);
}

std::uint64_t fingerprint_of(const LabelledImages& data) {
  const ImageSet& images = data.images;
  const auto bytes = [](const auto& values) {
    return std::span(reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(values[0]));
  };
  const std::uint64_t pixels =
      std::visit([&](const auto& values) { return fingerprint(bytes(values)); }, images.pixels);
  return pixels ^ (fingerprint(bytes(images.labels)) * 3) ^ (fingerprint(bytes(data.training)) * 5) ^
         std::uint64_t(images.width);
}

}  // namespace

double bytes_of_images(const SampleFile& file) {
  if (!file.has_data()) return 0;
  return file.bytes_of_samples(are_bytes(file) ? 1 : 2 * sizeof(float));  // floats are read, then copied
}

LabelledImages read_images(const SampleFile& file, bool labels_needed) {
  if (!file.has_data()) throw DataError(file.name(), "", "holds no samples; some can be named with --dataset");
  for (const DataPart& part : file.layout().data)
    if (part.storage != Storage::dense)
      throw DataError(file.name(), part.path, "is sparse, a network reads dense samples");
  LabelledImages data;
  ImageSet& images = data.images;
  images.count = file.rows();
  if (images.count == 0) throw DataError(file.name(), "", "holds no samples");
  set_shape(images, file.sample_shape(), file);
  read_pixels(images, file);
  images.labels.assign(images.count, 0);
  if (const std::optional<Labels> labels = file.read_labels()) {
    data.labelled = true;
    images.names = labels->names;
    for (std::size_t i = 0; i < images.count; ++i) {
      if (labels->values[i] < 0) {
        if (labels_needed) throw DataError(file.name(), "", "sample {} has no known label", i);
        data.labelled = false;
      }
      if (labels->values[i] >= kMostClasses)
        throw DataError(file.name(), "", "has a label {} at {}, a network has at most {} classes", labels->values[i], i,
                        kMostClasses);
      images.labels[i] = std::max(0, labels->values[i]);
    }
    images.classes = 1 + *std::max_element(images.labels.begin(), images.labels.end());
    if (!images.names.empty()) {
      if (std::size_t(images.classes) > images.names.size())
        throw DataError(file.name(), "", "has a label {} and names of {} classes", images.classes - 1,
                        images.names.size());
      images.classes = int(images.names.size());
    }
  } else if (labels_needed) {
    throw DataError(file.name(), "", "holds no labels; some can be named with --labels");
  }
  const std::vector<std::uint8_t> split = file.read_split();
  for (std::size_t i = 0; i < images.count; ++i)
    (!split.empty() && split[i] == 1 ? data.test : data.training).push_back(std::int32_t(i));
  data.fingerprint = fingerprint_of(data);
  return data;
}

void set_classes(LabelledImages& data, int classes, const std::vector<std::string>& names, const std::string& file) {
  ImageSet& images = data.images;
  if (data.labelled && !images.names.empty() && int(images.names.size()) != classes)
    throw DataError(file, "", "names {} classes, the network has {}", images.names.size(), classes);
  if (data.labelled && images.classes > classes)
    throw DataError(file, "", "has a label {}, the network has {} classes", images.classes - 1, classes);
  if (data.labelled && images.names != names &&
      std::is_permutation(names.begin(), names.end(), images.names.begin(), images.names.end())) {
    const auto c = std::size_t(std::mismatch(names.begin(), names.end(), images.names.begin()).first - names.begin());
    throw DataError(file, "", "names class {} {}, the network {}: the same classes in another order", c,
                    images.names[c], names[c]);
  }
  images.classes = classes;
}

}  // namespace espalier
