#include "neighbors/panel.h"

#include "base/simd.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace espalier::ESPALIER_KERNEL {

namespace {

/// A tile of scores that stays in registers: kRows x two vectors. AVX-512 has 32 registers, the others 16.
constexpr int kRows = kLanes == 16 ? 8 : 4;
constexpr int kColumns = 2 * kLanes;

/// Rows that go through later stages together, wherever they stand in their panel.
constexpr std::size_t kRaceRows = 8;

struct Tile {
  Float score[kRows][2];
};

/// Bit per lane: x >= y.
ESPALIER_INLINE unsigned reaches(Float x, Float y) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask(__m512(x), __m512(y), _CMP_GE_OQ);
#elif defined(__AVX2__)
  return unsigned(_mm256_movemask_ps(_mm256_cmp_ps(__m256(x), __m256(y), _CMP_GE_OQ)));
#elif defined(__SSE2__)
  return unsigned(_mm_movemask_ps(_mm_cmpge_ps(__m128(x), __m128(y))));
#else
  unsigned mask = 0;
  for (int lane = 0; lane < kLanes; ++lane) mask |= unsigned(x[lane] >= y[lane]) << lane;
  return mask;
#endif
}

/// score -= row half + column half
ESPALIER_INLINE void subtract_halves(Tile& tile, const float* row_halves, const float* column_halves) {
  const Float first = load(column_halves), second = load(column_halves + kLanes);
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    const Float half = splat(row_halves[r]);
    tile.score[r][0] -= half + first;
    tile.score[r][1] -= half + second;
  }
}

/// score += products of dimensions [begin, end)
ESPALIER_INLINE void add_products(Tile& tile, const float* rows, const float* columns, std::size_t begin,
                                  std::size_t end) {
  for (std::size_t t = begin; t < end; ++t) {
    const Float first = load(columns + t * kPanel), second = load(columns + t * kPanel + kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      const Float x = splat(rows[t * kPanel + r]);
      tile.score[r][0] += x * first;
      tile.score[r][1] += x * second;
    }
  }
}

/// Rows of a pair that are still in the race for one vector of columns, and their scores so far.
struct Race {
  std::size_t count;
  std::int32_t row[kPanel + 1];  // and one that does not stay
  Float score[kPanel + 1];
};

/// What scores are held against after a stage.
struct Hurdle {
  const float *row_rests, *row_thresholds;
  Float rests, thresholds;  ///< of the columns
};

/// Enters the row behind the rows that stay, and moves their end where it can still reach a threshold, since
/// |x.y| <= |x| |y| in the dimensions to come.
ESPALIER_INLINE void keep(Race& race, std::size_t& kept, std::size_t row, Float score, const Hurdle& hurdle) {
  const Float most = score + splat(hurdle.row_rests[row]) * hurdle.rests;
  race.row[kept] = std::int32_t(row);
  race.score[kept] = score;
  kept += reaches(most, minimum(splat(hurdle.row_thresholds[row]), hurdle.thresholds)) != 0;
}

/// Takes rows [first, first + count) of the race through dimensions [begin, end).
template <int count>
std::size_t advance(const float* rows, const float* columns, std::size_t begin, std::size_t end, const Hurdle& next,
                    Race& race, std::size_t first, std::size_t kept) {
  const Hurdle hurdle = next;  // a copy, which what is written below cannot change
  Float sum[count];
  std::size_t at[count];
#pragma GCC unroll 8
  for (int r = 0; r < count; ++r) {
    at[r] = std::size_t(race.row[first + std::size_t(r)]);
    sum[r] = race.score[first + std::size_t(r)];
  }
  for (std::size_t t = begin; t < end; ++t) {
    const float* x = rows + t * kPanel;
    const Float y = load(columns + t * kPanel);
#pragma GCC unroll 8
    for (int r = 0; r < count; ++r) sum[r] += splat(x[at[r]]) * y;
  }
#pragma GCC unroll 8
  for (int r = 0; r < count; ++r) keep(race, kept, at[r], sum[r], hurdle);
  return kept;
}

