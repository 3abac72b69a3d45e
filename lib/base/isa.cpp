#include "base/isa.h"

#include <cstdlib>

#include "base/error.h"

namespace espalier {

namespace {

/// The same source, in four lanes: SSE2 on x86, NEON on arm64, without a choice.
#if defined(__aarch64__)
constexpr const char* kBaselineName = "neon";
#else
constexpr const char* kBaselineName = "baseline";
#endif

Isa best_isa() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  if (avx512) return Isa::avx512;
  if (avx2) return Isa::avx2;
#endif
  return Isa::baseline;
}

Isa chosen_isa() {
  const char* name = std::getenv("ESPALIER_ISA");
  const Isa best = best_isa();
  if (!name || !*name) return best;
  for (Isa isa : {Isa::baseline, Isa::avx2, Isa::avx512}) {
    if (isa_name(isa) != name && !(isa == Isa::baseline && std::string("baseline") == name)) continue;
    if (isa > best) throw UsageError("ESPALIER_ISA is {}, this CPU has {} at most", name, isa_name(best));
    return isa;
  }
  throw UsageError("ESPALIER_ISA is '{}', expected baseline, avx2 or avx512, or neon on arm64", name);
}

}  // namespace

Isa isa() {
  static const Isa chosen = chosen_isa();
  return chosen;
}

std::string isa_name(Isa isa) {
  switch (isa) {
    case Isa::avx512:
      return "avx512";
    case Isa::avx2:
      return "avx2";
    default:
      return kBaselineName;
  }
}

int isa_lanes(Isa isa) { return isa == Isa::avx512 ? 16 : isa == Isa::avx2 ? 8 : 4; }

}  // namespace espalier
