#include "h5/training_job.h"

#include <fmt/core.h>
#include <unistd.h>

namespace espalier {

bool run_training_job(const SampleFile& file, const TrainingJob& job, const Control& control) {
  TrainingSetup setup = prepare_training(file, job, control);
  bool has_checkpoint = false;
  std::optional<TrainingState> resumed;
  if (!job.checkpoint.empty() && !job.restart)
    if (auto saved = read_training(job.checkpoint, setup.key, setup.network.architecture, control)) {
      control.tell(fmt::format("going on from {}, epoch {}", job.checkpoint, saved->state.epoch + 1));
      setup.network.parameters = std::move(saved->network.parameters);
      resumed = std::move(saved->state);
      has_checkpoint = true;
    }
  const auto save = [&](const TrainingState& state) {
    if (job.checkpoint.empty()) return;
    if (write_or_go_on([&] { write_training(job.checkpoint, setup.key, setup.network, state); }, control))
      has_checkpoint = true;
  };
  const TrainingState state = train(setup, job, {}, std::move(resumed), save, control);
  if (state.epoch < job.training.epochs) {
    if (job.checkpoint.empty()) throw Stopped{};
    save(state);
    return false;
  }
  write_or_save([&] { write_result(job.output, job.history, setup.network); }, [&] { save(state); });
  if (has_checkpoint) ::unlink(job.checkpoint.c_str());
  return true;
}

}  // namespace espalier
