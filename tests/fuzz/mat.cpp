/// MATLAB files: version 5 by our own reader, 4 and 7.3 through matio.

#include "import/mat.h"

#include "../unit/import_files.h"
#include "fuzz.h"

using namespace espalier;

std::vector<std::string> fuzz_seeds() {
  TemporaryFolder folder;
  std::vector<std::string> seeds;
  for (const mat_ft version : {MAT_FT_MAT5, MAT_FT_MAT4, MAT_FT_MAT73}) {
    const std::string path = folder.path + "/a.mat";
    write_mat(path, version);
    seeds.push_back(read_text(path));
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static InputFile file(".mat");
  const std::string& path = file.hold(bytes, size);
  for (const char* variable : {"", "faces", "real", "stack"})
    refuse_or_read([&] { drain(read_mat(path, {variable, "y", SamplesIn::guess, {}}).source); });
  return 0;
}
