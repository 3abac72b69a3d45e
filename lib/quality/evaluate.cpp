#include "quality/evaluate.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <deque>
#include <functional>
#include <limits>
#include <memory>

#include "base/error.h"
#include "base/parallel.h"
#include "quality/distances.h"
#include "quality/global.h"
#include "quality/preserve.h"
#include "quality/ranking.h"

namespace espalier {

namespace {

constexpr std::size_t kAutomaticAnchors = 10000;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

constexpr struct {
  RankScore score;
  const char* name;
  bool lower_is_better;
} kRankColumns[] = {{RankScore::trustworthiness, "trustworthiness", false},
                    {RankScore::continuity, "continuity", false},
                    {RankScore::qnx, "qnx", false},
                    {RankScore::lcmc, "lcmc", false},
                    {RankScore::rnx, "rnx", false},
                    {RankScore::mrre_data, "mrre_data", true},
                    {RankScore::mrre_embedding, "mrre_embedding", true}};

/// One number for each anchor and column; what it means over all samples, and how sure that is.
class AnchorTable {
 public:
  AnchorTable(std::size_t anchors, std::size_t columns) : columns_(columns), values_(anchors * columns, kNone) {}

  std::span<double> row(std::size_t anchor) { return {values_.data() + anchor * columns_, columns_}; }

  /// Mean over the anchors that have a score, with its standard error for draws without replacement from `population`:
  /// s / sqrt(n) * sqrt(1 - n / population). The error is NaN where nothing was sampled.
  Score mean(std::size_t column, std::size_t population) const {
    double sum = 0, squares = 0, n = 0;
    for (std::size_t at = column; at < values_.size(); at += columns_)
      if (!std::isnan(values_[at])) sum += values_[at], ++n;
    if (n == 0) return {kNone, kNone};
    const double mean = sum / n;
    for (std::size_t at = column; at < values_.size(); at += columns_)
      if (!std::isnan(values_[at])) squares += (values_[at] - mean) * (values_[at] - mean);
    if (n >= double(population) || n < 2) return {mean, kNone};
    return {mean, std::sqrt(squares / (n - 1) / n * (1 - n / double(population)))};
  }

 private:
  std::size_t columns_;
  std::vector<double> values_;
};

/// Share of the first k of `found` among the first k of `truth`. `marks` (one per sample) is 0 before and after.
double overlap(std::span<const std::int32_t> truth, std::span<const std::int32_t> found, std::size_t k,
               std::span<std::uint8_t> marks) {
  std::size_t shared = 0;
  for (std::size_t r = 0; r < k; ++r) marks[std::size_t(truth[r])] = 1;
  for (std::size_t r = 0; r < k; ++r) shared += marks[std::size_t(found[r])];
  for (std::size_t r = 0; r < k; ++r) marks[std::size_t(truth[r])] = 0;
  return double(shared) / double(k);
}

class Evaluation {
 public:
  Evaluation(const QualityView& view, const QualityOptions& options, const Control& control)
      : view_(view), options_(options), control_(control) {
    check_input();
    number_labels();
    open_spaces();
    begin_report();
  }

  QualityReport run() {
    if (labelled_) score_classes();
    score_anchors();
    if (data_ && !view_.embeddings.empty()) {
      score_recall();
      if (options_.pairs > 0) score_pairs();
    }
    return std::move(report_);
  }

 private:
  void check_input();
  void number_labels();
  void open_spaces();
  void begin_report();
  void leave_out(const std::string& note);
  void add_column(const std::string& name, bool lower_is_better, bool sampled,
                  const std::function<Score(std::size_t space, std::size_t k_at)>& score);

  void score_classes();
  void score_anchors();
  void add_anchor_columns(const AnchorTable&);
  void score_recall();
  void score_pairs();

