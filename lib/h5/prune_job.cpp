#include "h5/prune_job.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/need.h"
#include "base/stage.h"
#include "h5/output.h"
#include "nn/plan.h"
#include "nn/profile.h"
#include "nn/score.h"

namespace espalier {

namespace {

constexpr double kDefaultIncrease = 0.05;
constexpr std::size_t kTimedImages = 64;
constexpr double kTimeBudget = 0.02;  // seconds
constexpr int kTurns = 5;
constexpr const char* kGroup = "/prune";

double mean(const std::vector<float>& x) {
  double sum = 0;
  for (const float v : x) sum += v;
  return sum / double(x.size());
}

/// Pruning between two steps.
class Pruning {
 public:
  Pruning(const SampleFile& file, const PruneJob& job, const Control& control)
      : job_(job), control_(control), setup_(prepare_training(file, job.training, control)) {
    if (job.self_distill)
      setup_.teacher = Teacher{setup_.network.architecture, setup_.network.parameters, setup_.network.normalization};
    original_ = now();
    require_memory(control,
                   {{"samples", bytes_of_drawn(setup_, job.samples)},
                    {"values of a batch of them",
                     estimate_activations(original_.architecture, std::min(job.scoring.batch, std::size_t(job.samples)),
                                          Keeping::all)}},
                   "lower --samples");
    samples_ = draw_samples(setup_, job.samples, job.training.training.seed);
    // What is wrong with --exclude or --criterion is named before anything is saved.
    const std::vector<bool> chosen = spaces();
    if (job.scoring.criterion == Criterion::bn_scale)
      score_channels(now(), layout(), chosen, samples_, job.scoring, quiet());
  }

  PruneOutcome run();
  std::string sensitivity();

 private:
  NetworkShape now() const { return {setup_.network.architecture, setup_.network.parameters}; }
  std::vector<bool> spaces() const {
    return choose_spaces(setup_.network.architecture, layout(), job_.scope, job_.exclude);
  }
  ChannelLayout layout() const { return find_channels(setup_.network.architecture); }
  double loss_of(const NetworkShape& network) const {
    return mean(sample_losses(network, samples_, job_.scoring.batch, quiet()));
  }
  Control quiet() const {
    Control control = control_;
    control.progress = {};
    return control;
  }

  bool resume();
  void save();
  void write_checkpoint();
  Selection select();
  NetworkShape without(const ChannelMarks& removed) const;
  void remove(const Selection&);
  bool tune(const TrainingOptions&);
  void finish();
  bool is_finished() const { return job_.finishing.epochs == 0 || (finishing_ && !tuning_); }
  PruneStage measure(int round) const;
  std::pair<LayerTimes, LayerTimes> measure_times() const;
  bool reached() const;
  bool over() const;
  PruneOutcome outcome(bool reached);
  void tell_stage(const std::string& what) const;

