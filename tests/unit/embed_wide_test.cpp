#include <doctest/doctest.h>
#include <sys/mman.h>

#include <cmath>
#include <vector>

#include "embed/packed.h"
#include "neighbors/panel.h"

// Sizes where the number of edges, or of coordinates, passes 2^31. The arrays are address space of which only the pages
// that the kernels read become memory.

namespace {

template <class T>
class Reserved {
 public:
  explicit Reserved(std::size_t size)
      : bytes_(size * sizeof(T)),
        at_(mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {}
  Reserved(const Reserved&) = delete;
  Reserved& operator=(const Reserved&) = delete;
  ~Reserved() {
    if (*this) munmap(at_, bytes_);
  }
  explicit operator bool() const { return at_ != MAP_FAILED; }
  T* data() { return static_cast<T*>(at_); }

 private:
  std::size_t bytes_;
  void* at_;
};

constexpr std::size_t kBeyond = (std::size_t(1) << 31) + 4096;

}  // namespace

TEST_CASE("attraction and cost reach edges past 2^31") {
  using namespace espalier;
  const std::size_t group = kBeyond / kGroupEdges + 1;
  Reserved<std::uint16_t> offsets((group + 64) * kGroupEdges), weights((group + 64) * kGroupEdges);
  Reserved<std::int32_t> bases(group + 64);
  if (!offsets || !weights || !bases) {
    MESSAGE("skipped: no address space");
    return;
  }
  // One row whose only group lies there: one edge, to the point at (3, 4), of weight 2^-96 in units of 2^96.
  const std::int64_t row_groups[2] = {std::int64_t(group), std::int64_t(group) + 1};
  bases.data()[group] = 1;
  weights.data()[group * kGroupEdges] = std::uint16_t((127 - 96) << (23 - kWeightShift));
  const PackedRows rows = {row_groups, bases.data(), offsets.data(), weights.data(), 0x1p96f};
  const float layout[] = {0, 0, 3, 4};
  float force[2];
  attraction_kernels().force[1](rows, layout, 1, 0, 1, force);
  CHECK(force[0] == doctest::Approx(-3.0 / 26));
  CHECK(force[1] == doctest::Approx(-4.0 / 26));
  CHECK(attraction_kernels().cost[1](rows, layout, 1, 1, 0, 1) == doctest::Approx(std::log(26.0)));
}

TEST_CASE("distances are taken to rows that begin past 2^31 numbers") {
  using namespace espalier;
  constexpr std::size_t d = 4096;
  const std::size_t rows = kBeyond / d + 2;
  Reserved<float> base(rows * d);
  if (!base) {
    MESSAGE("skipped: no address space");
    return;
  }
  const auto last = std::int32_t(rows - 1);
  const std::vector<float> x(d, 1.0f);
  base.data()[std::size_t(last) * d] = 3;
  double exact;
  panel_kernels().gathered_exactly(x.data(), base.data(), d, &last, 1, &exact);
  CHECK(exact == double(d - 1) + 4);
  float rounded;
  panel_kernels().gathered_distances(x.data(), base.data(), d, &last, 1, &rounded);
  CHECK(rounded == doctest::Approx(exact));
}