using Advance = std::size_t (*)(const float*, const float*, std::size_t, std::size_t, const Hurdle&, Race&, std::size_t,
                                std::size_t);
constexpr Advance kAdvance[kRaceRows] = {advance<1>, advance<2>, advance<3>, advance<4>,
                                         advance<5>, advance<6>, advance<7>, advance<8>};

ESPALIER_INLINE PanelHit* write_hits(Float scores, unsigned for_row, unsigned for_column, int row, int column,
                                     PanelHit* hit) {
  float score[kLanes];
  store(score, scores);
  for (unsigned left = for_row | for_column; left; left &= left - 1) {
    const int lane = __builtin_ctz(left);
    *hit++ = {score[lane], std::uint8_t(row), std::uint8_t(column + lane), bool(for_row >> lane & 1),
              bool(for_column >> lane & 1)};
  }
  return hit;
}

ESPALIER_INLINE Hurdle hurdle(const PanelPair& pair, int stage, int column) {
  static constexpr float kNothing[kPanel] = {};
  const bool last = stage + 1 == pair.stages;
  const std::size_t skip = std::size_t(stage) * pair.rest_stride;
  return {last ? kNothing : pair.row_rests + skip, pair.row_thresholds,
          last ? Float{} : load(pair.column_rests + skip + column), load(pair.column_thresholds + column)};
}

/// Whether any score of the tile can still reach the lower of its two thresholds.
ESPALIER_INLINE bool any_reaches(const Tile& tile, int row, const Hurdle& first, const Hurdle& second) {
  unsigned any = 0;
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
    const Float rest = splat(first.row_rests[row + r]), threshold = splat(first.row_thresholds[row + r]);
    any |= reaches(tile.score[r][0] + rest * first.rests, minimum(threshold, first.thresholds));
    any |= reaches(tile.score[r][1] + rest * second.rests, minimum(threshold, second.thresholds));
  }
  return any != 0;
}

/// The first stage: all rows, for two vectors of columns.
ESPALIER_INLINE void start(const PanelPair& pair, int column, Race (&races)[2]) {
  const Hurdle first = hurdle(pair, 0, column), second = hurdle(pair, 0, column + kLanes);
  std::size_t kept[2] = {};
  for (int row = 0; row < kPanel; row += kRows) {
    Tile tile{};
    subtract_halves(tile, pair.row_halves + row, pair.column_halves + column);
    add_products(tile, pair.rows + row, pair.columns + column, 0, std::size_t(pair.stage_ends[0]));
    if (!any_reaches(tile, row, first, second)) continue;
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      keep(races[0], kept[0], std::size_t(row + r), tile.score[r][0], first);
      keep(races[1], kept[1], std::size_t(row + r), tile.score[r][1], second);
    }
  }
  races[0].count = kept[0];
  races[1].count = kept[1];
}

/// The other stages, and the hits of whatever is left, for the vector that begins at `column`.
ESPALIER_INLINE PanelHit* finish(const PanelPair& pair, int column, Race& race, PanelHit* hit) {
  for (int stage = 1; stage < pair.stages && race.count; ++stage) {
    const auto begin = std::size_t(pair.stage_ends[stage - 1]), end = std::size_t(pair.stage_ends[stage]);
    const Hurdle next = hurdle(pair, stage, column);
    std::size_t kept = 0;
    for (std::size_t r = 0; r < race.count; r += kRaceRows) {
      const std::size_t count = race.count - r < kRaceRows ? race.count - r : kRaceRows;
      kept = kAdvance[count - 1](pair.rows, pair.columns + column, begin, end, next, race, r, kept);
    }
    race.count = kept;
  }
  const Float column_thresholds = load(pair.column_thresholds + column);
  for (std::size_t r = 0; r < race.count; ++r) {
    const unsigned for_row = reaches(race.score[r], splat(pair.row_thresholds[race.row[r]])),
                   for_column = reaches(race.score[r], column_thresholds);
    hit = write_hits(race.score[r], for_row, for_column, race.row[r], column, hit);
  }
  return hit;
}