  const PruneJob& job_;
  const Control& control_;
  TrainingSetup setup_;
  NetworkShape original_;
  ScoringSamples samples_;
  PruneReport report_;
  bool has_checkpoint_ = false;
  // Where the run stands: a round that is being tuned is the last stage of the report, and not measured yet. Finishing
  // is tuning once more, and over when that is.
  bool tuning_ = false, finishing_ = false, exhausted_ = false;
  std::optional<TrainingState> training_;
};

PruneStage Pruning::measure(int round) const {
  StoredNetwork network = setup_.network;
  PruneStage stage;
  stage.round = round;
  stage.channels = count_channels(layout(), spaces());
  stage.parameters = count_parameters(network.architecture);
  stage.macs = count_macs(network.architecture);
  stage.widths = widths_of(network.architecture);
  stage.test_loss = stage.test_accuracy = std::numeric_limits<double>::quiet_NaN();
  if (!setup_.data.test.empty()) {
    Executor executor(network.architecture, network.parameters);
    const Score score =
        score_images(executor, setup_.data.images, network.normalization, setup_.data.test, kScoreBatch, quiet());
    stage.test_loss = score.loss;
    stage.test_accuracy = score.accuracy;
  }
  const auto [first, now] = measure_times();
  stage.milliseconds = 1e3 * now.batch / double(kTimedImages);
  stage.time_left = round == 0 ? 1 : now.batch / first.batch;
  return stage;
}

/// Of the network as it came and of what it is now. In turns, and the shortest times of each: what else the machine
/// does tells on both.
std::pair<LayerTimes, LayerTimes> Pruning::measure_times() const {
  NetworkShape first = original_, last = now();
  std::pair<LayerTimes, LayerTimes> best;
  const auto measure = [&](NetworkShape& network, LayerTimes& times) {
    const LayerTimes taken =
        measure_forward(network.architecture, network.parameters, kTimedImages, kTimeBudget, control_.clock);
    if (times.of_layer.empty()) times = taken;
    times.batch = std::min(times.batch, taken.batch);
    for (std::size_t l = 0; l < taken.of_layer.size(); ++l)
      times.of_layer[l] = std::min(times.of_layer[l], taken.of_layer[l]);
  };
  for (int turn = 0; turn < kTurns; ++turn) {
    measure(first, best.first);
    measure(last, best.second);
  }
  return best;
}

std::vector<LayerCost> costs_of(const Architecture& architecture, const LayerTimes& times) {
  const std::vector<ImageShape> shapes = infer_shapes(architecture);
  std::vector<LayerCost> costs;
  for (std::size_t l = 0; l < architecture.layers.size(); ++l) {
    const Layer& layer = architecture.layers[l];
    if (layer.kind != LayerKind::convolution && layer.kind != LayerKind::linear) continue;
    costs.push_back({layer.name, layer.channels, count_parameters(architecture, l), count_macs(architecture, l, shapes),
                     1e3 * times.of_layer[l] / double(kTimedImages)});
  }
  return costs;
}

/// Of the last stage.
void Pruning::tell_stage(const std::string& what) const {
  const PruneStage &first = report_.stages.front(), &stage = report_.stages.back();
  std::string line =
      what + fmt::format("; {} parameters ({:.1f} %), {:.3g} MACs ({:.1f} %), sample loss {:.4f}", stage.parameters,
                         100.0 * double(stage.parameters) / double(first.parameters), double(stage.macs),
                         100.0 * double(stage.macs) / double(first.macs), stage.sample_loss);
  if (!std::isnan(stage.test_accuracy)) line += fmt::format("; test {:.2f} %", 100 * stage.test_accuracy);
  control_.tell(line + fmt::format("; {:.3f} ms an image ({:.1f} %)", stage.milliseconds, 100 * stage.time_left));
}

bool Pruning::resume() {
  const std::string& path = job_.training.checkpoint;
  if (path.empty() || job_.training.restart || job_.dry_run) return false;
  const std::optional<H5File> file = open_checkpoint(path, setup_.key, control_);
  if (!file) return false;
  SavedTraining saved = read_training(*file);
  const std::vector<std::string> rounds = file->read_strings(std::string(kGroup) + "/rounds");
  if (rounds.size() != 1) throw DataError(path, kGroup, "has no rounds: a damaged checkpoint; --restart ignores it");
  report_ = rounds_from_json(rounds[0], path);
  const auto flag = [&](const char* name) { return file->number_attribute(kGroup, name).value_or(0) != 0; };
  tuning_ = flag("tuning");
  finishing_ = flag("finishing");
  exhausted_ = flag("exhausted");
  setup_.network = std::move(saved.network);
  if (tuning_) training_ = std::move(saved.state);
  control_.tell(fmt::format("going on from {}, round {}", path, report_.stages.back().round));
  return has_checkpoint_ = true;
}

void Pruning::save() {
  if (job_.training.checkpoint.empty() || job_.dry_run) return;
  if (write_or_go_on([&] { write_checkpoint(); }, control_)) has_checkpoint_ = true;
}

void Pruning::write_checkpoint() {
  Output out(job_.training.checkpoint);
  H5File& file = out.file();
  write_key(file, setup_.key);
  TrainingState fresh;
  if (!training_) fresh.update = initial_update_state(setup_.network.parameters, job_.training.training.update.rule);
  write_training(file, setup_.network, training_ ? *training_ : fresh, report_.stages.back().round);
  const std::string rounds = rounds_to_json(report_);
  file.make_group(kGroup);
  file.write_strings(std::string(kGroup) + "/rounds", std::span(&rounds, 1));
  file.set_attribute(kGroup, "tuning", std::int64_t(tuning_));
  file.set_attribute(kGroup, "finishing", std::int64_t(finishing_));
  file.set_attribute(kGroup, "exhausted", std::int64_t(exhausted_));
  out.commit();
}

Selection Pruning::select() {
  const Stage stage(control_, "scoring");
  const NetworkShape network = now();
  const ChannelLayout channels = layout();
  const std::vector<bool> scored = spaces();
  const std::vector<ChannelScore> scores = score_channels(network, channels, scored, samples_, job_.scoring, control_);
  const PruneStage& first = report_.stages.front();
  SelectionLimits limits;
  // A width that changes loses as many as its multiple is wide, so a round must be able to.
  constexpr double kRounding = 1e-9;
  limits.channels =
      job_.one_shot ? first.channels
                    : std::max(std::size_t(job_.round_to), std::size_t(job_.step * double(first.channels) + kRounding));
  limits.min_channels = job_.min_channels;
  limits.round_to = job_.round_to;
  if (job_.max_loss_increase)
    limits.largest_loss = first.sample_loss + *job_.max_loss_increase;
  else if (!job_.targets.any())
    limits.largest_loss = first.sample_loss + kDefaultIncrease;
  const auto target = [](std::optional<double> share, std::size_t whole) {
    return share ? std::max<std::size_t>(1, std::size_t(*share * double(whole))) : 0;
  };
  limits.target_parameters = target(job_.targets.parameters, first.parameters);
  limits.target_macs = target(job_.targets.macs, first.macs);
  limits.target_channels = target(job_.targets.channels, first.channels);
  return select_channels(network.architecture, channels, scored, scores, limits, [&](const ChannelMarks& marks) {
    throw_if_stopped(control_);
    return loss_of(without(marks));
  });
}

/// What is left of the network, made good for what it lost where that is asked for.
NetworkShape Pruning::without(const ChannelMarks& removed) const {
  const NetworkShape network = now();
  const ChannelLayout channels = layout();
  if (!job_.compensation) return remove_channels(network.architecture, network.parameters, channels, removed);
  NetworkShape masked = mask_channels(network.architecture, network.parameters, channels, removed);
  compensate(network.architecture, network.parameters, masked, find_bereft_readers(channels, removed), samples_.pixels,
             *job_.compensation, quiet());
  return remove_channels(masked.architecture, masked.parameters, channels, removed);
}

void Pruning::remove(const Selection& selection) {
  NetworkShape compact = without(selection.removed);
  setup_.network.architecture = std::move(compact.architecture);
  setup_.network.parameters = std::move(compact.parameters);
}

/// Returns false where it was stopped.
bool Pruning::tune(const TrainingOptions& options) {
  TrainingJob training = job_.training;
  training.training = options;
  const auto keep = [&](const TrainingState& state) {
    training_ = state;
    save();
  };
  training_ = train(setup_, training, {}, std::exchange(training_, std::nullopt), keep, control_);
  return training_->epoch == options.epochs;
}

/// What finishing gave stands in place of the last round, or beside the network as it came where nothing went.
void Pruning::finish() {
  PruneStage last = measure(std::max(1, report_.stages.back().round));
  last.removed = report_.stages.back().removed;
  last.sample_loss = loss_of(now());
  if (report_.stages.size() > 1) report_.stages.pop_back();
  report_.stages.push_back(last);
  tuning_ = false;
  training_.reset();
  tell_stage("finished");
}

bool Pruning::reached() const {
  const PruneStage &first = report_.stages.front(), &last = report_.stages.back();
  const auto met = [](std::optional<double> share, double value, double whole) {
    return share && value <= *share * whole;
  };
  return met(job_.targets.parameters, double(last.parameters), double(first.parameters)) ||
         met(job_.targets.macs, double(last.macs), double(first.macs)) ||
         met(job_.targets.channels, double(last.channels), double(first.channels)) ||
         met(job_.targets.time, last.time_left, 1);
}

bool Pruning::over() const {
  const int round = report_.stages.back().round;
  return reached() || exhausted_ || (job_.one_shot && round == 1) || round >= job_.max_rounds;
}

PruneOutcome Pruning::run() {
  if (!resume()) {
    report_.layers = prunable_layers(setup_.network.architecture);
    report_.stages.push_back(measure(0));
    report_.stages[0].sample_loss = loss_of(now());
    if (!std::isfinite(report_.stages[0].sample_loss))
      throw DataError("", "", "the network's loss on the scoring samples is not finite");
    save();
  }
  if (report_.stages.back().round == 0) tell_stage("as it came");
  try {
    while (!finishing_ && (tuning_ || !over())) {
      PruneStage stage;
      if (!tuning_) {
        const Selection selection = select();
        if (selection.channels == 0) {
          exhausted_ = true;
          control_.tell("no further channel can go within the limits");
          break;
        }
        remove(selection);
        stage.removed = selection.channels;
        stage.round = report_.stages.back().round + 1;
        stage.sample_loss = selection.loss;
        report_.stages.push_back(stage);
        tuning_ = true;
        save();
      }
      if (!job_.dry_run && job_.training.training.epochs > 0 && !tune(job_.training.training)) {
        save();
        return {false, false, report_, {}, {}};
      }
      const PruneStage begun = report_.stages.back();
      report_.stages.back() = measure(begun.round);
      report_.stages.back().removed = begun.removed;
      report_.stages.back().sample_loss = begun.sample_loss;
      tuning_ = false;
      training_.reset();
      tell_stage(fmt::format("round {}: {} channels removed", begun.round, begun.removed));
      save();
      if (job_.dry_run) break;
    }
    if (!is_finished() && !job_.dry_run) {
      finishing_ = tuning_ = true;
      if (!tune(job_.finishing)) {
        save();
        return {false, false, report_, {}, {}};
      }
      finish();
    }
  } catch (const Stopped&) {  // while scoring: what was saved before stands
    if (!has_checkpoint_) throw;
    return {false, false, report_, {}, {}};
  }
  return outcome(!job_.targets.any() || reached());
}

PruneOutcome Pruning::outcome(bool reached) {
  if (!job_.dry_run) {
    write_or_save([&] { write_result(job_.training.output, job_.training.history, setup_.network); }, [&] { save(); });
    if (has_checkpoint_) ::unlink(job_.training.checkpoint.c_str());
  }
  const auto [first, last] = measure_times();
  return {true, reached, report_, costs_of(original_.architecture, first), costs_of(setup_.network.architecture, last)};
}

std::string Pruning::sensitivity() {
  const NetworkShape network = now();
  const ChannelLayout channels = layout();
  const std::vector<bool> scored = spaces();
  const std::vector<ChannelScore> scores = score_channels(network, channels, scored, samples_, job_.scoring, control_);
  constexpr int kTenths = 10;
  std::string table = "layer\tchannels";
  for (int tenth = 0; tenth < kTenths; ++tenth) table += fmt::format("\t{:.1f}", tenth / double(kTenths));
  table += "\n";
  for (std::size_t s = 0; s < channels.spaces.size(); ++s) {
    if (!scored[s]) continue;
    const auto width = std::size_t(channels.spaces[s].channels);
    std::vector<ChannelScore> own;
    for (const ChannelScore& score : scores)
      if (score.space == s) own.push_back(score);
    std::stable_sort(own.begin(), own.end(), [](const auto& a, const auto& b) { return a.score < b.score; });
    table += fmt::format("{}\t{}", channels.spaces[s].name, width);
    for (std::size_t tenth = 0; tenth < kTenths; ++tenth) {
      ChannelMarks marks(channels.spaces.size());
      marks[s].assign(width, false);
      for (std::size_t i = 0; i < std::min(own.size(), width * tenth / kTenths); ++i) marks[s][own[i].channel] = true;
      throw_if_stopped(control_);
      table +=
          fmt::format("\t{:.4f}", loss_of(remove_channels(network.architecture, network.parameters, channels, marks)));
    }
    table += "\n";
  }
  return table;
}

}  // namespace

PruneOutcome run_prune_job(const SampleFile& file, const PruneJob& job, const Control& control) {
  return Pruning(file, job, control).run();
}

std::string run_sensitivity_job(const SampleFile& file, const PruneJob& job, const Control& control) {
  return Pruning(file, job, control).sensitivity();
}

}  // namespace espalier
