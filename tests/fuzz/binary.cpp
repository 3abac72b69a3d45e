/// The records of CIFAR and STL-10, and files of labels: IDX, NPY or text.

#include "import/binary.h"

#include "../unit/import_making.h"
#include "fuzz.h"
#include "import/labels.h"

using namespace espalier;

std::vector<std::string> fuzz_seeds() {
  return {std::string(2 * 3073, '\3'),
          std::string(2 * 3074, '\3'),
          std::string(3 * 96 * 96, '\4'),
          "\1\2\3\4",
          "oak\nash\noak\n",
          "1\n2\n1\n",
          idx_bytes(8, {4}, std::string("\0\1\2\1", 4)),
          npy_bytes("<i4", false, "(2,)", raw<std::int32_t>({1, 0}))};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto stream = [&] { return ByteStream::from_memory("input", bytes, size); };
  for (const CifarLabels labels : {CifarLabels::ten, CifarLabels::coarse, CifarLabels::fine})
    refuse_or_read([&] { drain(read_cifar(stream(), labels)); });
  refuse_or_read([&] { drain(read_stl10(stream(), size)); });
  refuse_or_read([&] { read_stl10_labels(stream(), size); });
  return refuse_or_read([&] {
    ClassTable classes;
    read_label_file(stream(), classes);
  });
}
