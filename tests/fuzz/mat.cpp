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
  static constexpr const char* kVariables[] = {"faces", "real", "stack", ""};
  const char* variable = kVariables[size % 4];
  return refuse_or_read([&] {
    drain(read_mat(path, {variable, size % 8 < 4 ? "y" : "", SamplesIn::guess, {}}).source);
  });
}
