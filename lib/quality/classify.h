#pragma once
/// k-nearest-neighbour classification: how well the neighbours of a sample tell its class.
///
/// Samples of unknown class (-1) neither vote nor are scored. The k voters are the k nearest samples that may vote; the
/// class with most votes wins, and among classes with equally many the one whose nearest voter is nearest.

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/control.h"
#include "neighbors/metric.h"
#include "tensor/matrix.h"

namespace espalier {

enum class VoteMode {
  leave_one_out,   ///< every labelled sample is scored by all the others
  split,           ///< test samples are scored by training samples
  resubstitution,  ///< every labelled sample is scored by all, itself included: flatters, k = 1 gives 1
};

/// Labels renumbered 0 ... count - 1 in ascending order of the values that occur; unknown stays -1.
struct Classes {
  std::vector<std::int32_t> of;    ///< class of each sample
  std::vector<std::string> names;  ///< given name, or the label's number
  std::size_t count() const { return names.size(); }
};

/// `names[v]` names label v where it exists. Throws DataError, naming `file`, for labels below -1.
Classes number_classes(std::span<const std::int32_t> labels, std::span<const std::string> names,
                       const std::string& file);

/// Who is scored and who votes, samples in ascending order.
struct Electorate {
  std::vector<std::int32_t> scored, voters;
  bool self_votes = false;  ///< else scored and voters are the same samples, each left out of its own vote, or disjoint
};

/// `split`: 0 training, 1 test, needed by VoteMode::split. Throws DataError, naming `file`, where k is more than there
/// are voters, or nobody is to be scored.
Electorate hold_election(const Classes&, VoteMode, std::span<const std::uint8_t> split, std::size_t k,
                         const std::string& file);

/// Row s: the k voters nearest to scored[s], nearest first, as numbers of samples. Exact; see neighbors/search.
struct VoterLists {
  std::size_t k = 0;
  Buffer<std::int32_t> indices;  ///< scored x k
  std::span<const std::int32_t> row(std::size_t s) const { return {indices.data() + s * k, k}; }
};
VoterLists nearest_voters(const Samples&, Metric, const Electorate&, std::size_t k, const Control&);

struct Classification {
  double accuracy = 0;  ///< share of scored samples whose vote is their class
  double hit = 0;       ///< neighbourhood hit: mean share of the k voters that have the sample's class
  std::size_t scored = 0;
  /// {true class, predicted class}: samples, where there are any.
  std::map<std::pair<std::int32_t, std::int32_t>, std::int64_t> confusion;

  /// Share of the scored samples of class c that were recognised; NaN where there are none.
  double class_accuracy(std::int32_t c) const;
};

/// Votes of the first k voters of each scored sample. Cost: |scored| k.
Classification classify(const VoterLists&, const Electorate&, const Classes&, std::size_t k);

}  // namespace espalier
