#include "h5/training_setup.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/error.h"
#include "base/isa.h"
#include "base/need.h"
#include "base/stage.h"
#include "base/text_file.h"
#include "h5/output.h"
#include "nn/plan.h"
#include "nn/stock.h"

namespace espalier {

namespace {

void require_fit(const Architecture& architecture, const std::string& name, const ImageShape& shape, int classes) {
  if (architecture.input != shape)
    throw DataError(name, "", "reads images of {}, these are {}", describe(architecture.input), describe(shape));
  if (architecture.classes != classes)
    throw DataError(name, "", "has {} classes, the labels {}", architecture.classes, classes);
}

ImageShape shape_of(const ImageSet& images) { return {images.channels, images.height, images.width}; }

std::uint64_t fingerprint_of(const Parameters& parameters) {
  std::uint64_t sum = 0;
  for (const Parameter& p : parameters)
    sum = sum * 31 + fingerprint(std::span(reinterpret_cast<const std::uint8_t*>(p.values.data()),
                                           p.values.size() * sizeof(float)));
  return sum;
}

StoredNetwork open_network(const std::string& path) { return read_network(H5File::open(path)); }

/// The network that training starts from. Its normalisation is empty where it is new.
StoredNetwork starting_network(const TrainingJob& job, LabelledImages& data, const std::string& file) {
  StoredNetwork network;
  if (!job.from.empty() && !job.architecture.empty()) {
    const H5File dict = H5File::open(job.from);
    if (dict.text_attribute("/network", "architecture"))
      throw UsageError("{} has an architecture of its own: leave --arch out", job.from);
    network = read_state_dict(
        dict, find_architecture(job.architecture, job.width, shape_of(data.images), data.images.classes));
    network.normalization = given_normalization(job.mean, job.deviation, data.images.channels);
  } else if (!job.from.empty()) {
    network = open_network(job.from);
    set_classes(data, network.architecture.classes, network.names, file);
    require_fit(network.architecture, job.from, shape_of(data.images), data.images.classes);
  } else {
    network.architecture = find_architecture(job.architecture, job.width, shape_of(data.images), data.images.classes);
    network.parameters = initial_parameters(network.architecture, job.training.seed);
  }
  if (network.names.empty()) network.names = data.images.names;
  return network;
}

std::optional<Teacher> find_teacher(const TrainingJob& job, const ImageSet& images) {
  if (job.teacher.empty()) return std::nullopt;
  StoredNetwork network = open_network(job.teacher);
  require_fit(network.architecture, job.teacher, shape_of(images), images.classes);
  return Teacher{std::move(network.architecture), std::move(network.parameters), std::move(network.normalization)};
}

/// Weights with their gradients, moments and the best of the validation; activations of a step of training, or of
/// scoring, whichever is more; the teacher's; what convolutions work in, as measured.
void require_room(const TrainingSetup& setup, const TrainingJob& job, const Control& control) {
  constexpr double kWork = 16 << 20;
  const Architecture& network = setup.network.architecture;
  const auto batch = std::size_t(job.training.batch);
  const double copies = job.training.update.rule == UpdateRule::adamw ? 4 : 3;
  const double scored = estimate_activations(network, kScoreBatch, Keeping::largest);
  const double trained = job.training.epochs > 0 ? estimate_activations(network, batch, Keeping::all_and_gradients) : 0;
  double teacher = 0;
  if (setup.teacher) teacher = estimate_activations(setup.teacher->architecture, batch, Keeping::largest);
  require_memory(control,
                 {{"weights", copies * sizeof(float) * double(count_parameters(network))},
                  {"activations", std::max(scored, trained)},
                  {"teacher", teacher},
                  {"work", kWork}},
                 "lower --batch");
}

std::string describe_epoch(const EpochRecord& record, int epochs, double rate) {
  std::string line = fmt::format("epoch {:.0f}/{}: rate {:.4g}, loss {:.4f}, accuracy {:.2f} %", record.epoch, epochs,
                                 record.rate, record.training_loss, 100 * record.training_accuracy);
  if (record.held_out_loss == record.held_out_loss)
    line += fmt::format("; validation loss {:.4f}, {:.2f} %", record.held_out_loss, 100 * record.held_out_accuracy);
  if (record.test_loss == record.test_loss)
    line += fmt::format("; test loss {:.4f}, {:.2f} %", record.test_loss, 100 * record.test_accuracy);
  return rate > 0 ? line + fmt::format("; {:.0f} images/s", rate) : line;
}

}  // namespace

Architecture find_architecture(const std::string& name, double width, const ImageShape& shape, int classes) {
  const bool text = name.ends_with(".json"), network = name.ends_with(".h5");
  if (!text && !network) return stock_architecture(name, shape, classes, width);
  if (width != 1) throw UsageError("--width scales stock architectures, {} has widths of its own", name);
  Architecture architecture = text ? parse_architecture(read_text_file(name), name) : open_network(name).architecture;
  require_fit(architecture, name, shape, classes);
  return architecture;
}

TrainingSetup prepare_training(const SampleFile& file, const TrainingJob& job, const Control& control) {
  TrainingSetup setup;
  LabelledImages& data = setup.data;
  {
    require_memory(control, {{"images", bytes_of_images(file)}}, "take fewer images, or smaller ones");
    const Stage stage(control, "read");
    data = read_images(file, true);
  }
  if (data.training.empty()) throw DataError(file.name(), "/split", "has no training rows");
  if (std::size_t(job.train_samples) > data.training.size())
    throw UsageError("--train-samples is {}, {} has {} training rows", job.train_samples, file.name(),
                     data.training.size());
  if (job.train_samples > 0)
    data.training = choose_rows(data.images, data.training, std::size_t(job.train_samples), job.training.seed);
  setup.network = starting_network(job, data, file.name());
  if (data.images.classes < 2)
    throw DataError(file.name(), "/labels", "has one class, a network needs two to tell apart");
  setup.teacher = find_teacher(job, data.images);
  setup.rows = {data.training, {}};
  if (job.validation > 0) setup.rows = hold_out(data.images, data.training, job.validation, job.training.seed);
  if (setup.rows.training.empty()) throw DataError(file.name(), "", "has no rows left to train on");
  Normalization& normalization = setup.network.normalization;
  if (normalization.mean.empty()) normalization = measure_normalization(data.images, setup.rows.training);

  require_room(setup, job, control);

  setup.key = {job.command, data.fingerprint ^ fingerprint_of(setup.network.parameters), isa_name(isa())};
  if (setup.teacher) setup.key.fingerprint ^= 7 * fingerprint_of(setup.teacher->parameters);
  return setup;
}

double bytes_of_drawn(const TrainingSetup& setup, int count) {
  return double(std::min(setup.rows.training.size(), std::size_t(count))) *
         double(setup.data.images.image_size() * sizeof(float));
}

ScoringSamples draw_samples(const TrainingSetup& setup, int count, std::uint64_t seed) {
  constexpr std::uint64_t kOrder = 0x5052;  // an epoch that no training has
  std::vector<std::int32_t> rows = shuffled(setup.rows.training, seed, kOrder);
  rows.resize(std::min(rows.size(), std::size_t(count)));
  ScoringSamples samples;
  const ImageSet& images = setup.data.images;
  samples.pixels.resize(rows.size() * images.image_size());
  load_images(images, setup.network.normalization, rows, samples.pixels.data());
  for (const std::int32_t row : rows) samples.labels.push_back(images.labels[std::size_t(row)]);
  return samples;
}

TrainingState train(TrainingSetup& setup, const TrainingJob& job, TrainingHooks hooks,
                    std::optional<TrainingState> resumed, const std::function<void(const TrainingState&)>& save,
                    const Control& control) {
  const Stage stage(control, "training");
  StoredNetwork& network = setup.network;
  Trainer trainer(
      network.architecture, network.parameters,
      {setup.data.images, network.normalization, setup.rows.training, setup.rows.validation, setup.data.test},
      job.training, setup.teacher ? &*setup.teacher : nullptr, std::move(hooks));
  if (resumed) trainer.restore(std::move(*resumed));
  const bool done = trainer.run(control, [&](const EpochRecord& record, double rate) {
    const TrainingState& state = trainer.state();
    control.tell(describe_epoch(record, job.training.epochs, rate));
    const auto write_log = [&] { write_file_atomically(job.log, log_table(state)); };
    if (!job.log.empty() && state.epoch < job.training.epochs) write_or_go_on(write_log, control);
    if (!job.log.empty() && state.epoch == job.training.epochs) write_or_save(write_log, [&] { save(state); });
    if (job.checkpoint_every > 0 && state.epoch % job.checkpoint_every == 0) save(state);
  });
  if (done && trainer.state().best_epoch > 0) {
    control.tell(fmt::format("the best of the validation is epoch {}: {:.2f} %", trainer.state().best_epoch,
                             100 * trainer.state().best_accuracy));
    trainer.take_best();
  }
  return trainer.state();
}

void write_or_save(const std::function<void()>& write, const std::function<void()>& save) {
  try {
    write();
  } catch (const SystemError&) {
    save();
    throw;
  }
}

void write_result(const std::string& output, const std::string& history, const StoredNetwork& network) {
  Output out(output);
  write_network(out.file(), network);
  out.add_history(history);
  out.commit();
}

}  // namespace espalier
