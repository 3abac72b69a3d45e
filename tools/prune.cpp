// prune: take filters out whose loss is not missed, and leave a smaller network
#include <fmt/core.h>

#include "cli/tool.h"
#include "cli/training_options.h"
#include "h5/output.h"
#include "h5/prune_job.h"

using namespace espalier;

namespace {

enum class Making { none, mean, least_squares };

struct Args {
  TrainingArgs training;
  PruneJob job;
  Making compensation = Making::none;
  bool sensitivity = false, json = false;
  std::string report;
};

Args parse(Cli& cli) {
  Args args;
  PruneJob& job = args.job;
  int finish = 0;
  cli.usage("[options] --data FILE [-o FILE] [NETWORK]", "Remove the channels of a network that are missed least.");
  cli.choice("criterion", job.scoring.criterion,
             {{"loss", Criterion::loss},
              {"l1", Criterion::l1},
              {"l2", Criterion::l2},
              {"regularizer", Criterion::regularizer},
              {"fpgm", Criterion::fpgm},
              {"bn-scale", Criterion::bn_scale},
              {"taylor", Criterion::taylor},
              {"random", Criterion::random}},
             "how a channel is scored");
  cli.count("samples", job.samples, "training rows that losses are measured on", 1);
  cli.choice("scope", job.scope, {{"inner", PruneScope::inner}, {"all", PruneScope::all}},
             "channels inside residual blocks, or trunks, too");
  cli.words("exclude", job.exclude, "layers whose channels all stay", "LAYER,...");
  cli.count("min-channels", job.min_channels, "that stay in each layer", 1);
  cli.count("round-to", job.round_to, "widths become multiples of this", 1);
  cli.real("target-params", job.targets.parameters, "share of the parameters to be left", 0, 1);
  cli.real("target-macs", job.targets.macs, "share of the MACs to be left", 0, 1);
  cli.real("target-channels", job.targets.channels, "share of the channels in scope to be left", 0, 1);
  cli.real("target-time", job.targets.time, "share of the measured time to be left", 0, 1);
  cli.real("max-loss-increase", job.max_loss_increase, "on the samples, before tuning; 0.05 without a target", 0, 1e6);
  cli.real("step", job.step, "share of the channels that go in a round, at most", 1e-6, 1);
  cli.flag("one-shot", job.one_shot, "one round, of any size");
  cli.count("max-rounds", job.max_rounds, "rounds", 1);
  cli.choice("compensate", args.compensation,
             {{"none", Making::none}, {"mean", Making::mean}, {"least-squares", Making::least_squares}},
             "what readers of lost channels get for them");
  cli.flag("distill", job.self_distill, "the network as it came teaches what is left");
  args.training.words.epochs = "passes over the training rows after each round";
  args.training.words.data = "sample file: rows to score, to tune and to test on";
  args.training.words.log = "table of the epochs of the tuning that runs: .tsv";
  args.training.least_epochs = 0;
  args.training.default_epochs = 2;
  args.training.default_rate = 0.05;
  args.training.add_training(cli);
  cli.count("finish", finish, "epochs of tuning after the last round", 0, 100000);
  args.training.add_files(cli);
  cli.flag("sensitivity", args.sensitivity, "only print, by layer, the loss against the share removed");
  cli.flag("n,dry-run", job.dry_run, "only say what the first round would do");
  cli.text("report", args.report, "rounds and layers to a file: .json or .tsv", "FILE");
  cli.flag("json", args.json, "what is printed of them as JSON");
  cli.output();
  cli.parse(true);
  args.training.writes_network = !job.dry_run && !args.sensitivity;
  args.training.teaches_itself = job.self_distill;
  args.training.settle(cli);
  job.training = args.training.job;
  job.finishing = args.training.lasting(finish);
  job.scoring.seed = job.training.training.seed;
  if (args.compensation != Making::none) {
    job.compensation = CompensationOptions{};
    job.compensation->kind = args.compensation == Making::mean ? Compensation::mean : Compensation::least_squares;
    job.compensation->seed = job.training.training.seed;
  }
  return args;
}

void check(const Cli& cli, const Args& args) {
  const PruneJob& job = args.job;
  const auto refuse = [&](bool idle, const char* name, const char* why) {
    if (idle && cli.given(name)) throw UsageError("--{} has no effect {}", name, why);
  };
  refuse(job.one_shot, "step", "with --one-shot");
  refuse(job.one_shot, "max-rounds", "with --one-shot");
  refuse(job.one_shot, "target-time", "with --one-shot: time is measured after a round");
  refuse(args.sensitivity, "report", "with --sensitivity");
  refuse(args.sensitivity, "json", "with --sensitivity");
  refuse(args.sensitivity, "dry-run", "with --sensitivity");
  refuse(args.sensitivity, "output", "with --sensitivity");
  refuse(job.dry_run, "report", "with --dry-run, which writes nothing");
  if (args.training.data.empty()) throw UsageError("--data FILE is needed: the images to score and to tune on");
  if (args.training.data == "-" && cli.input() == "-")
    throw UsageError("standard input has either the network or the samples: name one of them");
  if (job.self_distill && !job.training.teacher.empty()) throw UsageError("give either --teacher or --distill");
  args.training.check_report(cli, args.report);
}

std::string text_of(const PruneOutcome& outcome, bool json) {
  return json ? to_json(outcome.report, outcome.before, outcome.after)
              : to_table(outcome.report) + "\n" + to_table(outcome.before, outcome.after);
}

int run(Cli& cli) {
  Args args = parse(cli);
  check(cli, args);
  PruneJob& job = args.job;
  job.training.from = cli.input();
  const SampleFile file = SampleFile::open(args.training.data, job.training.selection, cli.control());
  if (args.sensitivity) {
    cli.print(run_sensitivity_job(file, job, cli.control()));
    return kDone;
  }
  const PruneOutcome outcome = run_prune_job(file, job, cli.control(!job.training.checkpoint.empty() && !job.dry_run));
  if (!outcome.finished) {
    cli.note(fmt::format("stopped; the same command goes on from {}", job.training.checkpoint));
    return kStopped;
  }
  if (!args.report.empty()) write_file_atomically(args.report, text_of(outcome, args.report.ends_with(".json")));
  const std::string text = text_of(outcome, args.json);
  const bool taken = !job.dry_run && (job.training.output.empty() || job.training.output == "-");
  if (taken)  // standard output has the network
    cli.note(text.substr(0, text.size() - 1));
  else
    cli.print(text);
  if (outcome.reached || job.dry_run) return kDone;
  const PruneStage &first = outcome.report.stages.front(), &last = outcome.report.stages.back();
  cli.note(fmt::format("the target was not reached: {:.1f} % of the parameters, {:.1f} % of the MACs are left",
                       100.0 * double(last.parameters) / double(first.parameters),
                       100.0 * double(last.macs) / double(first.macs)));
  return kAnswerIsNo;
}

}  // namespace

int main(int argc, char** argv) { return tool_main("prune", argc, argv, run); }
