/// NPZ: zip archives of NPY members, as the importer opens them.

#include "../unit/import_making.h"
#include "fuzz.h"
#include "import/npy.h"
#include "import/open.h"
#include "import/zip.h"

using namespace espalier;

std::vector<std::string> fuzz_seeds() {
  const std::string samples = npy_bytes("<f4", false, "(2, 2)", raw<float>({1, 2, 3, 4})),
                    labels = npy_bytes("<i4", false, "(2,)", raw<std::int32_t>({1, 0}));
  return {zip_bytes({{"x_train.npy", samples}, {"y_train.npy", labels, true}, {"x_test.npy", samples, true, true}}),
          zip_bytes({{"data.npy", samples, false, true}, {"labels.npy", labels}}), zip_bytes({{"a.npy", samples}})};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static InputFile file(".npz");
  const std::string& path = file.hold(bytes, size);
  refuse_or_read([&] {
    for (const FilePart& member : list_zip(path))
      refuse_or_read([&] { drain(read_npy(ByteStream::open_part(path, member), Axes::guess, std::nullopt)); });
  });
  return refuse_or_read([&] {
    ImportOptions options;
    options.kind = ImportKind::npz;
    Import import = open_import({path}, options, {});
    for (SourcePointer& source : import.training) drain(std::move(source));
    for (SourcePointer& source : import.test) drain(std::move(source));
  });
}
