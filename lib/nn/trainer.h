#pragma once
/// The training loop: epochs of shuffled, augmented batches, stopped and resumed between any two steps.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/control.h"
#include "nn/executor.h"
#include "nn/images.h"
#include "nn/loss.h"
#include "nn/rate.h"
#include "nn/score.h"
#include "nn/updates.h"

namespace espalier {

struct TrainingOptions {
  int epochs = 30;
  int batch = 128;  ///< images of a step
  RateOptions rate;
  UpdateOptions update;
  AugmentOptions augment;
  double mixup = 0;  ///< alpha of the Beta(alpha, alpha) from which the share of two images is drawn; 0: none
  LossOptions loss;  ///< distillation counts where there is a teacher
  std::uint64_t seed = 0;
};

/// One line of the log.
struct EpochRecord {
  double epoch = 0, rate = 0;  ///< the rate of its last step
  double training_loss = 0, training_accuracy = 0;
  double held_out_loss = 0, held_out_accuracy = 0;  ///< on the validation rows; NaN where there are none
  double test_loss = 0, test_accuracy = 0;          ///< NaN where there are none
  std::vector<double> more;                         ///< TrainingHooks::measure's
};

/// Everything that the next step depends on. Restored, a run goes on to the same bytes as one never interrupted.
struct TrainingState {
  std::int64_t epoch = 0, step = 0;  ///< done: whole epochs, and steps of the one begun
  UpdateState update;
  double loss_sum = 0;  ///< over the epoch begun
  std::int64_t correct = 0, seen = 0;
  std::vector<EpochRecord> log;
  std::vector<std::string> columns;          ///< names of EpochRecord::more
  double best_accuracy = -1, best_loss = 0;  ///< on the validation rows
  std::int64_t best_epoch = 0;
  std::vector<Buffer<float>> best;  ///< the parameters then
};

/// A network that teaches: its logits for the same augmented images.
struct Teacher {
  Architecture architecture;
  Parameters parameters;
  Normalization normalization;
  /// Logits by step of a training, kept for trainings to come that see the same images: same rows, seed, batch and
  /// augmentation.
  bool remembers = false;
  std::unordered_map<std::uint64_t, Matrix> remembered = {};
};

/// What sparsify and plant do in a training; each may be empty. `epoch` counts the epochs done, with the fraction of
/// the one begun.
struct TrainingHooks {
  /// Before the first step: layers and statistics are frozen.
  std::function<void(Executor&)> prepare;
  /// Adds to the gradients before an update, and returns what it adds to the loss.
  std::function<double(double epoch, const Parameters&, Parameters& gradients)> regularize;
  /// After an update at this rate.
  std::function<void(double epoch, double rate, Parameters&)> after_update;
  /// Columns of its own that each line of the log gets, and their values.
  std::vector<std::string> columns;
  std::function<std::vector<double>()> measure;
};

class Trainer {
 public:
  /// Keeps references to network, images and teacher. Rows of test and validation may be empty.
  struct Data {
    const ImageSet& images;
    Normalization normalization;
    std::vector<std::int32_t> training, validation, test;
  };
  Trainer(const Architecture&, Parameters&, Data, const TrainingOptions&, Teacher* teacher = nullptr,
          TrainingHooks hooks = {});

  /// Runs until all epochs are done or control stops it; returns whether they are. `on_epoch` is called after each.
  /// Throws DataError where the loss is not finite, naming the step. Progress stage: "steps".
  bool run(const Control&, const std::function<void(const EpochRecord&, double images_per_second)>& on_epoch = {});

  bool finished() const { return state_.epoch >= options_.epochs; }
  const TrainingState& state() const { return state_; }
  void restore(TrainingState);
  /// Puts the parameters of the best epoch back. Nothing where there is no validation.
  void take_best();

 private:
  std::size_t steps() const;
  double epoch_now() const;
  double rate_now() const { return learning_rate(options_.rate, epoch_now(), options_.epochs); }
  void step(const std::vector<std::int32_t>& order);
  Matrix ask_teacher(std::uint64_t place, std::size_t images, const std::function<void(const Normalization&)>& load);
  void mix(std::span<const std::int32_t> rows, std::vector<std::int32_t>& others, double& share);
  void end_epoch(const Control&);

  Parameters& parameters_;
  Data data_;
  TrainingOptions options_;
  TrainingHooks hooks_;
  Executor executor_;
  Teacher* teacher_;
  std::unique_ptr<Executor> teacher_executor_;
  TrainingState state_;
  std::vector<float> pixels_, mixed_;
};

}  // namespace espalier
