/// NPY: samples of every kind of number, and labels as numbers or text.

#include "import/npy.h"

#include "../unit/import_making.h"
#include "fuzz.h"

using namespace espalier;

std::vector<std::string> fuzz_seeds() {
  return {npy_bytes("<f4", true, "(3, 2)", std::string(24, '\1')),
          npy_bytes("|u1", false, "(2, 2, 2, 3)", std::string(24, '\1')),
          npy_bytes(">i8", false, "(3,)", std::string(24, '\1'), 2),
          npy_bytes("<f2", false, "(2, 6)", std::string(24, '\1'), 3),
          npy_bytes("|b1", false, "(2, 12)", std::string(24, '\1')),
          npy_bytes("<U3", false, "(2,)", raw<std::uint32_t>({'a', 0xe9, 0x1f333, 'b', 0, 0})),
          npy_bytes("|S4", false, "(2, 1)", std::string("oak\0ash\0", 8))};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto stream = [&] { return ByteStream::from_memory("input", bytes, size); };
  refuse_or_read([&] { drain(read_npy(stream(), Axes::guess, std::nullopt)); });
  refuse_or_read([&] { drain(read_npy(stream(), Axes::channels_last, ImageSize{2, 2})); });
  return refuse_or_read([&] { read_npy_texts(stream()); });
}
