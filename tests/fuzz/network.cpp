/// HDF5 network files.

#include "../unit/h5_specimens.h"
#include "fuzz.h"

using namespace espalier;

std::vector<std::string> fuzz_seeds() {
  making::TemporaryPath at;
  specimens::make_network(at.path);
  return {making::bytes_of(at.path)};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static InputFile file(".h5");
  const std::string& path = file.hold(bytes, size);
  return refuse_or_read([&] { read_network(H5File::open(path)); });
}
