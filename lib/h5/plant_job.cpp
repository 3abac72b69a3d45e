#include "h5/plant_job.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"
#include "base/json.h"
#include "base/need.h"
#include "base/random.h"
#include "base/stage.h"
#include "h5/output.h"
#include "nn/score.h"

namespace espalier {

namespace {

constexpr std::uint64_t kTrials = 0x7472;
constexpr const char* kGroup = "/plant";
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

std::string count_of(int count, const char* what) { return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s"); }

Json to_object(const PlantRound& r) {
  return Json::object({{"round", r.round},
                       {"layer", r.layer},
                       {"channels", r.channels},
                       {"gain", Json::finite(r.gain)},
                       {"parameters", r.parameters},
                       {"macs", r.macs},
                       {"validation_loss", Json::finite(r.validation_loss)},
                       {"validation_accuracy", Json::finite(r.validation_accuracy)},
                       {"test_loss", Json::finite(r.test_loss)},
                       {"test_accuracy", Json::finite(r.test_accuracy)}});
}

PlantRound from_object(const Json& json) {
  PlantRound r;
  r.round = int(json.at("round").integer());
  r.layer = json.at("layer").text();
  r.channels = int(json.at("channels").integer());
  r.gain = json.at("gain").number_or_nan();
  r.parameters = json.at("parameters").count();
  r.macs = json.at("macs").count();
  r.validation_loss = json.at("validation_loss").number_or_nan();
  r.validation_accuracy = json.at("validation_accuracy").number_or_nan();
  r.test_loss = json.at("test_loss").number_or_nan();
  r.test_accuracy = json.at("test_accuracy").number_or_nan();
  return r;
}

/// How a network does: cross-entropy, share of right answers, and the mean of the loss that trials are trained by,
/// which is not the first where a teacher or smoothing has a part in it.
struct Standing {
  double loss = 0, accuracy = 0, objective = 0;
};

/// One layer's planting in a round: its place, and, once tried, what it brought.
struct Trial {
  std::size_t space = 0;
  int channels = 0;
  double gain = -std::numeric_limits<double>::infinity();
  std::optional<NetworkShape> network;
};

class Planting {
 public:
  Planting(const SampleFile& file, const PlantJob& job, const Control& control)
      : job_(job), control_(control), setup_(prepare_training(file, job.training, control)) {
    if (setup_.rows.validation.empty())
      throw DataError(file.name(), "", "has no rows to validate on: raise --validation");
    remember_teacher();
    ask_teacher();
    require_memory(control,
                   {{"samples", bytes_of_drawn(setup_, job.samples)},
                    {"values of them with gradients",
                     estimate_activations(architecture(), std::size_t(job.samples), Keeping::all_and_gradients)},
                    {"a trial's network", 3.0 * sizeof(float) * double(count_parameters(architecture()))},
                    {"work", 16 << 20}},
                   "lower --samples");
    samples_ = draw_samples(setup_, job.samples, job.training.training.seed);
    choose_spaces(architecture(), find_channels(architecture()), job.scope, job.exclude);
  }

  PlantOutcome run();

 private:
  const Architecture& architecture() const { return setup_.network.architecture; }
  NetworkShape now() const { return {setup_.network.architecture, setup_.network.parameters}; }
  void remember_teacher();
  void ask_teacher();
  using Judge = std::function<void(std::size_t first, const Matrix& logits)>;
  Score score(const NetworkShape&, const std::vector<std::int32_t>& rows, const Judge& = {}) const;
  Standing validate(const NetworkShape&) const;
  int channels_for(int width) const;
  PlantOptions planting_of(std::size_t space) const;
  std::vector<Trial> list_trials() const;
  bool fits(const ChannelLayout&, std::size_t space, int channels) const;
  void try_out(Trial&, std::size_t trials);
  Control of_trial(const std::string& layer, std::size_t trials) const;
  double gain_of(const Standing&, const NetworkShape&) const;
  std::string why_over() const;
  void begin();
  void search();
  void try_all(std::vector<Trial>&);
  bool finish();
  void keep(Trial&);
  PlantRound measure();
  void record(const PlantRound&);
  void tell_round() const;
  bool resume();
  void save();
  void write_checkpoint();
  void write_log() const;

  const PlantJob& job_;
  const Control& control_;
  TrainingSetup setup_;
  ScoringSamples samples_;
  Matrix taught_;         // the teacher's logits of the validation rows
  double objective_ = 0;  // of the network as it is, on these
  std::vector<PlantRound> rounds_;
  bool has_checkpoint_ = false;
  // Where the search stands: rounds done, of them the last so many without a gain, trials done of the next one.
  int round_ = 0, idle_ = 0;
  std::size_t tried_ = 0;
  std::optional<Trial> best_;
  std::optional<TrainingState> finishing_;
};

/// The teacher's logits are the same for all trials of a round, and kept, where they take at most half of what is free.
void Planting::remember_teacher() {
  if (!setup_.teacher) return;
  const double bytes = double(sizeof(float)) * double(setup_.rows.training.size()) * architecture().classes *
                       job_.training.training.epochs;
  setup_.teacher->remembers = !control_.free_memory || bytes <= control_.free_memory() / 2;
  if (!setup_.teacher->remembers)
    control_.say(
        fmt::format("the teacher is asked in every trial: its logits would take {:.0f} MiB", bytes / (1 << 20)));
}

/// Trials are judged by what they are trained for, so the rows held out need the teacher's logits, too.
void Planting::ask_teacher() {
  if (!setup_.teacher) return;
  Teacher& teacher = *setup_.teacher;
  const std::vector<std::int32_t>& rows = setup_.rows.validation;
  taught_ = Matrix(rows.size(), std::size_t(architecture().classes));
  Executor executor(teacher.architecture, teacher.parameters);
  Control quiet = control_;
  quiet.progress = {};
  score_images(
      executor, setup_.data.images, teacher.normalization, rows, kScoreBatch, quiet,
      [&](std::size_t first, const Matrix& logits) { std::copy_n(logits.data(), logits.size(), taught_.row(first)); });
}

Score Planting::score(const NetworkShape& network, const std::vector<std::int32_t>& rows, const Judge& judge) const {
  Control quiet = control_;
  quiet.progress = {};
  quiet.stop = nullptr;  // a stop waits for the scores: they are short, and what was trained would be lost
  Parameters parameters = network.parameters;
  Executor executor(network.architecture, parameters);
  return score_images(executor, setup_.data.images, setup_.network.normalization, rows, kScoreBatch, quiet, judge);
}

Standing Planting::validate(const NetworkShape& network) const {
  const std::vector<std::int32_t>& rows = setup_.rows.validation;
  LossOptions options = job_.training.training.loss;
  if (!setup_.teacher) options.distillation = 0;
  double objective = 0;
  const Score score = this->score(network, rows, [&](std::size_t first, const Matrix& logits) {
    std::vector<std::int32_t> labels, places;
    for (std::size_t i = first; i < first + logits.rows(); ++i) {
      places.push_back(std::int32_t(i));
      labels.push_back(setup_.data.images.labels[std::size_t(rows[i])]);
    }
    const Matrix taught = setup_.teacher ? pick_rows(taught_, places) : Matrix();
    objective += evaluate_loss(logits, labels, taught, options, nullptr).sum;
  });
  return {score.loss, score.accuracy, objective / double(rows.size())};
}

int Planting::channels_for(int width) const {
  return job_.channels < 1 ? std::max(1, int(std::lround(job_.channels * width))) : int(job_.channels);
}

/// Every round draws other channels, every layer its own.
PlantOptions Planting::planting_of(std::size_t space) const {
  PlantOptions options = job_.planting;
  options.seed = Random(job_.training.training.seed, kTrials).bits((std::uint64_t(round_ + 1) << 20) + space);
  return options;
}

/// Whether the network stays within its limits.
bool Planting::fits(const ChannelLayout& layout, std::size_t space, int channels) const {
  const Architecture wide = widen_space(architecture(), layout, space, channels);
  return (job_.max_parameters == 0 || count_parameters(wide) <= job_.max_parameters) &&
         (job_.max_macs == 0 || count_macs(wide) <= job_.max_macs);
}

std::vector<Trial> Planting::list_trials() const {
  const ChannelLayout layout = find_channels(architecture());
  const std::vector<bool> chosen = choose_spaces(architecture(), layout, job_.scope, job_.exclude);
  std::vector<Trial> trials;
  for (std::size_t s = 0; s < layout.spaces.size(); ++s) {
    const int channels = channels_for(layout.spaces[s].channels);
    if (chosen[s] && fits(layout, s, channels)) trials.push_back({s, channels, {}, {}});
  }
  if (job_.shortlist == 0 || std::size_t(job_.shortlist) >= trials.size()) return trials;
  std::vector<std::pair<double, std::size_t>> gradients;
  for (std::size_t t = 0; t < trials.size(); ++t) {
    throw_if_stopped(control_);
    control_.report(fmt::format("round {}: gradient", round_ + 1), double(t), double(trials.size()));
    const GrownNetwork grown =
        plant_channels(now(), layout, trials[t].space, trials[t].channels, planting_of(trials[t].space), samples_);
    gradients.emplace_back(-planted_gradient(grown, samples_), t);
  }
  std::sort(gradients.begin(), gradients.end());
  std::vector<std::size_t> places;
  for (int i = 0; i < job_.shortlist; ++i) places.push_back(gradients[std::size_t(i)].second);
  std::sort(places.begin(), places.end());
  std::vector<Trial> listed;
  for (const std::size_t t : places) listed.push_back(std::move(trials[t]));
  return listed;
}

double Planting::gain_of(const Standing& standing, const NetworkShape& grown) const {
  const PlantRound& last = rounds_.back();
  const double fall = objective_ - standing.objective;
  switch (job_.gain) {
    case Gain::loss:
      return fall;
    case Gain::accuracy:
      return standing.accuracy - last.validation_accuracy;
    case Gain::per_parameter:
      return fall / double(count_parameters(grown.architecture) - last.parameters);
    case Gain::per_mac:
      return fall / std::max(1.0, double(count_macs(grown.architecture)) - double(last.macs));
  }
  return fall;
}

/// Steps of a trial as parts of the round's trials: one line of progress, not two in turn.
Control Planting::of_trial(const std::string& layer, std::size_t trials) const {
  Control control = control_;
  control.progress = [this, layer, trials](std::string_view, double done, double total, std::string_view detail) {
    control_.report(fmt::format("round {}: trial", round_ + 1), double(tried_) + done / total, double(trials),
                    fmt::format("{}, {}", layer, detail));
  };
  return control;
}

/// Trains the planted channels of a copy of the network. Trials of a round know nothing of each other; one whose loss
/// is lost keeps its gain of -infinity, and has no network.
void Planting::try_out(Trial& trial, std::size_t trials) {
  const Stage stage(control_, "trial");
  const ChannelLayout layout = find_channels(architecture());
  const std::string& layer = layout.spaces[trial.space].name;
  GrownNetwork grown = plant_channels(now(), layout, trial.space, trial.channels, planting_of(trial.space), samples_);
  TrainingOptions options = job_.training.training;
  options.seed = Random(options.seed, kTrials).bits(std::uint64_t(round_));  // other views of the images every round
  Trainer trainer(grown.network.architecture, grown.network.parameters,
                  {setup_.data.images, setup_.network.normalization, setup_.rows.training, {}, {}}, options,
                  setup_.teacher ? &*setup_.teacher : nullptr, train_planted(grown, job_.statistics));
  try {
    if (!trainer.run(of_trial(layer, trials))) throw Stopped{};
  } catch (const DataError& error) {
    control_.tell(fmt::format("round {}, {}, which is out: {}", round_ + 1, layer, error.what()));
    return;
  }
  const Standing standing = validate(grown.network);
  const double gain = gain_of(standing, grown.network);
  if (!std::isfinite(gain)) {
    control_.tell(fmt::format("round {}, {}, which is out: the validation loss is not finite", round_ + 1, layer));
    return;
  }
  control_.say(fmt::format("round {}, trial {}/{}: {} + {}, gain {:.4g}, validation loss {:.4f}, {:.2f} %", round_ + 1,
                           tried_ + 1, trials, layer, count_of(trial.channels, "channel"), gain, standing.loss,
                           100 * standing.accuracy));
  trial.gain = gain;
  trial.network = std::move(grown.network);
}

/// Why the search is at its end; empty where it is not.
std::string Planting::why_over() const {
  if (job_.target_accuracy > 0 && rounds_.back().validation_accuracy >= job_.target_accuracy)
    return "the target accuracy is reached";
  if (idle_ >= job_.patience) return fmt::format("no gain above {} in {}", job_.min_gain, count_of(idle_, "round"));
  if (round_ >= job_.max_rounds) return fmt::format("{} done", count_of(round_, "round"));
  return "";
}

PlantRound Planting::measure() {
  const NetworkShape network = now();
  PlantRound round;
  round.round = round_;
  round.parameters = count_parameters(network.architecture);
  round.macs = count_macs(network.architecture);
  const Standing validation = validate(network);
  objective_ = validation.objective;
  round.validation_loss = validation.loss;
  round.validation_accuracy = validation.accuracy;
  round.test_loss = round.test_accuracy = kNone;
  if (setup_.data.test.empty()) return round;
  const Score test = score(network, setup_.data.test);
  round.test_loss = test.loss;
  round.test_accuracy = test.accuracy;
  return round;
}

void Planting::tell_round() const {
  const PlantRound& r = rounds_.back();
  std::string line = "as it came";
  if (r.channels > 0)
    line = fmt::format("round {}: {} + {}, gain {:.4g}", r.round, r.layer, count_of(r.channels, "channel"), r.gain);
  else if (r.round > 0)
    line = fmt::format("all trained, gain {:.4g}", r.gain);
  line += fmt::format("; {} parameters, {:.3g} MACs; validation loss {:.4f}, {:.2f} %", r.parameters, double(r.macs),
                      r.validation_loss, 100 * r.validation_accuracy);
  if (!std::isnan(r.test_accuracy)) line += fmt::format("; test {:.2f} %", 100 * r.test_accuracy);
  control_.tell(line);
}

void Planting::keep(Trial& trial) {
  const std::string layer = find_channels(architecture()).spaces[trial.space].name;
  setup_.network.architecture = std::move(trial.network->architecture);
  setup_.network.parameters = std::move(trial.network->parameters);
  PlantRound round = measure();
  round.layer = layer;
  round.channels = trial.channels;
  round.gain = trial.gain;
  record(round);
}

void Planting::record(const PlantRound& round) {
  rounds_.push_back(round);
  tell_round();
  write_or_go_on([&] { write_log(); }, control_);
}

void Planting::write_log() const {
  if (!job_.training.log.empty()) write_file_atomically(job_.training.log, to_table(rounds_));
}

/// Where the search stands, or, once it is over, where the training of everything does.
void Planting::save() {
  if (job_.training.checkpoint.empty()) return;
  if (write_or_go_on([&] { write_checkpoint(); }, control_)) has_checkpoint_ = true;
}

void Planting::write_checkpoint() {
  Output out(job_.training.checkpoint);
  H5File& file = out.file();
  write_key(file, setup_.key);
  TrainingState fresh;
  fresh.update = initial_update_state(setup_.network.parameters, job_.training.training.update.rule);
  write_training(file, setup_.network, finishing_ ? *finishing_ : fresh, round_);
  file.make_group(kGroup);
  const std::string rounds = to_json(rounds_);
  file.write_strings(std::string(kGroup) + "/rounds", std::span(&rounds, 1));
  file.set_attribute(kGroup, "idle", std::int64_t(idle_));
  file.set_attribute(kGroup, "tried", std::int64_t(tried_));
  file.set_attribute(kGroup, "finishing", std::int64_t(finishing_.has_value()));
  if (best_) {
    std::vector<float> values;
    for (const Parameter& p : best_->network->parameters) values.insert(values.end(), p.values.begin(), p.values.end());
    const std::string path = std::string(kGroup) + "/best";
    file.write(path, {values.size()}, std::span<const float>(values));
    file.set_attribute(path, "space", std::int64_t(best_->space));
    file.set_attribute(path, "channels", std::int64_t(best_->channels));
    file.set_attribute(path, "gain", best_->gain);
  }
  out.commit();
}

bool Planting::resume() {
  const std::string& path = job_.training.checkpoint;
  if (path.empty() || job_.training.restart) return false;
  const std::optional<H5File> file = open_checkpoint(path, setup_.key, control_);
  if (!file) return false;
  const auto damaged = [&] { return DataError(path, kGroup, "is damaged; --restart ignores it"); };
  SavedTraining saved = read_training(*file);
  const std::vector<std::string> texts = file->read_strings(std::string(kGroup) + "/rounds");
  try {
    for (const std::string& text : texts) {
      const Json rounds = Json::parse(text, path);
      for (const Json& round : rounds.list()) rounds_.push_back(from_object(round));
    }
  } catch (const DataError&) {
    throw damaged();
  }
  const auto count = [&](const std::string& object, const char* name) {
    const std::optional<double> value = file->number_attribute(object, name);
    if (!value || !(*value >= 0 && *value < 1e9)) throw damaged();
    return std::size_t(*value);
  };
  const Architecture& as_given = architecture();
  const Architecture& as_saved = saved.network.architecture;
  if (rounds_.empty() || as_saved.input != as_given.input || as_saved.classes != as_given.classes) throw damaged();
  if (saved.stage < 0 || saved.stage > job_.max_rounds) throw damaged();
  round_ = int(saved.stage);
  idle_ = int(count(kGroup, "idle"));
  tried_ = count(kGroup, "tried");
  setup_.network = std::move(saved.network);
  if (count(kGroup, "finishing")) finishing_ = std::move(saved.state);
  if (const std::string best = std::string(kGroup) + "/best"; file->has(best)) {
    const ChannelLayout layout = find_channels(architecture());
    Trial trial;
    trial.space = count(best, "space");
    trial.channels = int(count(best, "channels"));
    if (trial.space >= layout.spaces.size() || trial.channels < 1) throw damaged();
    trial.network =
        insert_channels(architecture(), setup_.network.parameters, layout, trial.space, trial.channels, 0).network;
    trial.gain = file->number_attribute(best, "gain").value_or(kNone);
    const std::vector<float> values = file->read_floats(best);
    std::size_t at = 0;
    for (Parameter& p : trial.network->parameters) {
      if (at + p.values.size() > values.size()) throw damaged();
      std::copy_n(values.begin() + std::ptrdiff_t(at), p.values.size(), p.values.begin());
      at += p.values.size();
    }
    best_ = std::move(trial);
  }
  objective_ = validate(now()).objective;
  control_.tell(fmt::format("going on from {}, round {}", path, round_));
  return has_checkpoint_ = true;
}

/// Everything is trained. Returns false where it was stopped.
bool Planting::finish() {
  TrainingJob training = job_.training;
  training.training = job_.finishing;
  training.log.clear();
  if (setup_.teacher) setup_.teacher->remembers = false;
  const auto save_state = [&](const TrainingState& state) {
    finishing_ = state;
    save();
  };
  std::optional<TrainingState> begun = std::exchange(finishing_, std::nullopt);
  finishing_ = train(setup_, training, {}, std::move(begun), save_state, control_);
  if (finishing_->epoch < job_.finishing.epochs) {
    save();
    return false;
  }
  PlantRound last = measure();
  last.layer = "all";
  ++last.round;
  last.gain = rounds_.back().validation_loss - last.validation_loss;
  record(last);
  return true;
}

void Planting::begin() {
  if (resume()) return tell_round();
  const PlantRound as_it_came = measure();
  if (!std::isfinite(as_it_came.validation_loss))
    throw DataError(job_.training.from, "", "has a loss that is not finite on the rows held out");
  record(as_it_came);
  save();
}

/// The trials of a round that are still to be done.
void Planting::try_all(std::vector<Trial>& trials) {
  if (setup_.teacher) setup_.teacher->remembered.clear();
  while (tried_ < trials.size()) {
    Trial& trial = trials[tried_];
    try_out(trial, trials.size());
    if (trial.network && (!best_ || trial.gain > best_->gain)) best_ = std::move(trial);
    ++tried_;
    save();
  }
}

void Planting::search() {
  std::string reason;
  while ((reason = why_over()).empty()) {
    std::vector<Trial> trials = list_trials();
    if (trials.empty()) {
      reason = "no layer can grow within the limits";
      break;
    }
    try_all(trials);
    ++round_;
    ++idle_;
    if (best_ && best_->gain > job_.min_gain) {
      keep(*best_);
      idle_ = 0;
    }
    best_.reset();
    tried_ = 0;
    save();
  }
  control_.tell("the search is over: " + reason);
}

PlantOutcome Planting::run() {
  begin();
  try {
    if (!finishing_) search();
    if (job_.finishing.epochs > 0 && !finish()) return {false, false, rounds_};
  } catch (const Stopped&) {  // within a trial: what was saved after the one before stands
    if (!has_checkpoint_) throw;
    return {false, false, rounds_};
  }
  write_or_save(
      [&] {
        write_log();
        write_result(job_.training.output, job_.training.history, setup_.network);
      },
      [&] {
        if (finishing_) rounds_.pop_back();  // the next try adds it again
        save();
      });
  if (has_checkpoint_) ::unlink(job_.training.checkpoint.c_str());
  return {true, job_.target_accuracy <= 0 || rounds_.back().validation_accuracy >= job_.target_accuracy, rounds_};
}

}  // namespace

std::string to_table(const std::vector<PlantRound>& rounds) {
  std::string table =
      "round\tlayer\tchannels\tgain\tparameters\tmacs\tvalidation_loss\tvalidation_accuracy\ttest_loss\ttest_"
      "accuracy\n";
  const auto cell = [](double x) { return std::isnan(x) ? std::string("-") : fmt::format("{:.6g}", x); };
  for (const PlantRound& r : rounds)
    table += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", r.round, r.layer.empty() ? "-" : r.layer,
                         r.channels, cell(r.gain), r.parameters, r.macs, cell(r.validation_loss),
                         cell(r.validation_accuracy), cell(r.test_loss), cell(r.test_accuracy));
  return table;
}

std::string to_json(const std::vector<PlantRound>& rounds) {
  Json json = Json::List();
  for (const PlantRound& round : rounds) json.append(to_object(round));
  return json.dump(2) + "\n";
}

PlantOutcome run_plant_job(const SampleFile& file, const PlantJob& job, const Control& control) {
  return Planting(file, job, control).run();
}

}  // namespace espalier
