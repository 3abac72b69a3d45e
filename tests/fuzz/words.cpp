/// Word vectors as text.

#include "import/words.h"

#include "fuzz.h"

using namespace espalier;

std::vector<std::string> fuzz_seeds() {
  return {"2 2\nthe 0.5 -1\nof 1 2\n", "the 0.5 -1 3\nnew york 1 2 3\n", "1 3\r\n\xc3\xa9 1e3 -0 .5\r\n",
          "a 1 nan\nb inf 2\n"};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  looks_like_words({reinterpret_cast<const char*>(bytes), size});
  for (const bool allow_nan : {false, true})
    refuse_or_read([&] { drain(read_words(ByteStream::from_memory("input", bytes, size), allow_nan)); });
  return 0;
}
