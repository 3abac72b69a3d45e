#pragma once
/// Which instruction set the hot kernels use. A file NAME.kernel.cpp is compiled once per set, in the namespace
/// espalier::ESPALIER_KERNEL (baseline, avx2, avx512), and defines a table of its functions; select_kernels picks one.

#include <string>

namespace espalier {

enum class Isa { baseline, avx2, avx512 };

/// The best set this CPU has, or the one that the environment variable ESPALIER_ISA names. Throws UsageError for a name
/// that is unknown or that this CPU lacks. Fixed at the first call.
Isa isa();

/// "avx512", "avx2" or "baseline", which on arm64 is "neon".
std::string isa_name(Isa);
/// Floats that an operation of this set works on at once.
int isa_lanes(Isa);

/// The table for isa(); where a set is not built (arm64), the baseline's.
template <class Table>
const Table& select_kernels(const Table& baseline, [[maybe_unused]] const Table& avx2,
                            [[maybe_unused]] const Table& avx512) {
  switch (isa()) {
    case Isa::avx512:
      return avx512;
    case Isa::avx2:
      return avx2;
    default:
      return baseline;
  }
}

/// Declares `const Table name` in each kernel namespace and defines `const Table& function()`, which selects among
/// them.
#if defined(__x86_64__)
#define ESPALIER_KERNELS(Table, name, function) \
  namespace baseline {                          \
  extern const Table name;                      \
  }                                             \
  namespace avx2 {                              \
  extern const Table name;                      \
  }                                             \
  namespace avx512 {                            \
  extern const Table name;                      \
  }                                             \
  inline const Table& function() { return select_kernels(baseline::name, avx2::name, avx512::name); }
#else
#define ESPALIER_KERNELS(Table, name, function) \
  namespace baseline {                          \
  extern const Table name;                      \
  }                                             \
  inline const Table& function() { return baseline::name; }
#endif

}  // namespace espalier
