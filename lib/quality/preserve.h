#pragma once
/// Neighbourhood preservation: measures on the co-ranking of data and embedding.
///
/// For an anchor i, rho_j is the rank of sample j by distance in the data and r_j in the embedding, 1 ... N - 1, self
/// left out, ties by smaller index (quality/ranking). Every measure is the mean over anchors of a score that one anchor
/// has:
///
///     trustworthiness   1 - 2 / (k (2N - 3k - 1))  sum over j with r_j <= k < rho_j of (rho_j - k)
///     continuity        the same with rho and r swapped
///     qnx               Q_NX(k): share of the k neighbours that data and embedding have in common
///     lcmc              Q_NX(k) - k / (N - 1)
///     rnx               R_NX(k) = ((N - 1) Q_NX(k) - k) / (N - 1 - k); NaN at k = N - 1
///     mrre_embedding    sum over j with r_j <= k of |rho_j - r_j| / r_j, over sum over r = 1 ... k of |N - 2r + 1| / r
///     mrre_data         the same with rho and r swapped
///     auc               sum over k = 1 ... N - 2 of R_NX(k) / k, over sum of 1 / k
///
/// For k >= N / 2 the factor 2 / (k (2N - 3k - 1)) is 2 / ((N - k)(N - k - 1)), which keeps the worst value at 0, and
/// trustworthiness and continuity are 1 at k = N - 1, where nobody can intrude.
/// Venna, Kaski 2001; Lee, Verleysen 2007 (MRRE) and 2009 (Q_NX); Chen, Buja 2009 (LCMC); Lee et al. 2015 (AUC).

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace espalier {

/// Scores that an anchor has for each k.
enum class RankScore { trustworthiness, continuity, qnx, lcmc, rnx, mrre_data, mrre_embedding };
inline constexpr std::size_t kRankScores = 7;

/// An anchor's samples in both orders: order[r - 1] is the sample at rank r, rank[j] the rank of sample j.
struct RankPair {
  std::span<const std::int32_t> data_order, data_rank;
  std::span<const std::int32_t> embedding_order, embedding_rank;
};

/// What depends on N alone, worked out once.
class RankScores {
 public:
  explicit RankScores(std::size_t samples);  ///< N >= 3

  /// out[score] for each RankScore, k < N. Cost: k.
  void at(const RankPair&, std::size_t k, std::span<double> out) const;

  /// AUC of R_NX. With W(m) = sum over k = m ... N - 2 of (N - 1) / (k^2 (N - 1 - k)), the sum over k of R_NX(k) / k is
  /// sum_j W(max(rho_j, r_j)) less a constant. Cost: N.
  double auc(const RankPair&) const;

 private:
  std::size_t samples_;
  std::vector<double> weight_;  ///< W
  double constant_ = 0, total_ = 0;
};

}  // namespace espalier
