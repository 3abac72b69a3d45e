#pragma once
/// Scores embeddings of the same samples by their neighbours: the whole of knn-eval but reading and writing.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/control.h"
#include "neighbors/graph.h"
#include "quality/classify.h"
#include "quality/report.h"

namespace espalier {

struct QualityOptions {
  std::vector<int> neighbors = {10};        ///< k: neighbours looked at, 1 ... N - 1; one row of the report each
  VoteMode mode = VoteMode::leave_one_out;  ///< who votes on whose class
  Metric metric = Metric::euclidean;        ///< distances in the data; in the embedding they are euclidean
  /// Samples on which ranks and silhouette are measured, drawn without replacement; 0 is all. Unset: all up to 10,000
  /// samples, beyond that 10,000. Accuracy, hit and recall always take all samples.
  std::optional<int> anchors;
  int pairs = 500000;      ///< pairs for the correlations of distances, and triplets; 0 leaves both out
  bool recall = true;      ///< neighbours of all samples in the data and each embedding, where not all are anchors
  std::uint64_t seed = 0;  ///< of anchors, pairs and triplets
  bool per_class = false;  ///< a column accuracy:CLASS for each class
  bool confusion = false;  ///< a confusion table for each row
};

struct EmbeddingView {
  const Matrix* coordinates = nullptr;  ///< N x m
  std::optional<double> q, kl;          ///< carried into the report
  std::string title;                    ///< names its rows; number it where empty
};

/// What is to be scored; empty parts are left out. Needs data or an embedding.
struct QualityView {
  std::string file;  ///< named in errors
  const Samples* data = nullptr;
  std::vector<EmbeddingView> embeddings;     ///< none: the data themselves are scored, by their labels
  std::span<const std::int32_t> labels;      ///< N; -1 unknown
  std::span<const std::string> label_names;  ///< name of label v, or none
  std::span<const std::uint8_t> split;       ///< N; 0 training, 1 test
  const NeighborGraph* graph = nullptr;      ///< a graph of the data, to be held against the exact one
};

/// Columns, where what they need is there: accuracy, hit, silhouette (labels of two classes or more); trustworthiness,
/// continuity, qnx, lcmc, rnx, mrre_data, mrre_embedding, auc, recall, pearson, spearman, triplets (data and an
/// embedding); graph_recall (data and a graph). See quality/classify.h, preserve.h and global.h for their definitions.
///
/// Throws DataError where parts disagree in size, k >= N, there are fewer than 3 samples, or numbers are not finite;
/// and Stopped. Memory: the input, N x k indices, and 64 MiB a thread.
QualityReport evaluate_quality(const QualityView&, const QualityOptions&, const Control&);

}  // namespace espalier
