#include "quality/classify.h"

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace espalier {

Classes number_classes(std::span<const std::int32_t> labels, std::span<const std::string> names,
                       const std::string& source) {
  std::vector<std::int32_t> values;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < -1)
      throw DataError("", source, "entry {} is {}: a class is 0 or more, unknown is -1", i, labels[i]);
    if (labels[i] >= 0) values.push_back(labels[i]);
  }
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  Classes classes;
  for (std::int32_t value : values)
    classes.names.push_back(std::size_t(value) < names.size() ? names[std::size_t(value)] : std::to_string(value));
  for (std::int32_t label : labels)
    classes.of.push_back(
        label < 0 ? -1 : std::int32_t(std::lower_bound(values.begin(), values.end(), label) - values.begin()));
  return classes;
}

NearestQuery voters(const Classes& classes, VoteMode mode, std::span<const std::uint8_t> split, std::size_t k) {
  const std::size_t n = classes.of.size();
  if (mode == VoteMode::split && split.size() != n)
    throw DataError("", "/split", "is needed by --mode split: it has {} entries, there are {} samples", split.size(),
                    n);
  NearestQuery query;
  query.k = k;
  query.self_counts = mode == VoteMode::resubstitution;
  query.candidates.assign(n, 0);
  std::size_t candidates = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (classes.of[i] < 0) continue;
    const bool test = mode == VoteMode::split && split[i];
    const bool votes = mode != VoteMode::split || !test;
    if (votes) query.candidates[i] = 1, ++candidates;
    if (mode != VoteMode::split || test) query.queries.push_back(std::int32_t(i));
  }
  const std::size_t available = mode == VoteMode::leave_one_out && candidates ? candidates - 1 : candidates;
  if (query.queries.empty()) throw DataError("", "/split", "has no labelled test sample to score");
  if (k > available)
    throw DataError("", "", "k = {} needs as many voters; only {} labelled samples may vote", k, available);
  if (candidates == n) query.candidates.clear();
  return query;
}

double Classification::class_accuracy(std::int32_t c) const {
  std::int64_t members = 0, right = 0;
  for (auto cell = confusion.lower_bound({c, 0}); cell != confusion.end() && cell->first.first == c; ++cell) {
    members += cell->second;
    if (cell->first.second == c) right = cell->second;
  }
  return members ? double(right) / double(members) : std::numeric_limits<double>::quiet_NaN();
}

Classification classify(const NearestLists& nearest, std::span<const std::int32_t> queries, const Classes& classes,
                        std::size_t k) {
  Classification result;
  result.scored = queries.size();
  std::vector<std::size_t> votes(classes.count(), 0);
  std::int64_t right = 0, hits = 0;
  for (std::size_t q = 0; q < queries.size(); ++q) {
    const auto neighbours = nearest.row(q).first(k);
    for (std::int32_t j : neighbours) ++votes[std::size_t(classes.of[std::size_t(j)])];
    std::int32_t winner =
        classes.of[std::size_t(neighbours[0])];  // nearest first, so a later class must have more votes
    for (std::int32_t j : neighbours)
      if (const std::int32_t c = classes.of[std::size_t(j)]; votes[std::size_t(c)] > votes[std::size_t(winner)])
        winner = c;
    const std::int32_t truth = classes.of[std::size_t(queries[q])];
    ++result.confusion[{truth, winner}];
    right += winner == truth;
    hits += std::int64_t(votes[std::size_t(truth)]);
    for (std::int32_t j : neighbours) votes[std::size_t(classes.of[std::size_t(j)])] = 0;
  }
  result.accuracy = double(right) / double(queries.size());
  result.hit = double(hits) / (double(queries.size()) * double(k));
  return result;
}

}  // namespace espalier
