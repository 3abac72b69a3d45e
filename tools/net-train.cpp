// net-train: train a network, from scratch, from a checkpoint, or distilled from a teacher
#include <cstdlib>

#include "cli/tool.h"
#include "h5/output.h"
#include "h5/training_job.h"
#include "nn/recipe.h"

using namespace espalier;

namespace {

/// What the command line says over the recipe.
struct Overrides {
  std::optional<int> epochs, batch, crop, cutout;
  std::optional<double> rate, warmup, factor, momentum, decay;
  std::vector<double> drops;
  RateCourse course = RateCourse::one_cycle;
  UpdateRule rule = UpdateRule::sgd;
  bool nesterov = false, decay_weights_only = false, no_flip = false;
};

struct Args {
  TrainingJob job;
  Overrides over;
  std::string data, recipe = "one-cycle", width;
};

double parse_width(const std::string& text) {
  const char* const begin = text.c_str() + (text.starts_with("x") ? 1 : 0);
  char* end = nullptr;
  const double width = std::strtod(begin, &end);
  if (end == begin || *end || !(width >= 0.01 && width <= 100))
    throw UsageError("--width is '{}', expected a factor such as x0.5", text);
  return width;
}

/// The recipe with what was asked for over it.
void settle(Args& args, const Cli& cli) {
  const Overrides& over = args.over;
  TrainingOptions options = find_recipe(args.recipe);
  const TrainingOptions& asked = args.job.training;  // options without a recipe of their own
  options.mixup = asked.mixup;
  options.loss = asked.loss;
  options.seed = asked.seed;
  if (over.epochs) {
    // Drops keep their place in the course.
    for (double& drop : options.rate.drops) drop *= double(*over.epochs) / options.epochs;
    options.epochs = *over.epochs;
  }
  options.batch = over.batch.value_or(options.batch);
  options.augment.crop = over.crop.value_or(options.augment.crop);
  options.augment.cutout = over.cutout.value_or(options.augment.cutout);
  options.augment.flip = options.augment.flip && !over.no_flip;
  options.rate.rate = over.rate.value_or(options.rate.rate);
  options.rate.warmup = over.warmup.value_or(options.rate.warmup);
  options.rate.factor = over.factor.value_or(options.rate.factor);
  options.update.momentum = over.momentum.value_or(options.update.momentum);
  options.update.weight_decay = over.decay.value_or(options.update.weight_decay);
  if (!over.drops.empty()) options.rate.drops = over.drops;
  if (cli.given("schedule")) options.rate.course = over.course;
  if (cli.given("optimizer")) options.update.rule = over.rule;
  options.update.nesterov = options.update.nesterov || over.nesterov;
  options.update.decay_all = !over.decay_weights_only;
  args.job.training = options;

  const auto refuse = [&](bool idle, const char* name, const char* why) {
    if (idle && cli.given(name)) throw UsageError("--{} has no effect {}", name, why);
  };
  refuse(options.rate.course != RateCourse::step, "drops", "without --schedule step");
  refuse(options.rate.course != RateCourse::step, "factor", "without --schedule step");
  refuse(options.rate.course == RateCourse::one_cycle, "warmup", "with --schedule one-cycle, which has its own");
  refuse(options.update.rule != UpdateRule::sgd, "nesterov", "without --optimizer sgd");
  refuse(args.job.teacher.empty(), "temperature", "without --teacher");
  refuse(args.job.teacher.empty(), "distillation", "without --teacher");
  refuse(!args.job.from.empty(), "width", "with --from");
  if (args.job.architecture.empty() == args.job.from.empty())
    throw UsageError("give either --arch NAME or --from NETWORK");
  if (!args.width.empty()) args.job.width = parse_width(args.width);
}

Args parse(Cli& cli) {
  Args args;
  TrainingJob& job = args.job;
  job.training.loss.distillation = 0.9;
  cli.usage("[options] --arch NAME|FILE [-o FILE] [FILE]", "Train a network on labelled images.");
  cli.text("arch", job.architecture, "architecture: a stock name, or a file in .json", "NAME");
  cli.text("width", args.width, "scales the channels of a stock architecture", "xX");
  cli.text("from", job.from, "go on from the network in this file", "FILE");
  cli.text("data", args.data, "sample file, instead of the operand", "FILE");
  cli.text("teacher", job.teacher, "distil from the network in this file", "FILE");
  cli.real("distillation", job.training.loss.distillation, "share of the teacher's term in the loss", 0, 1);
  cli.real("temperature", job.training.loss.temperature, "of distillation", 0.01, 1000);
  cli.text("recipe", args.recipe, "one-cycle, long, he, mitsuno or digits: sets what follows", "NAME");
  cli.count("epochs", args.over.epochs, "passes over the training rows", 1, 100000);
  cli.count("batch", args.over.batch, "images of a step", 1, 1 << 20);
  cli.real("rate", args.over.rate, "largest learning rate", 1e-9, 1e3);
  cli.choice("schedule", args.over.course,
             {{"constant", RateCourse::constant},
              {"step", RateCourse::step},
              {"cosine", RateCourse::cosine},
              {"one-cycle", RateCourse::one_cycle}},
             "course of the rate");
  cli.real("warmup", args.over.warmup, "epochs of growing rate at first", 0, 1e5);
  cli.list("drops", args.over.drops, "epochs after which a step schedule lowers the rate", 0, 1e5);
  cli.real("factor", args.over.factor, "by which it does", 1e-6, 1);
  cli.choice("optimizer", args.over.rule, {{"sgd", UpdateRule::sgd}, {"adamw", UpdateRule::adamw}}, "update rule");
  cli.real("momentum", args.over.momentum, "of sgd; beta 1 of adamw", 0, 0.9999);
  cli.flag("nesterov", args.over.nesterov, "sgd looks ahead along the momentum");
  cli.real("weight-decay", args.over.decay, "strength", 0, 1);
  cli.flag("decay-weights-only", args.over.decay_weights_only, "norms and biases do not decay");
  cli.count("crop", args.over.crop, "pixels by which an image is shifted at most", 0, 1024);
  cli.flag("no-flip", args.over.no_flip, "images are not mirrored");
  cli.count("cutout", args.over.cutout, "side of a square that is hidden; 0: none", 0, 1024);
  cli.real("mixup", job.training.mixup, "alpha of the share by which two images are blended; 0: none", 0, 100);
  cli.real("label-smoothing", job.training.loss.smoothing, "share of the target that goes to all classes", 0, 0.99);
  cli.real("validation", job.validation, "share of the training rows held out; the best epoch on them is written", 0,
           0.9);
  cli.seed("s,seed", job.training.seed, "of all random numbers");
  cli.text("dataset", job.selection.dataset, "where the images are in the file", "PATH");
  cli.text("labels", job.selection.labels, "where their labels are", "PATH");
  cli.text("log", job.log, "table of epochs, written anew after each: .tsv", "FILE");
  cli.text("checkpoint", job.checkpoint, "where an interrupted run is kept; OUTPUT.ckpt where -o is given", "FILE");
  cli.count("checkpoint-every", job.checkpoint_every, "epochs; 0: on signals only");
  cli.flag("restart", job.restart, "ignore a checkpoint that is there");
  cli.output();
  cli.parse(true);
  settle(args, cli);
  return args;
}

int run(Cli& cli) {
  Args args = parse(cli);
  TrainingJob& job = args.job;
  if (!args.data.empty() && !cli.operands().empty()) throw UsageError("--data and an operand are the same: give one");
  job.output = cli.output_path();
  job.command = cli.command();
  job.history = cli.history();
  if (job.checkpoint.empty()) job.checkpoint = default_checkpoint(job.output);
  if (job.checkpoint.empty() && (job.restart || cli.given("checkpoint-every")))
    throw UsageError("--{} has no effect without -o or --checkpoint", job.restart ? "restart" : "checkpoint-every");
  require_writable(job.output);
  const SampleFile file = SampleFile::open(args.data.empty() ? cli.input() : args.data, job.selection, cli.control());
  if (run_training_job(file, job, cli.control(!job.checkpoint.empty()))) return kDone;
  cli.note(fmt::format("stopped; the same command goes on from {}", job.checkpoint));
  return kStopped;
}

}  // namespace

int main(int argc, char** argv) { return tool_main("net-train", argc, argv, run); }
