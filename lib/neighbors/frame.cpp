#include "neighbors/frame.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/parallel.h"
#include "tensor/pca.h"

namespace espalier {

double score_slack(std::size_t d) { return 0x1p-24 * (double(d) + 8 * std::sqrt(double(d)) + 16); }

double score_scale(double length) { return length > 0 ? std::ldexp(1.0, 39 - std::ilogb(length)) : 1; }

/// Column means, summed by chunks of rows in double precision.
std::vector<double> column_means(const PreparedRows& rows) {
  const std::size_t d = rows.cols(), block = std::clamp<std::size_t>((std::size_t(1) << 20) / d, 16, 1024),
                    blocks = (rows.count() + block - 1) / block;
  const std::size_t group = (blocks + 63) / 64, groups = (blocks + group - 1) / group;
  std::vector<std::vector<double>> parts(groups);
  parallel_for(groups, [&](std::size_t g, int) {
    std::vector<double>& sum = parts[g];
    sum.assign(d, 0);
    Buffer<float> x(block * d);
    const std::size_t end = std::min(rows.count(), (g + 1) * group * block);
    for (std::size_t i = g * group * block; i < end; i += block) {
      const std::size_t count = std::min(block, end - i);
      rows.fill(i, count, x.data());
      for (std::size_t r = 0; r < count; ++r)
        for (std::size_t t = 0; t < d; ++t) sum[t] += x[r * d + t];
    }
  });
  std::vector<double> mean(d, 0);
  for (const auto& part : parts)
    for (std::size_t t = 0; t < d; ++t) mean[t] += part[t] / double(rows.count());
  return mean;
}

namespace {

/// Coordinates and scale, the scale chosen by the longest row; `measure(i)` is row i's length before scaling.
template <class Length>
double common_scale(std::size_t n, Length&& length) {
  constexpr std::size_t kRows = 1024;
  std::vector<double> longest((n + kRows - 1) / kRows, 0);
  parallel_ranges(n, kRows, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) longest[begin / kRows] = std::max(longest[begin / kRows], length(i));
  });
  return score_scale(*std::max_element(longest.begin(), longest.end()));
}

double length_of(const float* x, std::size_t d) {
  double sum = 0;
  for (std::size_t t = 0; t < d; ++t) sum += double(x[t]) * x[t];
  return std::sqrt(sum);
}

/// Rotation pays where its N d^2 and d^3 are small beside the N^2 d of the search.
bool rotation_pays(double n, double d) { return n >= d && 3 * n * d * d + 60 * d * d * d < 0.25 * n * n * d; }

Frame rotated(Matrix scores) {
  Frame frame{std::move(scores), 1};
  Matrix& x = frame.coordinates;
  frame.leading = Matrix(x.rows(), std::min<std::size_t>(x.cols(), 3));
  for (std::size_t i = 0; i < x.rows(); ++i) std::copy_n(x.row(i), frame.leading.cols(), frame.leading.row(i));
  frame.scale = common_scale(x.rows(), [&](std::size_t i) { return length_of(x.row(i), x.cols()); });
  parallel_ranges(x.size(), 1 << 16, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t e = begin; e < end; ++e) x.data()[e] = float(x.data()[e] * frame.scale);
  });
  return frame;
}

/// Centred, columns of largest variance first.
Frame permuted(const PreparedRows& rows) {
  const Matrix& x = *rows.dense();
  const std::size_t n = x.rows(), d = x.cols();
  const std::vector<double> mean = column_means(rows);
  std::vector<double> variance(d, 0);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t t = 0; t < d; ++t) variance[t] += (x(i, t) - mean[t]) * (x(i, t) - mean[t]);
  std::vector<std::size_t> columns(d);
  std::iota(columns.begin(), columns.end(), std::size_t(0));
  std::stable_sort(columns.begin(), columns.end(),
                   [&](std::size_t s, std::size_t t) { return variance[s] > variance[t]; });
  Frame frame{Matrix(n, d), 1};
  frame.scale = common_scale(n, [&](std::size_t i) {
    double sum = 0;
    for (std::size_t t = 0; t < d; ++t) sum += (x(i, t) - mean[t]) * (x(i, t) - mean[t]);
    return std::sqrt(sum);
  });
  parallel_ranges(n, 512, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i)
      for (std::size_t t = 0; t < d; ++t)
        frame.coordinates(i, t) = float((x(i, columns[t]) - mean[columns[t]]) * frame.scale);
  });
  return frame;
}

/// Single precision rotates data of these spreads without overflow or underflow.
bool rotates_safely(double variance) { return variance > 1e-56 && variance < 1e68; }

}  // namespace

Frame spread_first(const PreparedRows& rows, const Control& control) {
  if (rotation_pays(double(rows.count()), double(rows.cols()))) {
    Pca pca = principal_components(rows.samples(), {int(rows.cols())}, control);
    if (rotates_safely(pca.total_variance)) return rotated(std::move(pca.scores));
  }
  return permuted(rows);
}

}  // namespace espalier
