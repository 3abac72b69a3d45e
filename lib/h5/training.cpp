#include "h5/training.h"

#include <fmt/format.h>

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

double number(const H5File& file, const char* name) {
  const std::optional<double> value = file.number_attribute(kGroup, name);
  if (!value) throw DataError(file.name(), kGroup, "has no {}: a damaged checkpoint; --restart ignores it", name);
  return *value;
}

}  // namespace

void write_training(const std::string& path, const CheckpointKey& key, const StoredNetwork& network,
                    const TrainingState& state) {
  Output out(path);
  H5File& file = out.file();
  write_key(file, key);
  write_network(file, network);
  file.make_group(kGroup);
  const auto count = [&](const char* name, std::int64_t value) { file.set_attribute(kGroup, name, value); };
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
  std::vector<double> log;
  for (const EpochRecord& record : state.log)
    for (const auto column : kColumns) log.push_back(record.*column);
  const std::string table = fmt::format("{}/log", kGroup);
  file.write(table, {state.log.size(), std::size(kColumns)}, std::span<const double>(log));
  file.set_attribute(table, "columns", std::span<const std::string>(kNames));
  out.commit();
}

std::optional<TrainingState> read_training(const std::string& path, const CheckpointKey& key, StoredNetwork& network,
                                           const Control& control) {
  const std::optional<H5File> opened = open_checkpoint(path, key, control);
  if (!opened) return std::nullopt;
  const H5File& file = *opened;
  StoredNetwork saved = read_network(file);
  if (to_json(saved.architecture) != to_json(network.architecture))
    throw DataError(path, "/network", "has another architecture; --restart ignores it");
  network.parameters = std::move(saved.parameters);
  TrainingState state;
  state.epoch = std::int64_t(number(file, "epoch"));
  state.step = std::int64_t(number(file, "step"));
  state.correct = std::int64_t(number(file, "correct"));
  state.seen = std::int64_t(number(file, "seen"));
  state.best_epoch = std::int64_t(number(file, "best_epoch"));
  state.loss_sum = number(file, "loss_sum");
  state.best_accuracy = number(file, "best_accuracy");
  state.best_loss = number(file, "best_loss");
  const bool two = !file.read_floats(fmt::format("{}/second", kGroup)).empty();
  state.update = initial_update_state(network.parameters, two ? UpdateRule::adamw : UpdateRule::sgd);
  state.update.updates = std::int64_t(number(file, "updates"));
  read_tensors(file, "first", state.update.first);
  read_tensors(file, "second", state.update.second);
  if (state.best_epoch > 0) {
    for (const Parameter& p : network.parameters) state.best.emplace_back(p.values.size());
    read_tensors(file, "best", state.best);
  }
  const std::vector<double> log = file.read_doubles(fmt::format("{}/log", kGroup));
  for (std::size_t at = 0; at + std::size(kColumns) <= log.size(); at += std::size(kColumns)) {
    EpochRecord record;
    for (std::size_t c = 0; c < std::size(kColumns); ++c) record.*kColumns[c] = log[at + c];
    state.log.push_back(record);
  }
  return state;
}

std::string log_table(const std::vector<EpochRecord>& log) {
  std::string table;
  for (std::size_t c = 0; c < std::size(kNames); ++c) table += (c ? "\t" : "") + kNames[c];
  table += "\n";
  for (const EpochRecord& record : log) {
    for (std::size_t c = 0; c < std::size(kColumns); ++c) {
      const double value = record.*kColumns[c];
      table += c ? "\t" : "";
      table += std::isnan(value) ? "-" : c == 0 ? fmt::format("{:.0f}", value) : fmt::format("{:.6g}", value);
    }
    table += "\n";
  }
  return table;
}

}  // namespace espalier
