#include "tensor/buffer.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>

#include "base/error.h"

namespace espalier {

void* allocate_aligned(std::size_t bytes) {
  constexpr std::size_t kLine = 64, kHugePage = std::size_t(1) << 21;
  const bool huge = bytes >= kHugePage;
  const std::size_t alignment = huge ? kHugePage : kLine;
  if (bytes > SIZE_MAX / 2) throw SystemError(kNoResource, "out of memory: {} bytes asked for", bytes);
  const std::size_t padded = (bytes + kLine + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, padded);
  if (!memory) throw SystemError(kNoResource, "out of memory: {:.1f} MiB asked for", double(bytes) / (1 << 20));
#ifdef MADV_HUGEPAGE
  if (huge) madvise(memory, padded, MADV_HUGEPAGE);
#endif
  return memory;
}

void free_aligned(void* memory) { std::free(memory); }

}  // namespace espalier
