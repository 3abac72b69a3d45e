// plant: grow a network channel by channel, where channels help most
#include <fmt/core.h>

#include <cmath>

#include "cli/tool.h"
#include "cli/training_options.h"
#include "h5/output.h"
#include "h5/plant_job.h"

using namespace espalier;

namespace {

struct Args {
  TrainingArgs training;
  PlantJob job;
  std::optional<int> max_parameters;
  std::optional<double> max_macs;
  int finish = 0;
  bool json = false;
  std::string report;
};

Args parse(Cli& cli) {
  Args args;
  PlantJob& job = args.job;
  cli.usage("[options] --data FILE [-o FILE] [NETWORK]", "Grow a network by the channels that help it most.");
  cli.choice("scope", job.scope, {{"inner", PruneScope::inner}, {"all", PruneScope::all}},
             "layers inside residual blocks, or trunks, too");
  cli.words("exclude", job.exclude, "layers that do not grow", "LAYER,...");
  cli.real("channels", job.channels, "of a trial: below 1 a share of the layer's, else a number", 1e-6, 1e6);
  cli.choice("gain", job.gain,
             {{"loss", Gain::loss},
              {"accuracy", Gain::accuracy},
              {"per-parameter", Gain::per_parameter},
              {"per-mac", Gain::per_mac}},
             "what trials are compared by");
  cli.real("min-gain", job.min_gain, "what the best trial of a round must exceed", -1e6, 1e6);
  cli.count("patience", job.patience, "rounds without such a gain that end the search", 1);
  cli.count("max-rounds", job.max_rounds, "rounds", 0);
  cli.count("max-params", args.max_parameters, "parameters that the network may reach", 1);
  cli.real("max-macs", args.max_macs, "multiplications that it may reach", 1, 1e18);
  cli.real("target-accuracy", job.target_accuracy, "on the rows held out, at which the search ends", 0, 1);
  cli.count("shortlist", job.shortlist, "layers tried in a round, by gradient; 0: all", 0);
  cli.count("samples", job.samples, "training rows that those gradients are taken of", 1);
  cli.choice("init", job.planting.init,
             {{"zero", PlantInit::zero}, {"random", PlantInit::random}, {"gradmax", PlantInit::gradmax}},
             "how planted channels begin");
  cli.count("draws", job.planting.draws, "of gradmax", 1, 10000);
  cli.choice("bn-stats", job.statistics, {{"keep", OldStatistics::keep}, {"update", OldStatistics::update}},
             "running statistics of old channels");
  args.training.words = {"passes over the training rows in a trial", "share of the training rows held out to judge by",
                         "sample file: the images to train on", "table of rounds, written anew after each: .tsv",
                         "epochs, of --finish; 0: on signals only"};
  args.training.default_epochs = 1;
  args.training.default_rate = 0.1;
  args.training.job.validation = 0.1;
  args.training.add_training(cli);
  cli.count("finish", args.finish, "epochs in which everything is trained at the end", 0, 100000);
  args.training.add_files(cli);
  cli.text("report", args.report, "table of rounds to a file: .json or .tsv", "FILE");
  cli.flag("json", args.json, "what is printed of it as JSON");
  cli.output();
  cli.parse(true);
  args.training.settle(cli);
  job.training = args.training.job;
  job.finishing = args.training.lasting(args.finish);
  job.max_parameters = std::size_t(args.max_parameters.value_or(0));
  job.max_macs = std::size_t(args.max_macs.value_or(0));
  return args;
}

void check(const Cli& cli, const Args& args) {
  const PlantJob& job = args.job;
  if (args.training.data.empty()) throw UsageError("--data FILE is needed: the images to train on");
  if (job.channels > 1 && job.channels != std::floor(job.channels))
    throw UsageError("--channels is {}, expected a share below 1 or a whole number", job.channels);
  if (job.training.validation == 0) throw UsageError("--validation is 0, trials are judged by rows held out");
  if (cli.given("draws") && job.planting.init != PlantInit::gradmax)
    throw UsageError("--draws has no effect without --init gradmax");
  if (cli.given("samples") && job.planting.init != PlantInit::gradmax && job.shortlist == 0)
    throw UsageError("--samples has no effect without --shortlist or --init gradmax");
  args.training.check_report(cli, args.report);
}

int run(Cli& cli) {
  Args args = parse(cli);
  check(cli, args);
  PlantJob& job = args.job;
  job.training.from = cli.input();
  const SampleFile file = SampleFile::open(args.training.data, job.training.selection, cli.control());
  const PlantOutcome outcome = run_plant_job(file, job, cli.control(!job.training.checkpoint.empty()));
  if (!outcome.finished) {
    cli.note(fmt::format("stopped; the same command goes on from {}", job.training.checkpoint));
    return kStopped;
  }
  if (!args.report.empty())
    write_file_atomically(args.report,
                          args.report.ends_with(".json") ? to_json(outcome.rounds) : to_table(outcome.rounds));
  const std::string text = args.json ? to_json(outcome.rounds) : to_table(outcome.rounds);
  const bool taken = job.training.output.empty() || job.training.output == "-";
  if (taken)  // standard output has the network
    cli.note(text.substr(0, text.size() - 1));
  else
    cli.print(text);
  if (outcome.reached) return kDone;
  cli.note(fmt::format("the target was not reached: {:.2f} % on the rows held out",
                       100 * outcome.rounds.back().validation_accuracy));
  return kAnswerIsNo;
}

}  // namespace

int main(int argc, char** argv) { return tool_main("plant", argc, argv, run); }
