#include <doctest/doctest.h>

#include <functional>
#include <span>
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

TEST_CASE("in AnnData files maps, labels and values go by short names, and a note says which labels there are") {
  const making::TemporaryPath temporary(".h5ad");
  H5File file = H5File::create(temporary.path);
  const std::vector<std::string> names = {"a", "b", "c", "d", "e", "f"}, kinds = {"x", "y", "x", "y", "x", "y"};
  file.write("/X", {6, 2}, MapFile::kTwelve);
  file.write_strings("/var/index", std::vector<std::string>{"g", "h"});
  file.write_strings("/obs/index", names);
  file.write_strings("/obs/kind", kinds);
  file.write("/obs/size", {6}, std::span(MapFile::kTwelve).first(6));
  file.write("/obs/count", {6}, std::vector<std::int32_t>{1, 2, 3, 4, 5, 6});
  file.write("/obsm/X_umap", {6, 2}, MapFile::kTwelve);
  file.close();

  MapSelection selection;
  std::string note;
  Control control;
  control.note = [&](std::string_view text) { note = text; };
  for (const char* name : {"X_umap", "umap", "obsm/X_umap", "/obsm/X_umap"}) {
    CAPTURE(name);
    selection.embedding = name;
    note.clear();
    CHECK(MapSource(temporary.path, selection, control).input().panels.size() == 1);
    CHECK(note == "all points have one colour; --labels could name kind");
  }
  selection.ids = true;
  selection.samples.labels = "kind";
  note.clear();
  const MapSource source(temporary.path, selection, control);
  CHECK(note.empty());
  CHECK(source.input().names.size() == 2);
  CHECK(source.input().ids[5] == "f");
  selection.values = "size";
  CHECK(MapSource(temporary.path, selection).input().values[5] == 5);
  selection.embedding = "tsne";
  CHECK(holds(refusal_of(temporary.path, selection), "/tsne is missing; obsm holds X_umap"));
}
