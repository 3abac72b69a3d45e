#pragma once
/// What a harness under tests/fuzz is: one reader, fed with bytes. It defines the two functions below and may include
/// what the unit tests share. A crash, an exception that is no refusal, and memory or time beyond the limits of
/// tests/fuzz/run are findings.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "import/source.h"

/// Small honest files that the mutations start from.
std::vector<std::string> fuzz_seeds();

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

namespace espalier {

/// A file in memory (or in the temporary folder) that holds the input, for readers that need a path.
class InputFile {
 public:
  explicit InputFile(const std::string& suffix);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  const std::string& hold(const std::uint8_t* bytes, std::size_t size);

 private:
  std::string path_;
};

/// Runs a reader: what it may throw is a refusal (DataError, and UsageError where the file lacks what was asked for).
template <class Reader>
int refuse_or_read(Reader reader) {
  try {
    reader();
  } catch (const DataError&) {
  } catch (const UsageError&) {
  }
  return 0;
}

/// Reads a source to its end.
void drain(SourcePointer source);

}  // namespace espalier
