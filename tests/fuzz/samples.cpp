/// HDF5 sample files: our own, AnnData, 10x. Damage on which HDF5 itself crashes must be met before it is read.

#include "../unit/h5_specimens.h"
#include "fuzz.h"

using namespace espalier;

std::vector<std::string> fuzz_seeds() {
  std::vector<std::string> seeds;
  for (auto* make : {specimens::make_native, specimens::make_anndata, specimens::make_tenx}) {
    making::TemporaryPath at;
    make(at.path);
    seeds.push_back(making::bytes_of(at.path));
  }
  return seeds;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static InputFile file(".h5");
  const std::string& path = file.hold(bytes, size);
  return refuse_or_read([&] { specimens::use(path, ""); });
}