int passing_scores(const PanelPair& pair, PanelHit* hits) {
  PanelHit* hit = hits;
  for (int column = 0; column < kPanel; column += kColumns) {
    Race races[2];
    start(pair, column, races);
    hit = finish(pair, column, races[0], hit);
    hit = finish(pair, column + kLanes, races[1], hit);
  }
  return int(hit - hits);
}

void all_scores(const float* rows, const float* columns, const float* row_halves, const float* column_halves,
                std::size_t d, float* out, std::size_t stride) {
  for (int row = 0; row < kPanel; row += kRows)
    for (int column = 0; column < kPanel; column += kColumns) {
      Tile tile{};
      subtract_halves(tile, row_halves + row, column_halves + column);
      add_products(tile, rows + row, columns + column, 0, d);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        store(out + std::size_t(row + r) * stride + column, tile.score[r][0]);
        store(out + std::size_t(row + r) * stride + column + kLanes, tile.score[r][1]);
      }
    }
}

std::uint32_t sparse_scores(const float* panel, const std::int32_t* columns, const float* values, std::size_t count,
                            const float* panel_halves, float half, const float* thresholds, float* out) {
  constexpr int kVectors = kPanel / kLanes;
  Float even[kVectors], odd[kVectors] = {};  // two chains, so that additions do not wait for each other
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) even[v] = -load(panel_halves + v * kLanes) - splat(half);
  std::size_t p = 0;
  for (; p + 2 <= count; p += 2) {
    const float *x = panel + std::size_t(columns[p]) * kPanel, *y = panel + std::size_t(columns[p + 1]) * kPanel;
    const Float a = splat(values[p]), b = splat(values[p + 1]);
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) {
      even[v] += a * load(x + v * kLanes);
      odd[v] += b * load(y + v * kLanes);
    }
  }
  if (p < count) {
    const float* x = panel + std::size_t(columns[p]) * kPanel;
    for (int v = 0; v < kVectors; ++v) even[v] += splat(values[p]) * load(x + v * kLanes);
  }
  std::uint32_t passing = 0;
  for (int v = 0; v < kVectors; ++v) {
    const Float score = even[v] + odd[v];
    store(out + v * kLanes, score);
    passing |= std::uint32_t(reaches(score, load(thresholds + v * kLanes))) << (v * kLanes);
  }
  return passing;
}

void box_scores(const float* low, const float* high, const float* lows, const float* highs, std::size_t stride,
                std::size_t d, std::size_t count, float* bound) {
  for (std::size_t p = 0; p < count; p += kLanes) {
    Float sum{};
    for (std::size_t t = 0; t < d; ++t) {
      const Float above = load(lows + t * stride + p) - splat(high[t]);
      const Float below = splat(low[t]) - load(highs + t * stride + p);
      const Float gap = maximum(maximum(above, below), Float{});
      sum += gap * gap;
    }
    store(bound + p, sum * splat(-0.5f));
  }
}

/// Rows fetched before their turn: they lie anywhere.
ESPALIER_INLINE void fetch_ahead(const float* base, std::size_t d, const std::int32_t* indices, std::size_t i,
                                 std::size_t count) {
  constexpr std::size_t kAhead = 4, kLine = 64 / sizeof(float);
  if (i + kAhead >= count) return;
  const float* ahead = base + std::size_t(indices[i + kAhead]) * d;
  for (std::size_t t = 0; t < d; t += kLine) __builtin_prefetch(ahead + t);
}

