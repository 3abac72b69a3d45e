#include "h5/sparsify_job.h"

#include <fmt/core.h>
#include <unistd.h>

#include <filesystem>

#include "base/error.h"
#include "h5/output.h"

namespace espalier {

namespace {

const std::vector<std::string> kColumns = {"penalty",      "zero_weights",         "zero_kernels",  "zero_inputs",
                                           "zero_outputs", "removable_parameters", "removable_macs"};

/// The hooks of one training. The penalty that the log has is that of the epoch's last step.
class Regularization {
 public:
  Regularization(const SparsifyJob& job, double lambda, const StoredNetwork& network)
      : options_(job.regularization),
        epochs_(job.training.training.epochs),
        momentum_(job.training.training.update.momentum),
        zero_(job.zero),
        network_(network),
        regularized_(find_regularized(network.architecture, network.parameters, job.projections, job.exclude)) {
    options_.lambda = lambda;
  }

  TrainingHooks hooks() {
    TrainingHooks hooks;
    hooks.columns = kColumns;
    hooks.measure = [this] { return measure(); };
    if (!(options_.lambda > 0)) return hooks;  // a plain training, to the same bytes
    if (options_.solver == Solver::sgd)
      hooks.regularize = [this](double epoch, const Parameters& parameters, Parameters& gradients) {
        return add_penalty(options_, lambda_at(options_, epoch, epochs_), regularized_, parameters, gradients);
      };
    else
      // A gradient moves weights by rate / (1 - momentum) in the long run, so the step has that length, too: one lambda
      // means the same to both solvers.
      hooks.after_update = [this](double epoch, double rate, Parameters& parameters) {
        const double lambda = lambda_at(options_, epoch, epochs_);
        shrink_weights(options_, lambda, rate / (1 - momentum_), regularized_, parameters);
      };
    return hooks;
  }

 private:
  std::vector<double> measure() const {
    const SparsityReport found = measure_sparsity(network_.architecture, network_.parameters, zero_);
    return {penalty(options_, options_.lambda, regularized_, network_.parameters),
            found.all.weights.share(),
            found.all.kernels.share(),
            found.all.input_groups.share(),
            found.all.output_groups.share(),
            found.removable_parameters,
            found.removable_macs};
  }

  RegularizationOptions options_;
  double epochs_, momentum_, zero_;
  const StoredNetwork& network_;
  std::vector<std::size_t> regularized_;
};

void write_report(const std::string& path, const SparsityReport& report) {
  if (!path.empty()) write_file_atomically(path, path.ends_with(".json") ? to_json(report) : to_table(report));
}

/// What became zero for the first `count` lambdas, from the networks that they left: a run that goes on says of the
/// whole path what an uninterrupted one says. A network that was taken away is passed over.
void report_finished(const SparsifyJob& job, std::size_t count, const Control& control,
                     const std::function<void(const SparsityReport&)>& tell_report) {
  for (std::size_t l = 0; l < count; ++l) {
    const std::string path = with_lambda(job.training.output, job.lambdas[l]);
    if (!std::filesystem::exists(path)) {
      control.tell(fmt::format("{} is gone; what became zero in it is not told again", path));
      continue;
    }
    const StoredNetwork network = read_network(H5File::open(path));
    tell_report(measure_sparsity(network.architecture, network.parameters, job.zero));
  }
}

}  // namespace

std::string with_lambda(const std::string& name, const std::string& value) {
  static const std::string mark = "{lambda}";
  const std::size_t at = name.find(mark);
  return at == std::string::npos ? name : name.substr(0, at) + value + name.substr(at + mark.size());
}

std::string with_lambda(const std::string& name, double lambda) {
  return with_lambda(name, fmt::format("{:g}", lambda));
}

bool run_sparsify_job(const SampleFile& file, const SparsifyJob& job, const Control& control,
                      const std::function<void(const SparsityReport&)>& tell_report) {
  TrainingSetup setup = prepare_training(file, job.training, control);
  const std::string& checkpoint = job.training.checkpoint;
  bool has_checkpoint = false;
  std::size_t first = 0;
  std::optional<TrainingState> resumed;
  if (!checkpoint.empty() && !job.training.restart)
    if (auto saved = read_training(checkpoint, setup.key, setup.network.architecture, control)) {
      first = std::size_t(saved->stage);
      if (first >= job.lambdas.size())
        throw DataError(checkpoint, "/training", "has impossible counts: a damaged checkpoint; --restart ignores it");
      control.tell(fmt::format("going on from {}, lambda {:g}, epoch {}", checkpoint, job.lambdas[first],
                               saved->state.epoch + 1));
      setup.network.parameters = std::move(saved->network.parameters);
      resumed = std::move(saved->state);
      has_checkpoint = true;
      report_finished(job, first, control, tell_report);
    }
  for (std::size_t l = first; l < job.lambdas.size(); ++l) {
    const double lambda = job.lambdas[l];
    if (job.lambdas.size() > 1) control.tell(fmt::format("lambda {:g}", lambda));
    TrainingJob training = job.training;
    training.log = with_lambda(training.log, lambda);
    Regularization regularization(job, lambda, setup.network);
    const auto save = [&](const TrainingState& state) {
      if (checkpoint.empty()) return;
      if (write_or_go_on([&] { write_training(checkpoint, setup.key, setup.network, state, std::int64_t(l)); },
                         control))
        has_checkpoint = true;
    };
    const TrainingState state =
        train(setup, training, regularization.hooks(), std::exchange(resumed, std::nullopt), save, control);
    if (state.epoch < training.training.epochs) {
      if (checkpoint.empty()) throw Stopped{};
      save(state);
      return false;
    }
    const SparsityReport report = measure_sparsity(setup.network.architecture, setup.network.parameters, job.zero);
    write_or_save(
        [&] {
          write_report(with_lambda(job.report, lambda), report);
          write_result(with_lambda(training.output, lambda), training.history, setup.network);
        },
        [&] { save(state); });
    tell_report(report);
  }
  if (has_checkpoint) ::unlink(checkpoint.c_str());
  return true;
}

}  // namespace espalier
