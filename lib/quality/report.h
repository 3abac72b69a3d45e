#pragma once
/// What the quality measures found: one row for each embedding and k, one column for each measure.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace espalier {

struct QualityColumn {
  std::string name;              ///< "trustworthiness"; "accuracy:CLASS" for one class
  bool lower_is_better = false;  ///< errors (mrre_*), where 0 is best
  bool sampled = false;          ///< the values are estimates with standard errors
};

/// NaN where a measure is not defined, or has no standard error.
struct Score {
  double value;
  double error;
};

struct ConfusionCell {
  std::string truth, predicted;
  std::int64_t samples;
};

struct QualityRow {
  std::string title;         ///< which embedding, or "data"
  std::optional<double> q;   ///< its kernel parameter, where known
  std::optional<double> kl;  ///< the cost it reached, where known
  int k = 0;
  std::vector<Score> scores;             ///< one for each column
  std::vector<ConfusionCell> confusion;  ///< filled on request
};

struct QualityReport {
  std::size_t samples = 0;
  std::size_t anchors = 0;  ///< samples that the sampled columns were measured on
  std::string mode, metric;
  std::vector<QualityColumn> columns;
  std::vector<QualityRow> rows;
  std::vector<std::string> notes;  ///< what was left out, and why
};

/// Tab-separated with a header: map, q and kl where known, k, the measures, NAME_se after each sampled one. A confusion
/// table, where there is one, follows after an empty line: map, k, truth, predicted, samples.
std::string to_table(const QualityReport&);

/// The same as one JSON object; NaN is null.
std::string to_json(const QualityReport&);

/// {measure, value}: reached by a value that is at least as good, so not above `value` for mrre_*. NaN never is.
using Threshold = std::pair<std::string, double>;

/// Throws UsageError for a measure that does not exist.
void check_thresholds(std::span<const Threshold>);

/// One line for each row and threshold that is not reached. Throws DataError for a measure that the report left out.
std::vector<std::string> shortfalls(const QualityReport&, std::span<const Threshold>);

}  // namespace espalier
