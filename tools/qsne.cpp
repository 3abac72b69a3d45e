// qsne: embed samples in 1, 2 or 3 dimensions with a q-Gaussian kernel
#include <algorithm>

#include "cli/tool.h"
#include "embed/choose.h"
#include "h5/checkpoint.h"
#include "h5/embedding_job.h"
#include "h5/placement_job.h"

using namespace espalier;

namespace {

struct Args {
  EmbeddingJob job;
  std::vector<double> df;
  bool classic = false, scale_search = false, reference = false;
};

/// Options that would be ignored are refused, so that nobody believes in them.
void refuse_idle(const EmbeddingJob& job, const Cli& cli) {
  const auto refuse = [&](const char* why, std::initializer_list<const char*> names) {
    for (const char* name : names)
      if (cli.given(name)) throw UsageError("--{} has no effect with {}", name, why);
  };
  if (!job.map.empty())
    refuse("--transform, which takes the map's own settings", {"q-gaussian",
                                                               "df",
                                                               "dims",
                                                               "neighbors",
                                                               "metric",
                                                               "pca",
                                                               "counts",
                                                               "search",
                                                               "from",
                                                               "graph",
                                                               "classic",
                                                               "scale-search",
                                                               "reference",
                                                               "iterations",
                                                               "exaggeration",
                                                               "exaggeration-iterations",
                                                               "rate",
                                                               "early-stop",
                                                               "repulsion",
                                                               "init",
                                                               "keep-neighbors",
                                                               "keep-affinities",
                                                               "snapshots",
                                                               "checkpoint",
                                                               "checkpoint-every",
                                                               "restart",
                                                               "report"});
  if (job.source != Source::data) refuse("a graph of all samples, --from neighbors or affinities", {"split"});
  if (job.source == Source::data) refuse("--from data", {"graph"});
  if (job.source == Source::affinities)
    refuse("--from affinities", {"perplexity", "neighbors", "metric", "search", "counts", "pca", "keep-neighbors"});
  if (job.source == Source::neighbors) refuse("--from neighbors", {"metric", "search", "neighbors", "counts", "pca"});
  if (job.problem.uniform_neighbors > 0) refuse("-k", {"perplexity"});
  if (job.problem.all_pairs) refuse("--reference", {"neighbors", "metric", "search", "repulsion", "keep-neighbors"});
}

/// --df, the three schedules and -q auto, as the job has them.
void settle(Args& args, const Cli& cli) {
  EmbeddingJob& job = args.job;
  if (!args.df.empty()) {
    if (cli.given("q-gaussian")) throw UsageError("-q and --df are the same choice: give one");
    job.sweep.q.clear();
    for (double df : args.df) job.sweep.q.push_back(1 + 1 / df);
    job.df_scale = true;
  }
  if (job.choose_q) job.sweep.q = kCandidates;
  if (args.classic + args.scale_search + args.reference > 1)
    throw UsageError("--classic, --scale-search and --reference exclude each other");
  if (args.classic) job.sweep.schedule = Schedule::classic;
  if (args.reference) {
    if (job.source != Source::data) throw UsageError("--reference computes its own affinities from the data");
    job.sweep.schedule = Schedule::reference;
    job.problem.all_pairs = true;
    if (job.problem.start == Start::automatic) job.problem.start = Start::random;
    job.sweep.start_in_paper_scale = job.problem.start == Start::random;
    if (job.problem.perplexities.size() > 1) throw UsageError("--reference takes a single perplexity");
    for (double q : job.sweep.q)
      if (q >= 3) throw UsageError("--reference needs q < 3");
  }
  if (job.choose_q && job.source != Source::data) throw UsageError("-q auto needs the data: --from data");
  if (job.sweep.snapshot_every > 0 && job.sweep.q.size() > 1) throw UsageError("--snapshots takes a single q");
  job.problem.dims = job.sweep.dims;
  std::vector<double> q = job.sweep.q;
  std::sort(q.begin(), q.end());
  if (std::adjacent_find(q.begin(), q.end()) != q.end()) throw UsageError("the same q is given twice");
  const bool named = job.report.ends_with(".json") || job.report.ends_with(".tsv");
  if (!job.report.empty() && !named) throw UsageError("--report is '{}', expected a name in .json or .tsv", job.report);
  refuse_idle(job, cli);
}

Args parse(Cli& cli) {
  Args args;
  EmbeddingJob& job = args.job;
  cli.usage("[options] [-o FILE] [FILE]", "Embed samples in 1, 2 or 3 dimensions with a q-Gaussian kernel.");
  cli.list_or_word("q,q-gaussian", job.sweep.q, "auto", job.choose_q, "kernel: 1 is SNE, 2 is t-SNE", 1, 2.999999);
  cli.list("df", args.df, "the same as degrees of freedom 1/(q-1)", 0.01, 1e9);
  cli.count("dims", job.sweep.dims, "dimensions of the map", 1, 3);
  cli.list("perplexity", job.problem.perplexities, "effective neighbours; several are averaged [30]", 1, 1e6);
  cli.count("k,neighbors", job.problem.uniform_neighbors,
            "uniform similarities over so many neighbours; 0: calibrated");
  cli.choice("metric", job.problem.metric,
             {{"euclidean", Metric::euclidean}, {"cosine", Metric::cosine}, {"correlation", Metric::correlation}},
             "distance between samples");
  cli.count("pca", job.problem.pca, "project to principal components first; 0: embed as they are");
  cli.flag("counts", job.problem.counts, "samples are raw single-cell counts: normalise, log(1 + x)");
  cli.choice("search", job.problem.search,
             {{"automatic", SearchMethod::automatic},
              {"exact", SearchMethod::exact},
              {"approximate", SearchMethod::approximate}},
             "how neighbours are found");
  cli.choice("from", job.source,
             {{"data", Source::data}, {"neighbors", Source::neighbors}, {"affinities", Source::affinities}},
             "what the input holds");
  cli.text("graph", job.graph, "where the neighbours or affinities are in the file", "PATH");
  cli.flag("scale-search", args.scale_search, "a short schedule that also searches the map's size (the default)");
  cli.flag("classic", args.classic, "the published schedule, 250 + 500 iterations");
  cli.flag("reference", args.reference, "the authors' program: all pairs, 1000 iterations");
  cli.count("iterations", job.sweep.iterations, "iterations in all, instead of the schedule's");
  cli.real("exaggeration", job.sweep.exaggeration, "factor on similarities at first, instead of 12", 1, 1e4);
  cli.count("exaggeration-iterations", job.sweep.exaggeration_iterations, "how long, instead of the schedule's");
  cli.real("rate", job.sweep.rate, "learning rate after exaggeration, instead of N", 1e-6, 1e12);
  cli.flag("early-stop", job.sweep.early_stop, "stop when the cost no longer falls");
  cli.choice(
      "repulsion", job.sweep.repulsion,
      {{"automatic", RepulsionMethod::automatic}, {"exact", RepulsionMethod::exact}, {"grid", RepulsionMethod::grid}},
      "all pairs, or interpolated on a grid");
  cli.choice("init", job.problem.start,
             {{"automatic", Start::automatic},
              {"pca", Start::pca},
              {"random", Start::random},
              {"embedding", Start::embedding}},
             "start: automatic is pca where there are samples");
  cli.seed("s,seed", job.problem.seed, "of all random numbers");
  cli.text("transform", job.map, "place the samples in the map of this file", "FILE");
  cli.text("dataset", job.selection.dataset, "where the samples are in the file", "PATH");
  cli.choice("split", job.selection.split,
             {{"all", SplitPart::all}, {"train", SplitPart::train}, {"test", SplitPart::test}},
             "which samples to take");
  cli.flag("only", job.only, "write the map without what the input held");
  cli.flag("keep-neighbors", job.keep_neighbors, "write the neighbour graph too");
  cli.flag("keep-affinities", job.keep_affinities, "write the similarities too");
  cli.count("snapshots", job.sweep.snapshot_every, "write the layout at every Nth iteration too; 0: no");
  cli.text("checkpoint", job.checkpoint, "where an interrupted run is kept; OUTPUT.ckpt where -o is given", "FILE");
  cli.count("checkpoint-every", job.sweep.save_every, "at every Nth iteration; 0: on signals only");
  cli.flag("restart", job.restart, "ignore a checkpoint that is there");
  cli.text("report", job.report, "table of q, cost and iterations: .json or .tsv", "FILE");
  cli.output();
  cli.memory();
  cli.parse(true);
  settle(args, cli);
  return args;
}

int run(Cli& cli) {
  EmbeddingJob job = parse(cli).job;
  job.input = cli.input();
  job.output = cli.output_path();
  job.command = cli.command();
  job.history = cli.history();
  if (job.checkpoint.empty() && job.map.empty()) job.checkpoint = default_checkpoint(job.output);
  if (job.checkpoint.empty() && (job.sweep.save_every > 0 || job.restart))
    throw UsageError("--{} has no effect without -o or --checkpoint", job.restart ? "restart" : "checkpoint-every");
  check_files(job);
  // While the input is read there is nothing to save yet, and a signal ends the run at once.
  const SampleFile file = SampleFile::open(job.input, job.selection, cli.control());
  if (!job.map.empty()) {
    run_placement_job(file, job, cli.control());
    return kDone;
  }
  if (run_embedding_job(file, job, cli.control(!job.checkpoint.empty()))) return kDone;
  cli.note(fmt::format("stopped; the same command goes on from {}", job.checkpoint));
  return kStopped;
}

}  // namespace

int main(int argc, char** argv) { return tool_main("qsne", argc, argv, run); }
