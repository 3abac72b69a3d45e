#include "quality/classify.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "neighbors/search.h"

namespace espalier {

Classes number_classes(std::span<const std::int32_t> labels, std::span<const std::string> names,
                       const std::string& file) {
  std::vector<std::int32_t> values;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < -1)
      throw DataError(file, "/labels", "entry {} is {}: a class is 0 or more, unknown is -1", i, labels[i]);
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

Electorate hold_election(const Classes& classes, VoteMode mode, std::span<const std::uint8_t> split, std::size_t k,
                         const std::string& file) {
  const std::size_t n = classes.of.size();
  if (mode == VoteMode::split && split.empty()) throw DataError(file, "/split", "is missing, --mode split needs it");
  if (mode == VoteMode::split && split.size() != n)
    throw DataError(file, "/split", "has {} entries, there are {} samples", split.size(), n);
  Electorate electorate;
  electorate.self_votes = mode == VoteMode::resubstitution;
  for (std::size_t i = 0; i < n; ++i) {
    if (classes.of[i] < 0) continue;
    if (mode != VoteMode::split || split[i] != 0) electorate.scored.push_back(std::int32_t(i));
    if (mode != VoteMode::split || split[i] == 0) electorate.voters.push_back(std::int32_t(i));
  }
  if (electorate.scored.empty()) throw DataError(file, "/split", "has no labelled test sample to score");
  const std::size_t available = electorate.voters.size() - (mode == VoteMode::leave_one_out);
  if (k > available) throw DataError(file, "", "k = {} asks for more voters than the {} labelled ones", k, available);
  return electorate;
}

VoterLists nearest_voters(const Samples& samples, Metric metric, const Electorate& electorate, std::size_t k,
                          const Control& control) {
  NeighborOptions options;
  options.k = int(k);
  options.metric = metric;
  options.method = SearchMethod::exact;
  const auto picked = [&](std::span<const std::int32_t> rows, Samples& copy) -> const Samples& {
    return rows.size() == sample_count(samples) ? samples : copy = pick_rows(samples, rows);
  };
  Samples scored_copy, voters_copy;
  const Samples& voters = picked(electorate.voters, voters_copy);
  const bool leaves_out = !electorate.self_votes && electorate.scored == electorate.voters;
  NeighborGraph graph = leaves_out
                            ? find_neighbors(voters, options, control)
                            : find_neighbors_between(picked(electorate.scored, scored_copy), voters, options, control);
  for (std::int32_t& j : graph.indices) j = electorate.voters[std::size_t(j)];
  return {k, std::move(graph.indices)};
}

double Classification::class_accuracy(std::int32_t c) const {
  std::int64_t members = 0, right = 0;
  for (auto cell = confusion.lower_bound({c, 0}); cell != confusion.end() && cell->first.first == c; ++cell) {
    members += cell->second;
    if (cell->first.second == c) right = cell->second;
  }
  return members ? double(right) / double(members) : std::numeric_limits<double>::quiet_NaN();
}

Classification classify(const VoterLists& lists, const Electorate& electorate, const Classes& classes, std::size_t k) {
  Classification result;
  result.scored = electorate.scored.size();
  std::vector<std::size_t> votes(classes.count(), 0);
  std::int64_t right = 0, hits = 0;
  for (std::size_t s = 0; s < electorate.scored.size(); ++s) {
    const auto neighbours = lists.row(s).first(k);
    for (std::int32_t j : neighbours) ++votes[std::size_t(classes.of[std::size_t(j)])];
    std::int32_t winner =
        classes.of[std::size_t(neighbours[0])];  // nearest first, so a later class must have more votes
    for (std::int32_t j : neighbours)
      if (const std::int32_t c = classes.of[std::size_t(j)]; votes[std::size_t(c)] > votes[std::size_t(winner)])
        winner = c;
    const std::int32_t truth = classes.of[std::size_t(electorate.scored[s])];
    ++result.confusion[{truth, winner}];
    right += winner == truth;
    hits += std::int64_t(votes[std::size_t(truth)]);
    for (std::int32_t j : neighbours) votes[std::size_t(classes.of[std::size_t(j)])] = 0;
  }
  result.accuracy = double(right) / double(result.scored);
  result.hit = double(hits) / (double(result.scored) * double(k));
  return result;
}

}  // namespace espalier