  std::size_t largest_k() const {
    return std::size_t(*std::max_element(options_.neighbors.begin(), options_.neighbors.end()));
  }
  std::size_t k_count() const { return options_.neighbors.size(); }
  std::size_t k_of(std::size_t k_at) const { return std::size_t(options_.neighbors[k_at]); }
  bool has_ranks() const { return data_ && !view_.embeddings.empty(); }
  VoterLists all_neighbors(const Samples&, Metric) const;

  // Columns of the anchor table: for each space the rank scores of each k, AUC and silhouette; then the graph's recall.
  std::size_t rank_column(std::size_t space, std::size_t k_at) const {
    return space * per_space() + k_at * kRankScores;
  }
  std::size_t auc_column(std::size_t space) const { return space * per_space() + k_count() * kRankScores; }
  std::size_t silhouette_column(std::size_t space) const { return auc_column(space) + 1; }
  std::size_t graph_column(std::size_t k_at) const { return spaces_.size() * per_space() + k_at; }
  std::size_t per_space() const { return k_count() * kRankScores + 2; }

  const QualityView& view_;
  const QualityOptions& options_;
  const Control& control_;
  std::size_t samples_ = 0;
  Classes classes_;
  std::vector<std::int64_t> members_;  ///< samples of each class
  bool labelled_ = false;
  std::unique_ptr<Distances> data_;
  std::deque<Samples> maps_;  ///< the embeddings
  std::deque<Distances> embedded_;
  std::vector<const Distances*> spaces_;  ///< what is scored: the embeddings, or the data where there are none
  std::vector<std::pair<const Samples*, Metric>> space_samples_;
  std::vector<std::int32_t> anchors_;
  std::vector<VoterLists> lists_;  ///< of each space over all samples, where score_classes happened to find them
  QualityReport report_;
};

void Evaluation::check_input() {
  if (view_.data)
    samples_ = sample_count(*view_.data);
  else if (!view_.embeddings.empty())
    samples_ = view_.embeddings.front().coordinates->rows();
  else
    throw DataError(view_.file, "", "has neither samples nor an embedding");
  for (const EmbeddingView& embedding : view_.embeddings)
    if (embedding.coordinates->rows() != samples_)
      throw DataError(view_.file, "/embedding", "has {} rows, there are {} samples", embedding.coordinates->rows(),
                      samples_);
  if (samples_ < 3) throw DataError(view_.file, "", "has {} samples; ranks of neighbours need at least 3", samples_);
  if (options_.neighbors.empty()) throw UsageError("no number of neighbours is given");
  for (int k : options_.neighbors)
    if (k < 1 || std::size_t(k) >= samples_)
      throw DataError(view_.file, "", "has {} samples: k = {} is not between 1 and {}", samples_, k, samples_ - 1);
  if (!view_.labels.empty() && view_.labels.size() != samples_)
    throw DataError(view_.file, "/labels", "has {} entries, there are {} samples", view_.labels.size(), samples_);
  if (view_.graph && view_.graph->rows != samples_)
    throw DataError(view_.file, "/neighbors", "has {} rows, there are {} samples", view_.graph->rows, samples_);
}

void Evaluation::number_labels() {
  if (view_.labels.empty()) return leave_out("no labels: accuracy, hit and silhouette are left out");
  classes_ = number_classes(view_.labels, view_.label_names, view_.file);
  members_.assign(classes_.count(), 0);
  for (std::int32_t c : classes_.of)
    if (c >= 0) ++members_[std::size_t(c)];
  labelled_ = classes_.count() >= 2;
  if (labelled_) return;
  leave_out(classes_.count() == 1 ? "labels of one class: accuracy, hit and silhouette are left out"
                                  : "all labels are unknown: accuracy, hit and silhouette are left out");
}

void Evaluation::open_spaces() {
  if (view_.data) data_ = std::make_unique<Distances>(*view_.data, options_.metric, view_.file, "/data");
  for (const EmbeddingView& embedding : view_.embeddings) {
    maps_.emplace_back(*embedding.coordinates);
    embedded_.emplace_back(maps_.back(), Metric::euclidean, view_.file, "/embedding");
    spaces_.push_back(&embedded_.back());
    space_samples_.emplace_back(&maps_.back(), Metric::euclidean);
  }
  if (spaces_.empty()) {
    if (!labelled_ && !view_.graph)
      throw DataError(view_.file, "", "has no embedding, and no labels of two classes or more: nothing to score");
    spaces_.push_back(data_.get());
    space_samples_.emplace_back(view_.data, options_.metric);
  }
  if (!data_) leave_out("no samples: measures of preservation are left out");
}

void Evaluation::begin_report() {
  const std::size_t wanted = options_.anchors ? std::size_t(*options_.anchors) : std::min(samples_, kAutomaticAnchors);
  anchors_ = sample_rows(samples_, wanted == 0 ? samples_ : wanted, options_.seed);
  report_.samples = samples_;
  report_.anchors = anchors_.size();
  report_.mode = options_.mode == VoteMode::leave_one_out ? "leave-one-out"
                 : options_.mode == VoteMode::split       ? "split"
                                                          : "resubstitution";
  report_.metric = options_.metric == Metric::euclidean ? "euclidean"
                   : options_.metric == Metric::cosine  ? "cosine"
                                                        : "correlation";
  for (std::size_t space = 0; space < spaces_.size(); ++space)
    for (int k : options_.neighbors) {
      QualityRow row;
      row.title = "data";
      row.k = k;
      if (!view_.embeddings.empty()) {
        const EmbeddingView& embedding = view_.embeddings[space];
        row.title = embedding.title.empty() ? fmt::format("{}", space) : embedding.title;
        row.q = embedding.q;
        row.kl = embedding.kl;
      }
      report_.rows.push_back(std::move(row));
    }
  if (anchors_.size() < samples_)
    control_.tell(fmt::format("ranks and silhouettes are measured on {} of {} samples; _se are standard errors",
                              anchors_.size(), samples_));
}

void Evaluation::leave_out(const std::string& note) {
  report_.notes.push_back(note);
  control_.tell(note);
}

void Evaluation::add_column(const std::string& name, bool lower_is_better, bool sampled,
                            const std::function<Score(std::size_t, std::size_t)>& score) {
  report_.columns.push_back({name, lower_is_better, sampled});
  for (std::size_t r = 0; r < report_.rows.size(); ++r)
    report_.rows[r].scores.push_back(score(r / k_count(), r % k_count()));
}

void Evaluation::score_classes() {
  const Electorate electorate = hold_election(classes_, options_.mode, view_.split, largest_k(), view_.file);
  const bool over_all = options_.mode == VoteMode::leave_one_out && electorate.voters.size() == samples_;
  std::vector<Classification> found;
  for (const auto& [samples, metric] : space_samples_) {
    VoterLists lists = nearest_voters(*samples, metric, electorate, largest_k(), control_);
    for (std::size_t k_at = 0; k_at < k_count(); ++k_at) {
      found.push_back(classify(lists, electorate, classes_, k_of(k_at)));
      if (!options_.confusion) continue;
      for (const auto& [cell, count] : found.back().confusion)
        report_.rows[found.size() - 1].confusion.push_back(
            {classes_.names[std::size_t(cell.first)], classes_.names[std::size_t(cell.second)], count});
    }
    if (over_all) lists_.push_back(std::move(lists));
  }
  const auto at = [&](std::size_t space, std::size_t k_at) -> const Classification& {
    return found[space * k_count() + k_at];
  };
  add_column("accuracy", false, false, [&](auto space, auto k_at) { return Score{at(space, k_at).accuracy, kNone}; });
  add_column("hit", false, false, [&](auto space, auto k_at) { return Score{at(space, k_at).hit, kNone}; });
  for (std::size_t c = 0; options_.per_class && c < classes_.count(); ++c)
    add_column("accuracy:" + classes_.names[c], false, false, [&](auto space, auto k_at) {
      return Score{at(space, k_at).class_accuracy(std::int32_t(c)), kNone};
    });
}

/// Everything that needs all distances of a sample, one anchor at a time.
void Evaluation::score_anchors() {
  const bool needs_data = data_ && (has_ranks() || view_.graph), scores_data = view_.embeddings.empty();
  if (!needs_data && !labelled_) return;
  struct Scratch {
    Buffer<double> data_rows, row;
    std::vector<std::int32_t> data_order, data_rank, order, rank;
    std::vector<std::uint8_t> marks;
    std::vector<double> sums;
    RowSorter sorter;
  };
  const RankScores scores(samples_);
  const std::size_t block = rows_per_block(samples_);
  AnchorTable table(anchors_.size(), graph_column(k_count()));
  std::vector<Scratch> scratches(static_cast<std::size_t>(threads()));
  std::atomic<std::size_t> done{0};

  const auto score_anchor = [&](std::size_t anchor, std::span<const double> data_row, Scratch& s) {
    const std::size_t self = std::size_t(anchors_[anchor]);
    const std::span<double> out = table.row(anchor);
    if (needs_data) {
      s.sorter.sort(data_row, self, s.data_order);
      invert_order(s.data_order, s.data_rank);
    }
    for (std::size_t space = 0; space < spaces_.size(); ++space) {
      std::span<const double> row = data_row;
      if (!scores_data) {
        spaces_[space]->from({&anchors_[anchor], 1}, s.row.data());
        row = {s.row.data(), samples_};
      }
      if (labelled_)
        out[silhouette_column(space)] = silhouette(*spaces_[space], row, self, classes_.of, members_, s.sums);
      if (!has_ranks()) continue;
      s.sorter.sort(row, self, s.order);
      invert_order(s.order, s.rank);
      const RankPair pair{s.data_order, s.data_rank, s.order, s.rank};
      for (std::size_t k_at = 0; k_at < k_count(); ++k_at)
        scores.at(pair, k_of(k_at), out.subspan(rank_column(space, k_at), kRankScores));
      out[auc_column(space)] = scores.auc(pair);
    }
    for (std::size_t k_at = 0; view_.graph && data_ && k_at < k_count(); ++k_at)
      if (k_of(k_at) <= view_.graph->k)
        out[graph_column(k_at)] = overlap(
            s.data_order, {view_.graph->indices.data() + self * view_.graph->k, view_.graph->k}, k_of(k_at), s.marks);
  };

  parallel_ranges(anchors_.size(), block, [&](std::size_t begin, std::size_t end, int worker) {
    throw_if_stopped(control_);
    Scratch& s = scratches[std::size_t(worker)];
    if (s.data_rank.empty()) {
      s.data_rows = Buffer<double>(data_ ? block * samples_ : 0);
      s.row = Buffer<double>(samples_);
      for (auto* order : {&s.data_order, &s.order}) order->resize(samples_ - 1);
      for (auto* rank : {&s.data_rank, &s.rank}) rank->resize(samples_);
      s.marks.assign(samples_, 0);
    }
    if (needs_data || scores_data) data_->from({&anchors_[begin], end - begin}, s.data_rows.data());
    for (std::size_t anchor = begin; anchor < end; ++anchor)
      score_anchor(anchor, {s.data_rows.data() + (anchor - begin) * samples_, samples_}, s);
    done += end - begin;
    if (worker == 0) control_.report("anchors", double(done), double(anchors_.size()));
  });
  add_anchor_columns(table);
}

void Evaluation::add_anchor_columns(const AnchorTable& table) {
  const bool sampled = anchors_.size() < samples_;
  if (labelled_) {
    std::size_t known = 0;
    for (std::int64_t count : members_) known += std::size_t(count);
    add_column("silhouette", false, sampled,
               [&](auto space, auto) { return table.mean(silhouette_column(space), known); });
  }
  if (has_ranks()) {
    for (const auto& column : kRankColumns)
      add_column(column.name, column.lower_is_better, sampled, [&](auto space, auto k_at) {
        return table.mean(rank_column(space, k_at) + std::size_t(column.score), samples_);
      });
    add_column("auc", false, sampled, [&](auto space, auto) { return table.mean(auc_column(space), samples_); });
  }
  if (view_.graph && data_)
    add_column("graph_recall", false, sampled,
               [&](auto, auto k_at) { return table.mean(graph_column(k_at), samples_); });
}

VoterLists Evaluation::all_neighbors(const Samples& samples, Metric metric) const {
  const std::vector<std::int32_t> all = sample_rows(samples_, samples_, 0);
  return nearest_voters(samples, metric, {all, all, false}, largest_k(), control_);
}

/// Over all samples. Where they all were anchors, Q_NX is the recall.
void Evaluation::score_recall() {
  if (anchors_.size() == samples_) {
    const auto qnx =
        std::find_if(report_.columns.begin(), report_.columns.end(), [](const auto& c) { return c.name == "qnx"; });
    const std::size_t at = std::size_t(qnx - report_.columns.begin());
    return add_column("recall", false, false,
                      [&](auto space, auto k_at) { return report_.rows[space * k_count() + k_at].scores[at]; });
  }
  if (!options_.recall) return;
  const VoterLists truth = all_neighbors(*view_.data, options_.metric);
  std::vector<double> recall;
  std::vector<std::uint8_t> marks(samples_, 0);
  for (std::size_t space = 0; space < spaces_.size(); ++space) {
    if (lists_.size() == space) lists_.push_back(all_neighbors(*space_samples_[space].first, Metric::euclidean));
    for (std::size_t k_at = 0; k_at < k_count(); ++k_at) {
      double sum = 0;
      for (std::size_t i = 0; i < samples_; ++i) sum += overlap(truth.row(i), lists_[space].row(i), k_of(k_at), marks);
      recall.push_back(sum / double(samples_));
    }
  }
  add_column("recall", false, false, [&](auto space, auto k_at) {
    return Score{recall[space * k_count() + k_at], kNone};
  });
}

void Evaluation::score_pairs() {
  const auto pairs = sample_pairs(samples_, std::size_t(options_.pairs), options_.seed);
  const auto triplets = sample_triplets(samples_, std::size_t(options_.pairs), options_.seed);
  const std::vector<double> data_distances = pair_distances(*data_, pairs), data_ranks = mean_ranks(data_distances);
  const std::vector<std::int8_t> data_signs = triplet_signs(*data_, triplets);
  std::vector<double> linear, ranked, agreed;
  for (const Distances* space : spaces_) {
    throw_if_stopped(control_);
    const std::vector<double> distances = pair_distances(*space, pairs);
    const std::vector<std::int8_t> signs = triplet_signs(*space, triplets);
    linear.push_back(pearson(data_distances, distances));
    ranked.push_back(pearson(data_ranks, mean_ranks(distances)));
    std::size_t same = 0;
    for (std::size_t t = 0; t < signs.size(); ++t) same += signs[t] == data_signs[t];
    agreed.push_back(double(same) / double(signs.size()));
  }
  add_column("pearson", false, false, [&](auto space, auto) { return Score{linear[space], kNone}; });
  add_column("spearman", false, false, [&](auto space, auto) { return Score{ranked[space], kNone}; });
  add_column("triplets", false, true, [&](auto space, auto) {
    const double p = agreed[space];
    return Score{p, std::sqrt(p * (1 - p) / double(triplets.size()))};
  });
}

}  // namespace

QualityReport evaluate_quality(const QualityView& view, const QualityOptions& options, const Control& control) {
  return Evaluation(view, options, control).run();
}

}  // namespace espalier
