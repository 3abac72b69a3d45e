// sparsify: train a network under hierarchical group sparse regularization
#include <fmt/core.h>

#include <set>

#include "cli/tool.h"
#include "cli/training_options.h"
#include "h5/sparsify_job.h"

using namespace espalier;

namespace {

struct Args {
  TrainingArgs training;
  SparsifyJob job;
  bool json = false;
};

Args parse(Cli& cli) {
  Args args;
  SparsifyJob& job = args.job;
  RegularizationOptions& options = job.regularization;
  job.lambdas = {options.lambda};
  cli.usage("[options] --arch NAME|--from FILE [-o FILE] [FILE]",
            "Train a network under a regularizer that drives whole channels to zero.");
  args.training.add_network(cli);
  cli.choice("regularizer", options.kind,
             {{"l1", Regularizer::l1},
              {"gl", Regularizer::gl},
              {"hsr-gl", Regularizer::hsr_gl},
              {"hsq-gl", Regularizer::hsq_gl},
              {"es", Regularizer::es},
              {"hsr-es", Regularizer::hsr_es},
              {"hsq-es", Regularizer::hsq_es},
              {"gl12", Regularizer::gl12},
              {"hsr-gl12", Regularizer::hsr_gl12},
              {"hsq-gl12", Regularizer::hsq_gl12}},
             "what is added to the loss");
  cli.choice("grouping", options.grouping, {{"feature", Grouping::feature}, {"neuron", Grouping::neuron}},
             "a group is what reads a channel, or what makes one");
  cli.list("l,lambda", job.lambdas, "strength; several are trained one after another", 0, 1e6);
  cli.real("mix", options.mix, "share of the regularizer, the rest is L1", 0, 1);
  cli.flag("normalize-groups", options.normalize_groups, "divide each group by its number of kernels");
  cli.choice("solver", options.solver, {{"sgd", Solver::sgd}, {"prox", Solver::prox}},
             "by gradient, or by proximal steps to exact zeros");
  cli.choice("lambda-schedule", options.course,
             {{"constant", LambdaCourse::constant}, {"warm-up", LambdaCourse::warm_up}, {"ramp", LambdaCourse::ramp}},
             "course of lambda");
  cli.real("lambda-warmup", options.warmup, "epochs of growing lambda, of warm-up", 0, 1e5);
  cli.words("exclude", job.exclude, "convolutions that are not regularized", "LAYER,...");
  cli.flag("shortcuts", job.projections, "regularize shortcut projections, too");
  args.training.add_training(cli);
  args.training.add_files(cli);
  cli.real("zero", job.zero, "weights up to this size count as zero", 0, 1e6);
  cli.text("report", job.report, "what became zero, by layer: .json or .tsv", "FILE");
  cli.flag("json", args.json, "what is printed of it as JSON");
  cli.output();
  cli.parse(true);
  args.training.settle_network(cli);
  args.training.settle(cli);
  job.training = args.training.job;
  // One checkpoint serves a whole path of lambdas.
  std::string& checkpoint = job.training.checkpoint;
  checkpoint = job.lambdas.size() > 1 ? with_lambda(checkpoint, "path") : with_lambda(checkpoint, job.lambdas[0]);
  return args;
}

void check(const Cli& cli, const Args& args) {
  const SparsifyJob& job = args.job;
  const auto refuse = [&](bool idle, const char* name, const char* why) {
    if (idle && cli.given(name)) throw UsageError("--{} has no effect {}", name, why);
  };
  refuse(job.regularization.course != LambdaCourse::warm_up, "lambda-warmup", "without --lambda-schedule warm-up");
  if (job.regularization.solver == Solver::prox && job.training.training.update.rule != UpdateRule::sgd)
    throw UsageError("--solver prox needs --optimizer sgd, whose steps have one length for all weights");
  args.training.check_report(cli, job.report);
  std::set<std::string> names;
  for (const double lambda : job.lambdas)
    if (!names.insert(with_lambda("{lambda}", lambda)).second)
      throw UsageError("--lambda has {:g} twice, and each has files of its own", lambda);
  if (job.lambdas.size() < 2) return;
  for (const auto& [name, path] :
       {std::pair{"o", &job.training.output}, {"-log", &job.training.log}, {"-report", &job.report}})
    if ((*name == 'o' || !path->empty()) && path->find("{lambda}") == std::string::npos)
      throw UsageError("-{} needs {{lambda}} in its name, which stands for each of several values", name);
}

int run(Cli& cli) {
  Args args = parse(cli);
  check(cli, args);
  SparsifyJob& job = args.job;
  const SampleFile file = args.training.open_samples(cli);
  const bool taken = job.training.output.empty() || job.training.output == "-";
  bool first = true;
  const auto show = [&](const SparsityReport& report) {
    const std::string text = args.json ? to_json(report) : (first ? "" : "\n") + to_table(report);
    first = false;
    if (!taken)
      cli.print(text);
    else  // standard output has the network
      cli.note(text.substr(0, text.size() - 1));
  };
  const bool done = run_sparsify_job(file, job, cli.control(!job.training.checkpoint.empty()), show);
  if (done) return kDone;
  cli.note(fmt::format("stopped; the same command goes on from {}", job.training.checkpoint));
  return kStopped;
}

}  // namespace

int main(int argc, char** argv) { return tool_main("sparsify", argc, argv, run); }
