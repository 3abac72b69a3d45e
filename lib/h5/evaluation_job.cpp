#include "h5/evaluation_job.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "base/need.h"
#include "base/stage.h"
#include "h5/images.h"
#include "h5/training_job.h"
#include "nn/plan.h"
#include "nn/profile.h"
#include "nn/score.h"

namespace espalier {

namespace {

constexpr double kTimeBudget = 0.3;  ///< seconds for one batch size

/// A table as both forms of the report have it: named columns, rows of values.
struct Table {
  std::string name;
  std::vector<std::string> columns;
  std::vector<std::vector<Json>> rows;
};

std::string text_of(const Json& value) {
  if (value.is_text()) return value.text();
  if (value.is_null()) return "-";
  return value.is_integer() ? value.dump() : fmt::format("{:.6g}", value.number());
}

std::string print(const std::vector<Table>& tables, bool json) {
  if (json) {
    Json all;
    for (const Table& table : tables) {
      Json::List rows;
      for (const std::vector<Json>& row : table.rows) {
        Json one;
        for (std::size_t c = 0; c < table.columns.size(); ++c) one.set(table.columns[c], row[c]);
        rows.push_back(std::move(one));
      }
      all.set(table.name, rows.size() == 1 && table.name == "summary" ? rows[0] : Json(rows));
    }
    return all.dump(1) + "\n";
  }
  std::string text;
  for (const Table& table : tables) {
    if (!text.empty()) text += "\n";
    text += fmt::format("{}\n", fmt::join(table.columns, "\t"));
    for (const std::vector<Json>& row : table.rows) {
      for (std::size_t c = 0; c < row.size(); ++c) text += (c ? "\t" : "") + text_of(row[c]);
      text += "\n";
    }
  }
  return text;
}

std::vector<std::int32_t> rows_of(const LabelledImages& data, const std::string& split, const std::string& file) {
  std::vector<std::int32_t> all(data.images.count);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = std::int32_t(i);
  if (split == "all" || (split.empty() && data.test.empty())) return all;
  const std::vector<std::int32_t>& rows = split == "train" ? data.training : data.test;
  if (rows.empty()) throw DataError(file, "/split", "has no {} rows", split == "train" ? "training" : "test");
  return rows;
}

std::string class_name(const StoredNetwork& network, std::size_t c) {
  return c < network.names.size() ? network.names[c] : fmt::format("{}", c);
}

Table per_class_table(const StoredNetwork& network, std::span<const std::int32_t> labels,
                      std::span<const std::int32_t> predictions) {
  const auto classes = std::size_t(network.architecture.classes);
  std::vector<std::size_t> images(classes), taken(classes), hits(classes);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    ++images[std::size_t(labels[i])];
    ++taken[std::size_t(predictions[i])];
    if (labels[i] == predictions[i]) ++hits[std::size_t(labels[i])];
  }
  Table table{"classes", {"class", "images", "accuracy", "precision"}, {}};
  for (std::size_t c = 0; c < classes; ++c) {
    const auto share = [&](std::size_t of) { return of ? Json(double(hits[c]) / double(of)) : Json(); };
    table.rows.push_back({class_name(network, c), images[c], share(images[c]), share(taken[c])});
  }
  return table;
}

Table confusion_table(const StoredNetwork& network, std::span<const std::int32_t> labels,
                      std::span<const std::int32_t> predictions) {
  const auto classes = std::size_t(network.architecture.classes);
  std::vector<std::size_t> counts(classes * classes);
  for (std::size_t i = 0; i < labels.size(); ++i)
    ++counts[std::size_t(labels[i]) * classes + std::size_t(predictions[i])];
  Table table{"confusion", {"class"}, {}};
  for (std::size_t c = 0; c < classes; ++c) {
    table.columns.push_back(class_name(network, c));
    std::vector<Json> row{class_name(network, c)};
    for (std::size_t other = 0; other < classes; ++other) row.emplace_back(counts[c * classes + other]);
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table layer_table(StoredNetwork& network, std::size_t batch, const Control& control) {
  const Architecture& architecture = network.architecture;
  const std::vector<ImageShape> shapes = infer_shapes(architecture);
  const LayerTimes times = measure_forward(architecture, network.parameters, batch, kTimeBudget, control.clock);
  const double peak = measure_peak(control.clock);
  Table table{"layers", {"layer", "shape", "parameters", "macs", "us_per_image", "share_of_peak"}, {}};
  for (std::size_t i = 0; i < architecture.layers.size(); ++i) {
    const std::size_t macs = count_macs(architecture, i, shapes);
    const double seconds = times.of_layer[i] / double(batch);
    const Json share = macs > 0 && seconds > 0 ? Json(2 * double(macs) / seconds / peak) : Json();
    table.rows.push_back({architecture.layers[i].name, describe(shapes[i]), count_parameters(architecture, i), macs,
                          1e6 * seconds, share});
  }
  return table;
}

Table time_table(StoredNetwork& network, const std::vector<int>& sizes, const Control& control) {
  Table table{"times", {"batch", "ms_per_image", "images_per_second"}, {}};
  for (const int size : sizes) {
    const double seconds =
        measure_forward(network.architecture, network.parameters, std::size_t(size), kTimeBudget, control.clock).batch /
        size;
    table.rows.push_back({size, 1e3 * seconds, seconds > 0 ? 1 / seconds : 0});
  }
  return table;
}

/// What the network makes of the rows, in the order of the file.
struct Made {
  Matrix logits, features;
  std::vector<std::size_t> feature_shape;
};

std::vector<std::int32_t> labels_of(const ImageSet& images, std::span<const std::int32_t> rows) {
  std::vector<std::int32_t> labels;
  for (const std::int32_t row : rows) labels.push_back(images.labels[std::size_t(row)]);
  return labels;
}

void append(Matrix& all, std::size_t rows, std::size_t first, const Matrix& part) {
  if (all.empty()) all = Matrix(rows, part.cols());
  std::copy_n(part.data(), part.size(), all.row(first));
}

void write_made(const EvaluationJob& job, const Made& made, std::span<const std::int32_t> predictions,
                const LabelledImages& data, std::span<const std::int32_t> rows, const StoredNetwork& network,
                const SampleFile& file) {
  Output out(job.output);
  H5File& h5 = out.file();
  const auto write = [&](const char* path, const Matrix& values, std::vector<std::size_t> shape) {
    shape.insert(shape.begin(), values.rows());
    h5.write(path, shape, std::span(values.data(), values.size()));
  };
  if (!job.features.empty()) {
    write("/features", made.features, made.feature_shape);
    h5.set_attribute("/features", "layer", job.features);
  }
  if (job.logits) write("/logits", made.logits, {made.logits.cols()});
  if (job.predictions) h5.write("/predictions", {predictions.size()}, predictions);
  if (data.labelled) {
    write_labels(h5, "/labels", {labels_of(data.images, rows), network.names});
  }
  const std::vector<std::string> ids = file.read_ids();
  if (!ids.empty()) {
    std::vector<std::string> picked;
    for (const std::int32_t row : rows) picked.push_back(ids[std::size_t(row)]);
    h5.write_strings("/ids", picked);
  }
  const std::vector<std::uint8_t> split = file.read_split();
  if (!split.empty()) {
    std::vector<std::uint8_t> picked;
    for (const std::int32_t row : rows) picked.push_back(split[std::size_t(row)]);
    h5.write("/split", {picked.size()}, picked);
  }
  out.add_history(job.history);
  out.commit();
}

/// Classes of a state dict: rows of its last parameter.
int classes_of(const H5File& file) {
  for (const char* name : {"linear", "fc", "classifier", "classifier.4"})
    for (const char* group : {"/", "/network/parameters/"})
      if (const std::string path = std::string(group) + name + ".weight"; file.is_dataset(path))
        return int(file.info(path).shape[0]);
  throw DataError(file.name(), "", "holds no /network, and no weights of a last layer");
}

/// The network of the job, ready for images of the data's shape; without data, of CIFAR's.
StoredNetwork load_network(const EvaluationJob& job, const H5File& file, const SampleFile* data) {
  if (job.architecture.empty()) return read_network(file);
  ImageShape shape{3, 32, 32};
  if (data) {
    const std::vector<std::size_t> sizes = data->sample_shape();
    if (sizes.size() == 3) shape = {int(sizes[0]), int(sizes[1]), int(sizes[2])};
    if (sizes.size() == 2) shape = {1, int(sizes[0]), int(sizes[1])};
    if (sizes.size() == 1) shape = {int(sizes[0]), 1, 1};
  }
  StoredNetwork network =
      read_state_dict(file, find_architecture(job.architecture, job.width, shape, classes_of(file)));
  network.normalization = given_normalization(job.mean, job.deviation, shape.channels);
  return network;
}

}  // namespace

std::string run_evaluation_job(const EvaluationJob& job, const SampleFile* file, const Control& control) {
  StoredNetwork network = load_network(job, H5File::open(job.network), file);
  const Architecture& architecture = network.architecture;
  Table summary{"summary", {}, {{}}};
  const auto say = [&](const char* name, const Json& value) {
    summary.columns.emplace_back(name);
    summary.rows[0].push_back(value);
  };
  std::vector<Table> tables;
  Executor executor(architecture, network.parameters);
  if (!job.features.empty()) executor.keep(job.features);
  if (file) {
    const double results = job.logits ? double(sizeof(float)) * double(file->rows()) * architecture.classes : 0;
    require_memory(control,
                   {{"images", bytes_of_images(*file)},
                    {"activations", estimate_activations(architecture, std::size_t(job.batch), Keeping::largest)},
                    {"logits", results}},
                   "lower --batch, or take fewer images");
    LabelledImages data;
    {
      const Stage stage(control, "read");
      data = read_images(*file, false);
    }
    if (!data.labelled && (job.per_class || job.confusion))
      throw DataError(file->name(), "", "holds no labels for --per-class or --confusion");
    set_classes(data, architecture.classes, network.names, file->name());
    if (network.names.empty()) network.names = data.images.names;
    const ImageShape shape{data.images.channels, data.images.height, data.images.width};
    if (shape != architecture.input)
      throw DataError(file->name(), "", "holds images of {}, the network reads {}", describe(shape),
                      describe(architecture.input));
    const std::vector<std::int32_t> rows = rows_of(data, job.split, file->name());
    Made made;
    const Stage stage(control, "evaluate");
    const Score score = score_images(executor, data.images, network.normalization, rows, std::size_t(job.batch),
                                     control, [&](std::size_t first, const Matrix& logits) {
                                       if (job.logits) append(made.logits, rows.size(), first, logits);
                                       if (!job.features.empty())
                                         append(made.features, rows.size(), first, executor.kept());
                                     });
    say("images", score.images);
    if (data.labelled) {
      say("loss", score.loss);
      say("accuracy", score.accuracy);
      if (architecture.classes > 5) say("top5", score.top5);
    }
    if (job.writes_samples()) {
      if (!job.features.empty()) {
        const ImageShape kept = executor.kept_shape();
        made.feature_shape = {std::size_t(kept.channels)};
        if (kept.pixels() > 1)
          made.feature_shape.insert(made.feature_shape.end(), {std::size_t(kept.height), std::size_t(kept.width)});
      }
      write_made(job, made, score.predictions, data, rows, network, *file);
    }
    const std::vector<std::int32_t> labels = labels_of(data.images, rows);
    if (job.per_class) tables.push_back(per_class_table(network, labels, score.predictions));
    if (job.confusion) tables.push_back(confusion_table(network, labels, score.predictions));
  }
  say("parameters", count_parameters(architecture));
  say("macs", count_macs(architecture));
  if (file) say("activation_mib", double(executor.activation_bytes()) / (1 << 20));
  tables.insert(tables.begin(), summary);
  if (job.layers) tables.push_back(layer_table(network, std::size_t(job.batch), control));
  if (!job.times.empty()) tables.push_back(time_table(network, job.times, control));
  return print(tables, job.json);
}

}  // namespace espalier
