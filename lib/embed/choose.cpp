#include "embed/choose.h"

#include <algorithm>

#include "base/error.h"
#include "quality/evaluate.h"

namespace espalier {

std::vector<double> neighborhood_areas(const Samples& samples, Metric metric, const std::vector<const Matrix*>& maps,
                                       std::uint64_t seed, const Control& control) {
  QualityView view;
  view.data = &samples;
  for (const Matrix* map : maps) view.embeddings.push_back({map, {}, {}, ""});
  QualityOptions options;
  options.neighbors = {1};
  options.metric = metric;
  options.anchors = int(std::min<std::size_t>(kJudges, sample_count(samples)));
  options.pairs = 0;
  options.recall = false;
  options.seed = seed;
  Control quiet = control;
  quiet.note = nullptr;  // which measures are left out is no news here
  const QualityReport report = evaluate_quality(view, options, quiet);
  const auto column = std::find_if(report.columns.begin(), report.columns.end(),
                                   [](const QualityColumn& c) { return c.name == "auc"; });
  if (column == report.columns.end()) throw BugError("the quality report has no auc");
  std::vector<double> areas;
  for (const QualityRow& row : report.rows)
    areas.push_back(row.scores[std::size_t(column - report.columns.begin())].value);
  return areas;
}

}  // namespace espalier
