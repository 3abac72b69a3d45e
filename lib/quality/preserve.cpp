#include "quality/preserve.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace espalier {

namespace {

/// What the k nearest of one space, `order`, lose in the other, where they have `rank`.
struct Losses {
  double intrusion = 0;       ///< sum of how far beyond k they rank
  double relative_error = 0;  ///< sum of relative errors of the rank
  std::size_t shared = 0;     ///< how many of them are among the k nearest of the other space too
};

Losses measure_losses(std::span<const std::int32_t> order, std::span<const std::int32_t> rank, std::size_t k) {
  Losses losses;
  for (std::size_t r = 1; r <= k; ++r) {
    const double other = rank[std::size_t(order[r - 1])];
    losses.intrusion += std::max(0.0, other - double(k));
    losses.relative_error += std::abs(other - double(r)) / double(r);
    losses.shared += other <= double(k);
  }
  return losses;
}

/// The largest sum of intrusions that k neighbours among N samples can reach.
double worst_intrusion(double n, double k) {
  return k < n / 2 ? k * (2 * n - 3 * k - 1) / 2 : (n - k) * (n - k - 1) / 2;
}

}  // namespace

RankScores::RankScores(std::size_t samples) : samples_(samples), weight_(samples, 0.0) {
  const double others = double(samples) - 1;
  for (std::size_t m = samples - 2; m >= 1; --m) {
    const double k = double(m);
    weight_[m] = weight_[m + 1] + others / (k * k * (others - k));
    constant_ += 1 / (others - k);
    total_ += 1 / k;
  }
}

void RankScores::at(const RankPair& pair, std::size_t k, std::span<double> out) const {
  const Losses intruders = measure_losses(pair.embedding_order, pair.data_rank, k);
  const Losses extruders = measure_losses(pair.data_order, pair.embedding_rank, k);
  const double n = double(samples_), kk = double(k), worst = worst_intrusion(n, kk);
  double worst_error = 0;
  for (std::size_t r = 1; r <= k; ++r) worst_error += std::abs(n - 2 * double(r) + 1) / double(r);
  const double qnx = double(intruders.shared) / kk;
  const auto set = [&](RankScore score, double value) { out[std::size_t(score)] = value; };
  set(RankScore::trustworthiness, worst > 0 ? 1 - intruders.intrusion / worst : 1);
  set(RankScore::continuity, worst > 0 ? 1 - extruders.intrusion / worst : 1);
  set(RankScore::qnx, qnx);
  set(RankScore::lcmc, qnx - kk / (n - 1));
  set(RankScore::rnx,
      k + 1 < samples_ ? ((n - 1) * qnx - kk) / (n - 1 - kk) : std::numeric_limits<double>::quiet_NaN());
  set(RankScore::mrre_data, extruders.relative_error / worst_error);
  set(RankScore::mrre_embedding, intruders.relative_error / worst_error);
}

double RankScores::auc(const RankPair& pair) const {
  double sum = 0;
  for (std::size_t r = 1; r < samples_; ++r)
    sum += weight_[std::max(r, std::size_t(pair.data_rank[std::size_t(pair.embedding_order[r - 1])]))];
  return (sum - constant_) / total_;
}

}  // namespace espalier
