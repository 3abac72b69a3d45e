#include "nn/trainer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/random.h"

namespace espalier {

namespace {

constexpr std::uint64_t kMixup = 0x4d49;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// One number from Beta(alpha, alpha), alpha > 0, by Johnk's method: u^(1/alpha) / (u^(1/alpha) + v^(1/alpha)) of the
/// first pair of uniform numbers whose powers add up to at most 1.
double draw_beta(const Random& random, double alpha) {
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const double x = std::pow(random.uniform(2 * i), 1 / alpha), y = std::pow(random.uniform(2 * i + 1), 1 / alpha);
    if (x + y <= 1 && x + y > 0) return x / (x + y);
  }
  return 0.5;
}

bool same(const Normalization& a, const Normalization& b) { return a.mean == b.mean && a.deviation == b.deviation; }

}  // namespace

Trainer::Trainer(const Architecture& architecture, Parameters& parameters, Data data, const TrainingOptions& options,
                 Teacher* teacher, TrainingHooks hooks)
    : parameters_(parameters),
      data_(std::move(data)),
      options_(options),
      hooks_(std::move(hooks)),
      executor_(architecture, parameters),
      teacher_(teacher) {
  if (teacher) teacher_executor_ = std::make_unique<Executor>(teacher->architecture, teacher->parameters);
  if (!teacher) options_.loss.distillation = 0;
  state_.update = initial_update_state(parameters, options.update.rule);
  state_.columns = hooks_.columns;
  if (hooks_.prepare) hooks_.prepare(executor_);
}

std::size_t Trainer::steps() const {
  const auto batch = std::size_t(options_.batch);
  return (data_.training.size() + batch - 1) / batch;
}

double Trainer::epoch_now() const { return double(state_.epoch) + double(state_.step) / double(steps()); }

void Trainer::restore(TrainingState state) {
  if (state.update.first.size() != parameters_.size())
    throw BugError("a saved training of {} parameters for a network of {}", state.update.first.size(),
                   parameters_.size());
  if (state.columns != hooks_.columns) throw BugError("a saved training with other columns in its log");
  state_ = std::move(state);
}

bool Trainer::run(const Control& control, const std::function<void(const EpochRecord&, double)>& on_epoch) {
  while (!finished()) {
    const std::vector<std::int32_t> order = shuffled(data_.training, options_.seed, std::uint64_t(state_.epoch));
    const double begin = control.now();
    const std::int64_t before = state_.seen;
    while (state_.step < std::int64_t(steps())) {
      if (control.stopped()) return false;
      step(order);
      control.report("steps", double(state_.epoch) * double(steps()) + double(state_.step),
                     double(options_.epochs) * double(steps()),
                     fmt::format("epoch {}/{}, loss {:.4f}", state_.epoch + 1, options_.epochs,
                                 state_.loss_sum / double(state_.seen)));
    }
    const double seconds = control.now() - begin, images = double(state_.seen - before);
    if (control.stopped()) return false;
    end_epoch(control);
    if (on_epoch) on_epoch(state_.log.back(), seconds > 0 ? images / seconds : 0);
  }
  return true;
}

/// mixup: each image of the batch is blended with another of it, by one share for all.
void Trainer::mix(std::span<const std::int32_t> rows, std::vector<std::int32_t>& others, double& share) {
  const std::uint64_t place = std::uint64_t(state_.epoch) * steps() + std::uint64_t(state_.step);
  share = draw_beta(Random(options_.seed, kMixup + (place << 16)), options_.mixup);
  const std::size_t size = data_.images.image_size(), n = rows.size();
  mixed_.assign(pixels_.begin(), pixels_.begin() + std::ptrdiff_t(n * size));
  for (std::size_t i = 0; i < n; ++i) {
    others[i] = data_.images.labels[std::size_t(rows[n - 1 - i])];
    for (std::size_t p = 0; p < size; ++p)
      pixels_[i * size + p] = float(share * mixed_[i * size + p] + (1 - share) * mixed_[(n - 1 - i) * size + p]);
  }
}

/// The teacher's logits for the images of a step, which `load` puts into pixels_.
Matrix Trainer::ask_teacher(std::uint64_t place, std::size_t images,
                            const std::function<void(const Normalization&)>& load) {
  if (!teacher_) return {};
  const auto known = teacher_->remembered.find(place);
  if (teacher_->remembers && known != teacher_->remembered.end()) return known->second;
  load(teacher_->normalization);
  const Matrix& logits = teacher_executor_->forward(pixels_.data(), images);
  if (teacher_->remembers) teacher_->remembered.emplace(place, logits);
  return logits;
}

