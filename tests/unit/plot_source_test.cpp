#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "h5/file.h"
#include "h5_making.h"
#include "plot/source.h"

using namespace espalier;

namespace {

/// A file with a map of six samples, and what `add` puts in.
class MapFile {
 public:
  explicit MapFile(const std::function<void(H5File&)>& add) {
    H5File file = H5File::create(path());
    file.write("/embedding", {6, 2}, kTwelve);
    add(file);
    file.close();
  }
  const std::string& path() const { return temporary_.path; }

  static inline const std::vector<float> kTwelve = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

 private:
  making::TemporaryPath temporary_;
};

std::string refusal_of(const std::string& path, const MapSelection& selection) {
  try {
    const MapSource source(path, selection);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

MapSelection with_images() {
  MapSelection selection;
  selection.images = true;
  return selection;
}

}  // namespace

TEST_CASE("a map with labels but no samples is coloured by class") {
  const MapFile file([](H5File& f) { f.write("/labels", {6}, std::vector<std::int32_t>{0, 1, 2, 0, 1, 2}); });
  const MapSource source(file.path(), {});
  CHECK(source.input().labels.size() == 6);
}

TEST_CASE("what is no image is refused with what it is") {
  const MapFile vectors([](H5File& f) { f.write("/data", {6, 2}, MapFile::kTwelve); });
  CHECK(holds(refusal_of(vectors.path(), with_images()), "/data holds no images: samples are vectors of length 2,"));
  const MapFile no_samples([](H5File&) {});
  CHECK(holds(refusal_of(no_samples.path(), with_images()), "holds no samples"));
}

TEST_CASE("names of samples come from /ids, and are missed where there are none") {
  MapSelection selection;
  selection.ids = true;
  const std::vector<std::string> words = {"the", "of", "and", "to", "in", "a"};
  const MapFile named([&](H5File& f) { f.write_strings("/ids", words); });
  const MapSource source(named.path(), selection);
  CHECK(std::vector<std::string>(source.input().ids.begin(), source.input().ids.end()) == words);
  const MapFile nameless([](H5File&) {});
  CHECK(holds(refusal_of(nameless.path(), selection), "/ids is missing"));
}
