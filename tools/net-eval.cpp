// net-eval: accuracy, loss and cost of a network; predictions, logits and features as HDF5
#include "cli/tool.h"
#include "h5/evaluation_job.h"
#include "h5/output.h"
#include "nn/stock.h"

using namespace espalier;

namespace {

struct Args {
  EvaluationJob job;
  std::string data;
  int split = 0;
};

Args parse(Cli& cli) {
  Args args;
  EvaluationJob& job = args.job;
  cli.usage("[options] [--data FILE] [NETWORK]", "Score a network on labelled images and say what it costs.");
  cli.text("data", args.data, "sample file; without one costs alone are printed", "FILE");
  cli.text("arch", job.architecture, "architecture of a state dict: a stock name, or a file in .json", "NAME|FILE",
           stock_names());
  cli.factor("width", job.width, "scales the channels of a stock architecture", 0.01, 100);
  cli.list("mean", job.mean, "of each channel, for a state dict, in units of x / 255 for bytes [0]", -1e9, 1e9);
  cli.list("std", job.deviation, "likewise, the standard deviation [1]", 1e-9, 1e9);
  cli.choice("split", args.split, {{"automatic", 0}, {"all", 1}, {"train", 2}, {"test", 3}},
             "which rows; automatic: the test rows where there are some");
  cli.count("batch", job.batch, "images computed together", 1, 1 << 16);
  cli.flag("per-class", job.per_class, "table of classes");
  cli.flag("confusion", job.confusion, "table of classes taken for others");
  cli.flag("layers", job.layers, "table of layers with measured times");
  cli.list("times", job.times, "batch sizes whose time for an image is measured", 1, 1 << 16);
  cli.flag("predictions", job.predictions, "write the class of each sample");
  cli.flag("logits", job.logits, "write the logits of each sample");
  cli.text("features", job.features, "write the values of this layer for each sample", "LAYER");
  cli.text("dataset", job.selection.dataset, "where the images are in the file", "PATH");
  cli.text("labels", job.selection.labels, "where their labels are", "PATH");
  cli.flag("json", job.json, "the report as JSON");
  cli.text("report", job.report, "the report to a file: JSON in .json", "FILE");
  cli.output("output file of --predictions, --logits and --features; standard output by default");
  cli.memory();
  cli.parse(true);
  static const char* const splits[] = {"", "all", "train", "test"};
  job.split = splits[args.split];
  job.json = job.json || job.report.ends_with(".json");
  const auto need = [&](bool there, std::initializer_list<const char*> names, const char* what) {
    for (const char* name : names)
      if (!there && cli.given(name)) throw UsageError("--{} has no effect without {}", name, what);
  };
  need(!args.data.empty(),
       {"split", "per-class", "confusion", "predictions", "logits", "features", "dataset", "labels", "output"},
       "--data");
  need(!job.architecture.empty(), {"width", "mean", "std"}, "--arch");
  need(job.writes_samples(), {"output"}, "--predictions, --logits or --features");
  return args;
}

int run(Cli& cli) {
  Args args = parse(cli);
  EvaluationJob& job = args.job;
  job.network = cli.input();
  job.output = cli.output_path();
  job.history = cli.history();
  if (job.writes_samples()) require_writable(job.output);
  if (!job.report.empty()) {
    require_apart("--report", job.report, {job.network, args.data, job.architecture, job.output});
    require_writable(job.report);
  }
  std::optional<SampleFile> file;
  if (!args.data.empty()) file = SampleFile::open(args.data, job.selection, cli.control());
  const std::string report = run_evaluation_job(job, file ? &*file : nullptr, cli.control());
  if (!job.report.empty()) write_file_atomically(job.report, report);
  // Where standard output carries HDF5, the table goes to standard error.
  const bool taken = job.writes_samples() && (job.output.empty() || job.output == "-");
  if (taken)
    cli.note(report.substr(0, report.size() - 1));
  else if (job.report.empty())
    cli.print(report);
  return kDone;
}

}  // namespace

int main(int argc, char** argv) { return tool_main("net-eval", argc, argv, run); }
