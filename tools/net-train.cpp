// net-train: train a network, from scratch, from a checkpoint, or distilled from a teacher
#include <fmt/core.h>

#include "cli/tool.h"
#include "cli/training_options.h"
#include "h5/training_job.h"

using namespace espalier;

namespace {

int run(Cli& cli) {
  TrainingArgs args;
  args.least_epochs = 0;  // a state dict becomes a network file
  cli.usage("[options] --arch NAME|--from FILE [-o FILE] [FILE]", "Train a network on labelled images.");
  args.add_network(cli);
  args.add_training(cli);
  args.add_files(cli);
  cli.output();
  cli.parse(true);
  args.settle_network(cli);
  args.settle(cli);
  const SampleFile file = args.open_samples(cli);
  if (run_training_job(file, args.job, cli.control(!args.job.checkpoint.empty()))) return kDone;
  cli.note(fmt::format("stopped; the same command goes on from {}", args.job.checkpoint));
  return kStopped;
}

}  // namespace

int main(int argc, char** argv) { return tool_main("net-train", argc, argv, run); }
