#pragma once
/// Counter-based random numbers: the i-th number of a stream is a pure function of (seed, stream, i), so results depend
/// neither on the number of threads nor on where a run was resumed.
///
/// The mixer is the finaliser of SplitMix64 (Steele, Lea, Flood 2014), applied twice to decorrelate seed and counter.

#include <cmath>
#include <cstdint>

namespace espalier {

class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t stream) : key_(mix(mix(seed) ^ (stream * 0x9e3779b97f4a7c15ull))) {}

  std::uint64_t bits(std::uint64_t i) const { return mix(key_ + 0x9e3779b97f4a7c15ull * (i + 1)); }

  /// In [0, 1).
  double uniform(std::uint64_t i) const { return double(bits(i) >> 11) * 0x1p-53; }

  /// An integer in [0, n), n >= 1.
  std::uint64_t below(std::uint64_t i, std::uint64_t n) const {
    return std::uint64_t((static_cast<unsigned __int128>(bits(i)) * n) >> 64);
  }

  /// Standard normal, by Box and Muller from counters 2i and 2i + 1.
  double normal(std::uint64_t i) const {
    const double u = 1 - uniform(2 * i), v = uniform(2 * i + 1);
    return std::sqrt(-2 * std::log(u)) * std::cos(6.283185307179586 * v);
  }

 private:
  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  std::uint64_t key_;
};

}  // namespace espalier
