#include "cli/training_options.h"

#include "base/error.h"
#include "h5/checkpoint.h"
#include "h5/output.h"
#include "nn/recipe.h"
#include "nn/stock.h"

namespace espalier {

namespace {

void refuse(const Cli& cli, bool idle, const char* name, const char* why) {
  if (idle && cli.given(name)) throw UsageError("--{} has no effect {}", name, why);
}

}  // namespace

void TrainingArgs::add_network(Cli& cli) {
  cli.text("arch", job.architecture, "architecture: a stock name, or of a file in .json or .h5", "NAME|FILE",
           stock_names());
  cli.factor("width", job.width, "scales the channels of a stock architecture", 0.01, 100);
  cli.text("from", job.from, "go on from the network in this file; with --arch, from a state dict", "FILE");
  cli.list("mean", job.mean, "of each channel, for a state dict, in units of x / 255 for bytes [0]", -1e9, 1e9);
  cli.list("std", job.deviation, "likewise, the standard deviation [1]", 1e-9, 1e9);
}

void TrainingArgs::add_training(Cli& cli) {
  job.training.loss.distillation = 0.9;
  cli.text("teacher", job.teacher, "distil from the network in this file", "FILE");
  cli.real("distillation", job.training.loss.distillation, "share of the teacher's term in the loss", 0, 1);
  cli.real("temperature", job.training.loss.temperature, "of distillation", 0.01, 1000);
  cli.text("recipe", recipe_, "one-cycle, long, he, mitsuno or digits: sets what follows", "NAME", recipe_names());
  if (default_epochs) epochs_ = default_epochs;
  if (default_rate) rate_ = default_rate;
  cli.count("epochs", epochs_, words.epochs, least_epochs, 100000);
  cli.count("batch", batch_, "images of a step", 1, 1 << 20);
  cli.real("rate", rate_, "largest learning rate", 1e-9, 1e3);
  cli.choice("schedule", course_,
             {{"constant", RateCourse::constant},
              {"step", RateCourse::step},
              {"cosine", RateCourse::cosine},
              {"one-cycle", RateCourse::one_cycle}},
             "course of the rate");
  cli.real("warmup", warmup_, "epochs of growing rate at first", 0, 1e5);
  cli.list("drops", drops_, "epochs after which a step schedule lowers the rate", 0, 1e5);
  cli.real("factor", factor_, "by which it does", 1e-6, 1);
  cli.choice("optimizer", rule_, {{"sgd", UpdateRule::sgd}, {"adamw", UpdateRule::adamw}}, "update rule");
  cli.real("momentum", momentum_, "of sgd; beta 1 of adamw", 0, 0.9999);
  cli.flag("nesterov", nesterov_, "sgd looks ahead along the momentum");
  cli.real("weight-decay", decay_, "strength", 0, 1);
  cli.flag("decay-weights-only", decay_weights_only_, "norms and biases do not decay");
  cli.count("crop", crop_, "pixels by which an image is shifted at most", 0, 1024);
  cli.flag("no-flip", no_flip_, "images are not mirrored");
  cli.count("cutout", cutout_, "side of a square that is hidden; 0: none", 0, 1024);
  cli.real("mixup", job.training.mixup, "alpha of the share by which two images are blended; 0: none", 0, 100);
  cli.real("label-smoothing", job.training.loss.smoothing, "share of the target that goes to all classes", 0, 0.99);
  cli.real("validation", job.validation, words.validation, 0, 0.9);
  cli.count("train-samples", job.train_samples, "training rows that are used; 0: all", 0);
  cli.seed("s,seed", job.training.seed, "of all random numbers");
}

void TrainingArgs::add_files(Cli& cli) {
  cli.text("data", data, words.data, "FILE");
  cli.text("dataset", job.selection.dataset, "where the images are in the file", "PATH");
  cli.text("labels", job.selection.labels, "where their labels are", "PATH");
  cli.text("log", job.log, words.log, "FILE");
  cli.text("checkpoint", job.checkpoint, "where an interrupted run is kept; OUTPUT.ckpt where -o is given", "FILE");
  cli.count("checkpoint-every", job.checkpoint_every, words.checkpoint_every);
  cli.flag("restart", job.restart, "ignore a checkpoint that is there");
  cli.memory();
}

void TrainingArgs::settle(const Cli& cli) {
  TrainingOptions options = find_recipe(recipe_);
  options.mixup = job.training.mixup;
  options.loss = job.training.loss;
  options.seed = job.training.seed;
  options.batch = batch_.value_or(options.batch);
  options.augment.crop = crop_.value_or(options.augment.crop);
  options.augment.cutout = cutout_.value_or(options.augment.cutout);
  options.augment.flip = options.augment.flip && !no_flip_;
  options.rate.rate = rate_.value_or(options.rate.rate);
  options.rate.warmup = warmup_.value_or(options.rate.warmup);
  options.rate.factor = factor_.value_or(options.rate.factor);
  options.update.momentum = momentum_.value_or(options.update.momentum);
  options.update.weight_decay = decay_.value_or(options.update.weight_decay);
  if (cli.given("schedule")) options.rate.course = course_;
  if (cli.given("optimizer")) options.update.rule = rule_;
  options.update.nesterov = options.update.nesterov || nesterov_;
  options.update.decay_all = !decay_weights_only_;
  job.training = options;
  job.training = lasting(epochs_.value_or(options.epochs));

  refuse(cli, options.rate.course != RateCourse::step, "drops", "without --schedule step");
  refuse(cli, options.rate.course != RateCourse::step, "factor", "without --schedule step");
  refuse(cli, options.rate.course == RateCourse::one_cycle, "warmup", "with --schedule one-cycle, which has its own");
  refuse(cli, options.update.rule != UpdateRule::sgd, "nesterov", "without --optimizer sgd");
  refuse(cli, job.teacher.empty() && !teaches_itself, "temperature", "without a teacher");
  refuse(cli, job.teacher.empty() && !teaches_itself, "distillation", "without a teacher");

  job.output = cli.output_path();
  job.command = cli.command();
  job.history = cli.history();
  if (job.checkpoint.empty()) job.checkpoint = default_checkpoint(job.output);
  if (job.checkpoint.empty() && (job.restart || cli.given("checkpoint-every")))
    throw UsageError("--{} has no effect without -o or --checkpoint", job.restart ? "restart" : "checkpoint-every");
  if (writes_network) require_writable(job.output);
  require_apart("--log", job.log, files(cli));
  require_apart("--log", job.log, {job.checkpoint});
  require_apart("--checkpoint", job.checkpoint, files(cli));
  for (const std::string& path : {job.log, job.checkpoint})
    if (!path.empty()) require_writable(path);
}

void TrainingArgs::check_report(const Cli& cli, const std::string& path) const {
  if (path.empty()) return;
  if (!path.ends_with(".json") && !path.ends_with(".tsv"))
    throw UsageError("--report is '{}', expected a name in .json or .tsv", path);
  require_apart("--report", path, files(cli));
  require_apart("--report", path, {job.log, job.checkpoint});
  require_writable(path);
}

std::vector<std::string> TrainingArgs::files(const Cli& cli) const {
  std::vector<std::string> paths = cli.operands();
  for (const std::string& path : {data, job.from, job.teacher, job.architecture, job.output}) paths.push_back(path);
  return paths;
}

TrainingOptions TrainingArgs::lasting(int epochs) const {
  TrainingOptions options = job.training;
  const TrainingOptions recipe = find_recipe(recipe_);
  options.rate.drops = drops_;
  if (drops_.empty())  // those of the recipe keep their place in the course
    for (const double drop : recipe.rate.drops) options.rate.drops.push_back(drop * epochs / recipe.epochs);
  options.epochs = epochs;
  return options;
}

void TrainingArgs::settle_network(const Cli& cli) {
  if (job.architecture.empty() && job.from.empty()) throw UsageError("give --arch NAME or --from NETWORK");
  refuse(cli, job.architecture.empty(), "width", "without --arch");
  for (const char* name : {"mean", "std"})
    refuse(cli, job.architecture.empty() || job.from.empty(), name, "without both --arch and --from");
}

SampleFile TrainingArgs::open_samples(Cli& cli) const {
  if (!data.empty() && !cli.operands().empty()) throw UsageError("--data and an operand are the same: give one");
  return SampleFile::open(data.empty() ? cli.input() : data, job.selection, cli.control());
}

}  // namespace espalier
