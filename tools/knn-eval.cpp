// knn-eval: score maps, or any samples, by their neighbours
#include <algorithm>
#include <optional>

#include "base/need.h"
#include "base/parallel.h"
#include "base/stage.h"
#include "cli/tool.h"
#include "h5/demand.h"
#include "h5/graphs.h"
#include "h5/samples.h"
#include "quality/evaluate.h"

using namespace espalier;

namespace {

struct Args {
  QualityOptions quality;
  SampleSelection selection;
  std::string embedding;
  std::vector<Threshold> at_least;
  bool json = false;
};

Args parse(Cli& cli) {
  Args args;
  cli.usage("[options] [FILE]", "Score maps, or any samples, by their nearest neighbours.");
  cli.list("k,neighbors", args.quality.neighbors, "neighbours looked at; a row of the table for each");
  cli.choice("mode", args.quality.mode,
             {{"leave-one-out", VoteMode::leave_one_out},
              {"split", VoteMode::split},
              {"resubstitution", VoteMode::resubstitution}},
             "who votes on whose class");
  cli.choice("metric", args.quality.metric,
             {{"euclidean", Metric::euclidean}, {"cosine", Metric::cosine}, {"correlation", Metric::correlation}},
             "distance between samples; in maps it is euclidean");
  cli.count("anchors", args.quality.anchors, "samples that ranks are measured on; 0: all [all, at most 10000]");
  cli.count("pairs", args.quality.pairs, "pairs and triplets for the correlations of distances; 0: none");
  cli.seed("s,seed", args.quality.seed, "of anchors, pairs and triplets");
  cli.flag("per-class", args.quality.per_class, "accuracy of each class too");
  cli.flag("confusion", args.quality.confusion, "confusion table too");
  cli.text("dataset", args.selection.dataset, "where the samples are in the file", "PATH");
  cli.choice("split", args.selection.split,
             {{"all", SplitPart::all}, {"train", SplitPart::train}, {"test", SplitPart::test}},
             "which samples to take");
  cli.text("labels", args.selection.labels, "where the labels are in the file", "PATH");
  cli.text("embedding", args.embedding, "where the maps are in the file", "PATH");
  cli.thresholds("at-least", args.at_least, "exit 1 where a measure is not that good");
  cli.flag("json", args.json, "JSON instead of a table");
  cli.memory();
  cli.parse();
  if (args.selection.split != SplitPart::all && args.quality.mode == VoteMode::split)
    throw UsageError("--mode split needs training and test samples: --split all");
  check_thresholds(args.at_least);
  return args;
}

/// The graph of the file's samples, where qsne kept one: it can be held against the exact one.
std::optional<NeighborGraph> stored_graph(const SampleFile& file) {
  if (!file.has_data() || !file.is_whole() || file.file().is_dataset("/neighbors")) return std::nullopt;
  std::optional<NeighborGraph> graph = read_neighbors(file.file());
  return graph && graph->rows == file.rows() ? std::move(graph) : std::nullopt;
}

/// Defaults that depend on the file: the metric that the map was made with, and fewer neighbours for few samples.
void settle(Args& args, const SampleFile& file, Cli& cli) {
  const std::string metric = file.text_setting("metric").value_or("euclidean");
  if (!cli.given("metric") && metric != "euclidean") {
    args.quality.metric = metric == "cosine" ? Metric::cosine : Metric::correlation;
    cli.note(fmt::format("distances in the data are {}, as the map was made with", metric));
  }
  const int most = int(std::min<std::size_t>(file.rows(), 1 << 30)) - 1;
  if (!cli.given("neighbors") && most >= 1 && args.quality.neighbors[0] > most) {
    args.quality.neighbors = {most};
    cli.note(fmt::format("k lowered to {}, as there are only {} samples", most, file.rows()));
  }
}

/// Neighbours are found first; each thread ranks rows of distances to all samples.
void require_room(const SampleFile& file, const Args& args, const Control& control) {
  constexpr double kOfNeighbor = 8, kOfRanks = 600, kMostRanks = 64 << 20;
  const std::vector<int>& k = args.quality.neighbors;
  const double most = *std::max_element(k.begin(), k.end()), rows = double(file.rows());
  const double samples = file.bytes_of_samples() + file.bytes_of_embeddings(args.embedding);
  require_memory(control,
                 {{"samples", samples},
                  {"neighbours", kOfNeighbor * rows * most + bytes_of_search(samples, rows, most, args.quality.metric)},
                  {"ranks", threads() * std::min(kMostRanks, kOfRanks * rows)}},
                 "lower -k, or take fewer samples with --split");
}

int run(Cli& cli) {
  Args args = parse(cli);
  const Control control = cli.control();
  const SampleFile file = SampleFile::open(cli.input(), args.selection, control);
  settle(args, file, cli);
  require_room(file, args, control);
  std::optional<Stage> stage(std::in_place, control, "read");
  const std::vector<Embedding> maps = file.read_embeddings(args.embedding);
  const std::optional<Labels> labels = file.read_labels();
  const std::vector<std::uint8_t> split = file.read_split();
  std::optional<Samples> samples;
  if (file.has_data()) samples = file.read_samples();

  QualityView view;
  view.file = file.name();
  view.data = samples ? &*samples : nullptr;
  for (const Embedding& map : maps) view.embeddings.push_back({&map.coordinates, map.q, map.kl, map.title});
  if (labels) view.labels = labels->values, view.label_names = labels->names;
  view.split = split;
  const std::optional<NeighborGraph> graph = stored_graph(file);
  view.graph = graph ? &*graph : nullptr;
  stage.emplace(control, "scores");
  const QualityReport report = evaluate_quality(view, args.quality, control);
  stage.reset();
  cli.print(args.json ? to_json(report) : to_table(report));
  const std::vector<std::string> missed = shortfalls(report, args.at_least);
  for (const std::string& line : missed) cli.note(line);
  return missed.empty() ? kDone : kAnswerIsNo;
}

}  // namespace

int main(int argc, char** argv) { return tool_main("knn-eval", argc, argv, run); }