void gathered_distances(const float* x, const float* base, std::size_t d, const std::int32_t* indices,
                        std::size_t count, float* out) {
  for (std::size_t i = 0; i < count; ++i) {
    fetch_ahead(base, d, indices, i, count);
    const float* y = base + std::size_t(indices[i]) * d;
    Float first{}, second{};
    std::size_t t = 0;
    for (; t + 2 * kLanes <= d; t += 2 * kLanes) {
      const Float e = load(x + t) - load(y + t), f = load(x + t + kLanes) - load(y + t + kLanes);
      first += e * e;
      second += f * f;
    }
    float rest = 0;
    for (; t < d; ++t) rest += (x[t] - y[t]) * (x[t] - y[t]);
    out[i] = sum(first + second) + rest;
  }
}

float dot(const float* x, const float* y, std::size_t d) {
  Float first{}, second{};
  std::size_t t = 0;
  for (; t + 2 * kLanes <= d; t += 2 * kLanes) {
    first += load(x + t) * load(y + t);
    second += load(x + t + kLanes) * load(y + t + kLanes);
  }
  float rest = 0;
  for (; t < d; ++t) rest += x[t] * y[t];
  return sum(first + second) + rest;
}

/// Sixteen running sums, whatever the instruction set, in vectors that fit its registers.
constexpr int kSums = 16, kDoubles = kLanes / 2;
using Doubles = double __attribute__((vector_size(kDoubles * 8)));
using Halves = float __attribute__((vector_size(kDoubles * 4), aligned(4), may_alias));

ESPALIER_INLINE Doubles load_doubles(const float* p) {
  return __builtin_convertvector(*reinterpret_cast<const Halves*>(p), Doubles);
}

ESPALIER_INLINE double squared_distance(const float* x, const float* y, std::size_t d) {
  Doubles sums[kSums / kDoubles]{};
  std::size_t t = 0;
  for (; t + kSums <= d; t += kSums)
#pragma GCC unroll 8
    for (int v = 0; v < kSums / kDoubles; ++v) {
      const Doubles difference = load_doubles(x + t + v * kDoubles) - load_doubles(y + t + v * kDoubles);
      sums[v] += difference * difference;
    }
  double sum = 0;
#pragma GCC unroll 16
  for (int s = 0; s < kSums; ++s) sum += sums[s / kDoubles][s % kDoubles];
  for (; t < d; ++t) sum += (double(x[t]) - y[t]) * (double(x[t]) - y[t]);
  return sum;
}

void gathered_exactly(const float* x, const float* base, std::size_t d, const std::int32_t* indices, std::size_t count,
                      double* out) {
  for (std::size_t i = 0; i < count; ++i) {
    fetch_ahead(base, d, indices, i, count);
    out[i] = squared_distance(x, base + std::size_t(indices[i]) * d, d);
  }
}

constexpr float kInfinity = __builtin_inff();

ESPALIER_INLINE std::size_t count_reaching(const float* values, std::size_t count, float bound) {
  Int lanes{};
  std::size_t i = 0, reached = 0;
  for (; i + kLanes <= count; i += kLanes) lanes -= load(values + i) >= splat(bound);
  for (int lane = 0; lane < kLanes; ++lane) reached += std::size_t(lanes[lane]);
  for (; i < count; ++i) reached += values[i] >= bound;
  return reached;
}

float reached_by(const float* values, std::size_t count, std::size_t k) {
  constexpr int kHalvings = 12;  // leaves 1/4096 of the range
  float low = kInfinity, high = -kInfinity;
  for (std::size_t i = 0; i < count; ++i) {
    if (values[i] == -kInfinity) continue;
    low = values[i] < low ? values[i] : low;
    high = values[i] > high ? values[i] : high;
  }
  if (low > high || count_reaching(values, count, low) < k) return -kInfinity;
  for (int i = 0; i < kHalvings; ++i) {
    const float middle = low + (high - low) / 2;
    (count_reaching(values, count, middle) >= k ? low : high) = middle;
  }
  return low;
}

}  // namespace

extern const PanelKernels panel_table;
const PanelKernels panel_table = {passing_scores,     all_scores, sparse_scores,    box_scores,
                                  gathered_distances, dot,        gathered_exactly, reached_by};

}  // namespace espalier::ESPALIER_KERNEL
