#pragma once
/// The kernels of neighbour search: one function per job, one table per instruction set.
///
/// A panel holds 32 samples as [dimension][32], so that the same memory serves as rows and as columns of a tile of
/// scores. The score of samples x and y is x.y - half(x) - half(y), where half is about half the squared length:
/// about -|x - y|^2 / 2. Samples that pad the last panel have half = infinity and a threshold of infinity: their scores
/// are -infinity and pass nowhere.

#include <cstddef>
#include <cstdint>

#include "base/isa.h"

namespace espalier {

inline constexpr int kPanel = 32;

/// Two panels and what their scores must reach. Products are summed in stages of dimensions. After a stage a score can
/// rise by |x| |y| at most, lengths being taken over the dimensions to come (Cauchy and Schwarz), so a sample leaves as
/// soon as none of its scores with a vector of the other panel's samples can pass: most leave within few dimensions.
struct PanelPair {
  const float *rows, *columns;              ///< [dimension][kPanel]
  const float *row_halves, *column_halves;  ///< kPanel each
  const float *row_rests, *column_rests;    ///< [stage but the last][rest_stride]: lengths, the panel's 32 first
  std::size_t rest_stride;
  const float *row_thresholds, *column_thresholds;  ///< kPanel each
  const std::int32_t* stage_ends;                   ///< ascending; the last is the number of dimensions
  int stages;
};

/// A score that reaches the threshold of its row, or of its column, or both.
struct PanelHit {
  float score;
  std::uint8_t row, column;
  bool for_row, for_column;
};

struct PanelKernels {
  /// All entries of the pair that pass, into at most kPanel * kPanel places; returns how many.
  int (*passing_scores)(const PanelPair&, PanelHit* hits);

  /// All kPanel x kPanel scores over d dimensions; out has rows `stride` apart.
  void (*all_scores)(const float* rows, const float* columns, const float* row_halves, const float* column_halves,
                     std::size_t d, float* out, std::size_t stride);

  /// Scores of a sparse sample, `count` values at ascending `columns`, with the kPanel samples of a panel. Bit r of the
  /// answer: out[r] reaches thresholds[r].
  std::uint32_t (*sparse_scores)(const float* panel, const std::int32_t* columns, const float* values,
                                 std::size_t count, const float* panel_halves, float half, const float* thresholds,
                                 float* out);

  /// bound[p] = -(squared distance of box [low, high] from box p)/2 for p in [0, count); box p spans
  /// [lows[t * stride + p], highs[t * stride + p]] in dimension t < d. Arrays are padded to whole vectors.
  void (*box_scores)(const float* low, const float* high, const float* lows, const float* highs, std::size_t stride,
                     std::size_t d, std::size_t count, float* bound);

  /// out[i] = |x - row indices[i] of base|^2, base row-major with d columns.
  void (*gathered_distances)(const float* x, const float* base, std::size_t d, const std::int32_t* indices,
                             std::size_t count, float* out);

  float (*dot)(const float* x, const float* y, std::size_t d);

  /// The same with differences and sums in double, added in the same order in every instruction set.
  void (*gathered_exactly)(const float* x, const float* base, std::size_t d, const std::int32_t* indices,
                           std::size_t count, double* out);

  /// A value that at least k of the values reach (-infinity where fewer than k are finite), and hardly more than k
  /// where they are spread evenly: found by halving the range, without moving anything.
  float (*reached_by)(const float* values, std::size_t count, std::size_t k);
};

ESPALIER_KERNELS(PanelKernels, panel_table, panel_kernels)

}  // namespace espalier
