#include "quality/report.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/json.h"

namespace espalier {

namespace {

constexpr const char* kMeasures[] = {"accuracy", "hit",      "silhouette", "trustworthiness", "continuity", "qnx",
                                     "lcmc",     "rnx",      "mrre_data",  "mrre_embedding",  "auc",        "recall",
                                     "pearson",  "spearman", "triplets",   "graph_recall"};

/// A field of the table: names of classes and datasets are the user's and may hold anything.
std::string field(std::string text) {
  for (char& c : text)
    if (c == '\t' || c == '\n' || c == '\r') c = ' ';
  return text;
}

bool any_known(const QualityReport& report, std::optional<double> QualityRow::*value) {
  return std::any_of(report.rows.begin(), report.rows.end(),
                     [&](const QualityRow& row) { return (row.*value).has_value(); });
}

std::string optional_number(const std::optional<double>& value) { return fmt::format("{:.6g}", value.value_or(NAN)); }

std::string place(const QualityRow& row) { return fmt::format("{}, k = {}", row.title, row.k); }

}  // namespace

std::string to_table(const QualityReport& report) {
  const bool with_q = any_known(report, &QualityRow::q), with_kl = any_known(report, &QualityRow::kl);
  std::string out = "map";
  if (with_q) out += "\tq";
  if (with_kl) out += "\tkl";
  out += "\tk";
  for (const QualityColumn& column : report.columns) {
    out += "\t" + field(column.name);
    if (column.sampled) out += "\t" + field(column.name) + "_se";
  }
  bool confusion = false;
  for (const QualityRow& row : report.rows) {
    out += "\n" + field(row.title);
    if (with_q) out += "\t" + optional_number(row.q);
    if (with_kl) out += "\t" + optional_number(row.kl);
    out += fmt::format("\t{}", row.k);
    for (std::size_t c = 0; c < report.columns.size(); ++c) {
      out += fmt::format("\t{:.6g}", row.scores[c].value);
      if (report.columns[c].sampled) out += fmt::format("\t{:.2g}", row.scores[c].error);
    }
    confusion = confusion || !row.confusion.empty();
  }
  out += "\n";
  if (!confusion) return out;
  out += "\nmap\tk\ttruth\tpredicted\tsamples\n";
  for (const QualityRow& row : report.rows)
    for (const ConfusionCell& cell : row.confusion)
      out += fmt::format("{}\t{}\t{}\t{}\t{}\n", field(row.title), row.k, field(cell.truth), field(cell.predicted),
                         cell.samples);
  return out;
}

std::string to_json(const QualityReport& report) {
  Json rows = Json::List();
  for (const QualityRow& row : report.rows) {
    Json entry = Json::object({{"map", row.title}});
    if (row.q) entry.set("q", Json::finite(*row.q));
    if (row.kl) entry.set("kl", Json::finite(*row.kl));
    entry.set("k", row.k);
    Json measures = Json::object(), errors = Json::object(), confusion;
    for (std::size_t c = 0; c < report.columns.size(); ++c) {
      measures.set(report.columns[c].name, Json::finite(row.scores[c].value));
      if (report.columns[c].sampled) errors.set(report.columns[c].name, Json::finite(row.scores[c].error));
    }
    entry.set("measures", std::move(measures));
    if (!errors.members().empty()) entry.set("standard_errors", std::move(errors));
    for (const ConfusionCell& cell : row.confusion)
      confusion.append(Json::object({{"truth", cell.truth}, {"predicted", cell.predicted}, {"samples", cell.samples}}));
    if (!confusion.is_null()) entry.set("confusion", std::move(confusion));
    rows.append(std::move(entry));
  }
  const Json document = Json::object({{"samples", report.samples},
                                      {"anchors", report.anchors},
                                      {"mode", report.mode},
                                      {"metric", report.metric},
                                      {"rows", rows},
                                      {"notes", report.notes}});
  return document.dump(2) + "\n";
}

void check_thresholds(std::span<const Threshold> thresholds) {
  for (const auto& [name, value] : thresholds) {
    if (name.starts_with("accuracy:")) continue;
    if (std::find(std::begin(kMeasures), std::end(kMeasures), name) == std::end(kMeasures))
      throw UsageError("'{}' is not a measure: {}", name, fmt::join(kMeasures, ", "));
  }
}

std::vector<std::string> shortfalls(const QualityReport& report, std::span<const Threshold> thresholds) {
  check_thresholds(thresholds);
  std::vector<std::string> lines;
  for (const auto& [name, wanted] : thresholds) {
    const auto column = std::find_if(report.columns.begin(), report.columns.end(),
                                     [&name = name](const QualityColumn& c) { return c.name == name; });
    if (column == report.columns.end())
      throw DataError("", "", "{} was asked for, but it cannot be measured here", name);
    for (const QualityRow& row : report.rows) {
      const double value = row.scores[std::size_t(column - report.columns.begin())].value;
      if (column->lower_is_better ? value <= wanted : value >= wanted) continue;
      lines.push_back(fmt::format("{} is {:.6g} ({}), wanted at {} {:.6g}", name, value, place(row),
                                  column->lower_is_better ? "most" : "least", wanted));
    }
  }
  return lines;
}

}  // namespace espalier
