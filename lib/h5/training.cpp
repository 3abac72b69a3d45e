#include "h5/training.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "h5/output.h"

namespace espalier {

namespace {

constexpr const char* kGroup = "/training";

/// The columns of a record, in the order of the log.
constexpr double EpochRecord::*kColumns[] = {&EpochRecord::epoch,         &EpochRecord::rate,
                                             &EpochRecord::training_loss, &EpochRecord::training_accuracy,
                                             &EpochRecord::held_out_loss, &EpochRecord::held_out_accuracy,
                                             &EpochRecord::test_loss,     &EpochRecord::test_accuracy};
const std::string kNames[] = {"epoch",     "rate",         "loss", "accuracy", "validation_loss", "validation_accuracy",
                              "test_loss", "test_accuracy"};

/// All tensors of a list one after another.
void write_tensors(H5File& file, const char* name, const std::vector<Buffer<float>>& tensors) {
  std::vector<float> all;
  for (const Buffer<float>& t : tensors) all.insert(all.end(), t.begin(), t.end());
  file.write(fmt::format("{}/{}", kGroup, name), {all.size()}, std::span<const float>(all));
}

void read_tensors(const H5File& file, const char* name, std::vector<Buffer<float>>& tensors) {
  const std::string path = fmt::format("{}/{}", kGroup, name);
  const std::vector<float> all = file.read_floats(path);
  std::size_t at = 0, size = 0;
  for (const Buffer<float>& t : tensors) size += t.size();
  if (size != all.size())
    throw DataError(file.name(), path, "has {} numbers, {} are expected: a damaged checkpoint; --restart ignores it",
                    all.size(), size);
  for (Buffer<float>& t : tensors) {
    std::copy_n(all.begin() + std::ptrdiff_t(at), t.size(), t.begin());
    at += t.size();
  }
}

/// A line of the log: the columns of every training, then those of this one.
std::vector<double> row_of(const EpochRecord& record) {
  std::vector<double> row;
  for (const auto column : kColumns) row.push_back(record.*column);
  row.insert(row.end(), record.more.begin(), record.more.end());
  return row;
}

std::vector<std::string> columns_of(const TrainingState& state) {
  std::vector<std::string> columns(std::begin(kNames), std::end(kNames));
  columns.insert(columns.end(), state.columns.begin(), state.columns.end());
  return columns;
}

void write_log(H5File& file, const TrainingState& state) {
  const std::vector<std::string> columns = columns_of(state);
  std::vector<double> all;
  for (const EpochRecord& record : state.log) {
    const std::vector<double> row = row_of(record);
    all.insert(all.end(), row.begin(), row.end());
  }
  const std::string table = fmt::format("{}/log", kGroup);
  file.write(table, {state.log.size(), columns.size()}, std::span<const double>(all));
  file.set_attribute(table, "columns", std::span<const std::string>(columns));
}

void read_log(const H5File& file, TrainingState& state) {
  const std::string table = fmt::format("{}/log", kGroup);
  const std::vector<double> all = file.read_doubles(table);
  state.columns = file.texts_attribute(table, "columns");
  const std::size_t width = state.columns.size(), common = std::size(kNames);
  if (width < common || !std::equal(std::begin(kNames), std::end(kNames), state.columns.begin()) || all.size() % width)
    throw DataError(file.name(), table, "is no log: a damaged checkpoint; --restart ignores it");
  state.columns.erase(state.columns.begin(), state.columns.begin() + std::ptrdiff_t(common));
  for (auto row = all.begin(); row != all.end(); row += std::ptrdiff_t(width)) {
    EpochRecord record;
    for (std::size_t c = 0; c < common; ++c) record.*kColumns[c] = row[std::ptrdiff_t(c)];
    record.more.assign(row + std::ptrdiff_t(common), row + std::ptrdiff_t(width));
    state.log.push_back(record);
  }
}

double number(const H5File& file, const char* name) {
  const std::optional<double> value = file.number_attribute(kGroup, name);
  if (!value) throw DataError(file.name(), kGroup, "has no {}: a damaged checkpoint; --restart ignores it", name);
  return *value;
}

}  // namespace

void write_training(H5File& file, const StoredNetwork& network, const TrainingState& state, std::int64_t stage) {
  write_network(file, network);
  file.make_group(kGroup);
  const auto count = [&](const char* name, std::int64_t value) { file.set_attribute(kGroup, name, value); };
  count("stage", stage);
  count("epoch", state.epoch);
  count("step", state.step);
  count("updates", state.update.updates);
  count("correct", state.correct);
  count("seen", state.seen);
  count("best_epoch", state.best_epoch);
  file.set_attribute(kGroup, "loss_sum", state.loss_sum);
  file.set_attribute(kGroup, "best_accuracy", state.best_accuracy);
  file.set_attribute(kGroup, "best_loss", state.best_loss);
  write_tensors(file, "first", state.update.first);
  write_tensors(file, "second", state.update.second);
  write_tensors(file, "best", state.best);
  write_log(file, state);
}

SavedTraining read_training(const H5File& file) {
  SavedTraining saved;
  saved.network = read_network(file);
  saved.stage = std::int64_t(number(file, "stage"));
  TrainingState& state = saved.state;
  state.epoch = std::int64_t(number(file, "epoch"));
  state.step = std::int64_t(number(file, "step"));
  state.correct = std::int64_t(number(file, "correct"));
  state.seen = std::int64_t(number(file, "seen"));
  state.best_epoch = std::int64_t(number(file, "best_epoch"));
  state.loss_sum = number(file, "loss_sum");
  state.best_accuracy = number(file, "best_accuracy");
  state.best_loss = number(file, "best_loss");
  if (saved.stage < 0 || state.epoch < 0 || state.step < 0 || state.seen < 0 || (state.step > 0) != (state.seen > 0))
    throw DataError(file.name(), kGroup, "has impossible counts: a damaged checkpoint; --restart ignores it");
  const Parameters& parameters = saved.network.parameters;
  const bool two = !file.read_floats(fmt::format("{}/second", kGroup)).empty();
  state.update = initial_update_state(parameters, two ? UpdateRule::adamw : UpdateRule::sgd);
  state.update.updates = std::int64_t(number(file, "updates"));
  read_tensors(file, "first", state.update.first);
  read_tensors(file, "second", state.update.second);
  if (state.best_epoch > 0) {
    for (const Parameter& p : parameters) state.best.emplace_back(p.values.size());
    read_tensors(file, "best", state.best);
  }
  read_log(file, state);
  return saved;
}

void write_training(const std::string& path, const CheckpointKey& key, const StoredNetwork& network,
                    const TrainingState& state, std::int64_t stage) {
  Output out(path);
  write_key(out.file(), key);
  write_training(out.file(), network, state, stage);
  out.commit();
}

std::optional<SavedTraining> read_training(const std::string& path, const CheckpointKey& key,
                                           const Architecture& architecture, const Control& control) {
  const std::optional<H5File> file = open_checkpoint(path, key, control);
  if (!file) return std::nullopt;
  SavedTraining saved = read_training(*file);
  if (to_json(saved.network.architecture) != to_json(architecture))
    throw DataError(path, "/network", "has another architecture; --restart ignores it");
  return saved;
}

std::string log_table(const TrainingState& state) {
  std::string table = fmt::format("{}\n", fmt::join(columns_of(state), "\t"));
  for (const EpochRecord& record : state.log) {
    const std::vector<double> values = row_of(record);
    for (std::size_t c = 0; c < values.size(); ++c) {
      table += c ? "\t" : "";
      if (std::isnan(values[c]))
        table += "-";
      else
        table += c == 0 ? fmt::format("{:.0f}", values[c]) : fmt::format("{:.6g}", values[c]);
    }
    table += "\n";
  }
  return table;
}

}  // namespace espalier