void Trainer::step(const std::vector<std::int32_t>& order) {
  const std::size_t batch = std::size_t(options_.batch), first = std::size_t(state_.step) * batch;
  const std::span<const std::int32_t> rows = std::span(order).subspan(first, std::min(batch, order.size() - first));
  const auto epoch = std::uint64_t(state_.epoch);
  const std::uint64_t place = epoch * steps() + std::uint64_t(state_.step);
  pixels_.resize(rows.size() * data_.images.image_size());
  std::vector<std::int32_t> labels(rows.size()), others;
  for (std::size_t i = 0; i < rows.size(); ++i) labels[i] = data_.images.labels[std::size_t(rows[i])];
  others = labels;
  double share = 1;
  const auto load = [&](const Normalization& normalization) {
    load_augmented(data_.images, normalization, options_.augment, options_.seed, epoch, rows, pixels_.data());
    if (options_.mixup > 0) mix(rows, others, share);
  };
  const Matrix taught = ask_teacher(place, rows.size(), load);
  if (!teacher_ || teacher_->remembers || !same(teacher_->normalization, data_.normalization))
    load(data_.normalization);

  const Matrix& logits = executor_.forward(pixels_.data(), rows.size(), {true, options_.seed, place});
  Matrix by_logits;
  const Loss loss = evaluate_mixed_loss(logits, labels, others, share, taught, options_.loss, &by_logits);
  executor_.backward(by_logits);
  double added = 0;
  if (hooks_.regularize) added = hooks_.regularize(epoch_now(), parameters_, executor_.gradients());
  if (!std::isfinite(loss.sum + added))
    throw DataError("", "", "the loss is not finite in epoch {}, step {}: lower --rate", state_.epoch + 1,
                    state_.step + 1);
  const double rate = rate_now();
  update_parameters(parameters_, executor_.gradients(), state_.update, options_.update, rate);
  if (hooks_.after_update) hooks_.after_update(epoch_now(), rate, parameters_);
  state_.loss_sum += loss.sum + added * double(rows.size());
  state_.correct += std::int64_t(loss.correct);
  state_.seen += std::int64_t(rows.size());
  ++state_.step;
}

void Trainer::end_epoch(const Control& control) {
  Control quiet = control;
  quiet.progress = {};
  quiet.stop = nullptr;  // a stop waits for the scores: they are short, and the epoch would be lost
  EpochRecord record;
  record.epoch = double(state_.epoch + 1);
  --state_.step;
  record.rate = rate_now();
  record.training_loss = state_.loss_sum / double(state_.seen);
  record.training_accuracy = double(state_.correct) / double(state_.seen);
  record.held_out_loss = record.held_out_accuracy = record.test_loss = record.test_accuracy = kNone;
  const auto score = [&](const std::vector<std::int32_t>& rows, double& loss, double& accuracy) {
    if (rows.empty()) return;
    const Score s = score_images(executor_, data_.images, data_.normalization, rows, kScoreBatch, quiet);
    loss = s.loss;
    accuracy = s.accuracy;
  };
  score(data_.validation, record.held_out_loss, record.held_out_accuracy);
  score(data_.test, record.test_loss, record.test_accuracy);
  if (hooks_.measure) record.more = hooks_.measure();
  const bool better = record.held_out_accuracy > state_.best_accuracy ||
                      (record.held_out_accuracy == state_.best_accuracy && record.held_out_loss < state_.best_loss);
  if (better) {
    state_.best_accuracy = record.held_out_accuracy;
    state_.best_loss = record.held_out_loss;
    state_.best_epoch = state_.epoch + 1;
    state_.best.clear();
    for (const Parameter& p : parameters_) state_.best.push_back(p.values);
  }
  state_.log.push_back(record);
  ++state_.epoch;
  state_.step = 0;
  state_.loss_sum = 0;
  state_.correct = state_.seen = 0;
}

void Trainer::take_best() {
  for (std::size_t p = 0; p < state_.best.size(); ++p) parameters_[p].values = state_.best[p];
}

}  // namespace espalier
