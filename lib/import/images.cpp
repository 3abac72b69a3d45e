#include "import/images.h"

#include <algorithm>

#include "base/error.h"
#include "base/parallel.h"
#include "import/codec.h"

namespace espalier {

namespace {

constexpr std::size_t kLargestFile = std::size_t(1) << 30;

std::string read_whole(const std::string& path) {
  ByteStream stream = ByteStream::open(path);
  std::string bytes;
  for (std::size_t step = std::size_t(1) << 16; !stream.at_end(); step *= 2) {
    const std::size_t size = bytes.size();
    if (size > kLargestFile) throw DataError(path, "", "has more than {} bytes, which is no image", kLargestFile);
    bytes.resize(size + step);
    bytes.resize(size + stream.read(bytes.data() + size, step));
  }
  return bytes;
}

class PictureSource : public SampleSource {
 public:
  PictureSource(std::vector<PictureFile> files, bool has_labels, const PictureOptions& options, const Control& control)
      : files_(std::move(files)), options_(options), control_(control) {
    name_ = files_[0].path;
    const std::size_t start = fetch_first();
    header_ = {{first_.channels, first_.height, first_.width}, true, has_labels, true, 0};
    if (!options_.skip_broken) header_.rows = files_.size();
    next_ = start;
  }

  void read(std::size_t most, SampleBatch& batch) override {
    batch.rows = 0;
    batch.bytes.clear();
    batch.labels.clear();
    batch.ids.clear();
    while (batch.rows == 0 && next_ < files_.size()) append(std::min(most, files_.size() - next_), batch);
  }

 private:
  /// The first image that can be decoded; its place among the files.
  std::size_t fetch_first() {
    for (std::size_t i = 0; i < files_.size(); ++i) {
      try {
        first_ = load(files_[i]);
        name_ = files_[i].path;
        return i;
      } catch (const DataError& error) {
        if (!options_.skip_broken) throw;
        control_.tell(fmt::format("{}; passed over", error.what()));
      }
    }
    throw DataError(files_[0].path, "", "and the other {} images cannot be decoded", files_.size() - 1);
  }

  Picture load(const PictureFile& file) const {
    Picture picture = decode_picture(file.path, read_whole(file.path));
    if (options_.color == Color::grey) picture = to_grey(picture);
    if (options_.color == Color::rgb) picture = to_color(picture);
    if (options_.size) picture = resize(picture, options_.size->width, options_.size->height);
    return picture;
  }

  void require_same_shape(const PictureFile& file, const Picture& picture) const {
    if (picture.width != first_.width || picture.height != first_.height)
      throw DataError(file.path, "", "is {} x {}, {} is {} x {}: --resize brings them to one size", picture.width,
                      picture.height, name_, first_.width, first_.height);
    if (picture.channels != first_.channels)
      throw DataError(file.path, "", "is {}, {} is {}: --color makes them alike",
                      picture.channels == 1 ? "grey" : "coloured", name_, first_.channels == 1 ? "grey" : "coloured");
  }

  void append(std::size_t count, SampleBatch& batch) {
    std::vector<Picture> pictures(count);
    std::vector<std::string> faults(count);
    parallel_for(count, [&](std::size_t i, int) {
      try {
        pictures[i] = load(files_[next_ + i]);
      } catch (const DataError& error) {
        faults[i] = error.what();
      }
    });
    const std::size_t values = header_.values(), plane = first_.width * first_.height;
    for (std::size_t i = 0; i < count; ++i) {
      const PictureFile& file = files_[next_ + i];
      if (!faults[i].empty()) {
        if (!options_.skip_broken) throw DataError("", "", "{}", faults[i]);
        control_.tell(fmt::format("{}; passed over", faults[i]));
        continue;
      }
      require_same_shape(file, pictures[i]);
      batch.bytes.resize((batch.rows + 1) * values);
      std::uint8_t* out = batch.bytes.data() + batch.rows * values;
      for (std::size_t p = 0; p < plane; ++p)
        for (std::size_t c = 0; c < first_.channels; ++c)
          out[c * plane + p] = pictures[i].pixels[p * first_.channels + c];
      if (header_.has_labels) batch.labels.push_back(file.label);
      batch.ids.push_back(file.id);
      ++batch.rows;
    }
    next_ += count;
  }

  std::vector<PictureFile> files_;
  PictureOptions options_;
  Control control_;
  Picture first_;
  std::size_t next_ = 0;
};

}  // namespace

SourcePointer read_pictures(std::vector<PictureFile> files, bool has_labels, const PictureOptions& options,
                            const Control& control) {
  return std::make_unique<PictureSource>(std::move(files), has_labels, options, control);
}

}  // namespace espalier
