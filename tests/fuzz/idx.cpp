/// IDX, samples and labels, plain and inside gzip.

#include "import/idx.h"

#include "../unit/import_making.h"
#include "fuzz.h"

using namespace espalier;

std::vector<std::string> fuzz_seeds() {
  const std::string images = idx_bytes(8, {3, 2, 2}, std::string(12, '\5')),
                    labels = idx_bytes(8, {4}, std::string("\0\1\2\1", 4));
  return {images, labels, idx_bytes(0x0e, {3, 2}, std::string(48, '\5')), gzip_bytes(images), gzip_bytes(labels)};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static InputFile file(".idx");
  const std::string& path = file.hold(bytes, size);
  refuse_or_read([&] { drain(read_idx(ByteStream::open(path))); });
  return refuse_or_read([&] { read_idx_labels(ByteStream::open(path)); });
}
