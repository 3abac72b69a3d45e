#include "h5/samples.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/parallel.h"
#include "h5/anndata.h"
#include "h5/sparse.h"

namespace espalier {

namespace {

/// The first place of a NaN or infinity in rows [begin, end), or SIZE_MAX. A sum of zeros is NaN exactly where one is.
std::size_t first_not_finite(const float* values, std::size_t size) {
  float sum = 0;
  for (std::size_t i = 0; i < size; ++i) sum += values[i] * 0.0f;
  if (sum == 0) return SIZE_MAX;
  return std::size_t(std::find_if(values, values + size, [](float x) { return !std::isfinite(x); }) - values);
}

std::optional<double> at(const std::vector<double>& numbers, std::size_t i) {
  return i < numbers.size() ? std::optional(numbers[i]) : std::nullopt;
}

std::string map_title(const std::optional<double>& q, const std::string& path) {
  return q ? fmt::format("q = {:g}", *q) : path.substr(path.rfind('/') + 1);
}

/// A dataset N x m is one map, Q x N x m a sweep.
void append_maps(const H5File& file, const std::string& path, std::vector<Embedding>& maps) {
  const DatasetInfo info = file.info(path);
  const std::size_t rank = info.shape.size();
  if (rank != 2 && rank != 3) throw DataError(file.name(), path, "has {} axes, an embedding has 2, a sweep 3", rank);
  const std::size_t count = rank == 3 ? info.shape[0] : 1, rows = info.shape[rank - 2], dims = info.shape[rank - 1];
  if (count == 0 || rows == 0 || dims == 0) throw DataError(file.name(), path, "is empty");
  const std::vector<double> q = file.numbers_attribute(path, "q"), kl = file.numbers_attribute(path, "kl");
  const std::vector<double> steps = file.numbers_attribute(path, "iterations");
  const std::vector<float> all = file.read_floats(path);
  for (std::size_t i = 0; i < count; ++i) {
    Embedding map{Matrix(rows, dims), at(q, i), at(kl, i), {}, ""};
    map.title = map_title(map.q, path);
    if (path == "/snapshots" && i < steps.size()) map.title = fmt::format("iteration {:g}", steps[i]);
    std::copy_n(all.begin() + std::ptrdiff_t(i * rows * dims), rows * dims, map.coordinates.data());
    require_finite(map.coordinates, file.name(), path);
    maps.push_back(std::move(map));
  }
}

std::vector<std::string> embedding_paths(const H5File& file, const Layout& layout) {
  if (file.is_dataset("/embedding")) return {"/embedding"};
  std::vector<std::string> paths;
  if (layout.convention == Convention::anndata && file.is_group("/obsm"))
    for (const std::string& child : file.children("/obsm"))
      if (child.substr(0, 6) == "X_qsne") paths.push_back("/obsm/" + child);
  return paths;
}

/// Labels as class numbers, one-hot rows or booleans.
void append_labels(const H5File& file, const std::string& path, Labels& labels) {
  const DatasetInfo info = file.info(path);
  if (info.shape.size() == 2 && info.shape[1] > 1) {
    const std::vector<float> rows = file.read_floats(path);
    for (std::size_t i = 0; i < info.shape[0]; ++i) {
      const float* row = rows.data() + i * info.shape[1];
      labels.values.push_back(std::int32_t(std::max_element(row, row + info.shape[1]) - row));
    }
    return;
  }
  const std::vector<double> numbers = file.read_doubles(path);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (!(std::abs(numbers[i]) < INT32_MAX) || numbers[i] != std::floor(numbers[i]))
      throw DataError(file.name(), path, "has {} at {}, class numbers are needed", numbers[i], i);
    labels.values.push_back(std::max(-1, int(numbers[i])));
  }
  if (labels.names.empty()) labels.names = file.texts_attribute(path, "names");
}

constexpr const char* kAnnDataMap = "/obsm/X_qsne";
constexpr const char* kAnnDataSettings = "/uns/qsne";

/// The values of one kind over the maps of a sweep, where all have one.
template <class Field>
std::vector<double> series(const EmbeddingSet& set, Field field) {
  std::vector<double> values;
  for (const Embedding& map : set.maps)
    if (map.*field) values.push_back(*(map.*field));
  return values.size() == set.maps.size() ? values : std::vector<double>{};
}

void write_anndata_embeddings(Output& out, const EmbeddingSet& set) {
  H5File& file = out.file();
  prepare_anndata_group(file, "/obsm");
  for (const std::string& child : file.children("/obsm"))
    if (child.substr(0, 6) == "X_qsne") file.remove("/obsm/" + child);
  for (const Embedding& map : set.maps) {
    const std::string path = set.maps.size() == 1 ? kAnnDataMap : fmt::format("{}_q{}", kAnnDataMap, map.q.value_or(0));
    file.write(path, {map.coordinates.rows(), map.coordinates.cols()},
               std::span(map.coordinates.data(), map.coordinates.size()));
    set_encoding(file, path, "array", "0.2.0");
    if (map.q) file.set_attribute(path, "q", *map.q);
    if (map.kl) file.set_attribute(path, "kl", *map.kl);
    if (map.iterations) file.set_attribute(path, "iterations", *map.iterations);
  }
  write_anndata_settings(file, kAnnDataSettings, set.settings);
  // Attributes are lost when anndata writes the file again; these stay.
  const auto write_series = [&](const char* name, const std::vector<double>& values) {
    if (!values.empty()) write_anndata_numbers(file, fmt::format("{}/{}", kAnnDataSettings, name), values);
  };
  write_series("q", series(set, &Embedding::q));
  write_series("kl", series(set, &Embedding::kl));
  write_series("iterations", series(set, &Embedding::iterations));
}

/// Gives a map whose attributes were lost the q of its name, or the only q of the settings, and the cost that goes with
/// it.
void restore_series(const H5File& file, const std::string& path, std::size_t maps, Embedding& map) {
  const std::string suffix = path.substr(std::min(path.size(), std::string_view(kAnnDataMap).size()));
  const auto read = [&](const char* name) {
    const std::string at = fmt::format("{}/{}", kAnnDataSettings, name);
    return file.is_dataset(at) ? file.read_doubles(at) : std::vector<double>{};
  };
  const std::vector<double> q = read("q"), kl = read("kl");
  if (q.size() != maps) return;
  for (std::size_t i = 0; i < q.size(); ++i) {
    if (q.size() > 1 && suffix != fmt::format("_q{}", q[i])) continue;
    map.q = q[i];
    map.kl = at(kl, i);
    map.title = map_title(map.q, path);
  }
}

}  // namespace

void require_finite(const Matrix& values, const std::string& file, const std::string& dataset, std::size_t first_row) {
  const std::size_t rows_per_chunk = std::max<std::size_t>(1, (1 << 18) / std::max<std::size_t>(1, values.cols()));
  parallel_ranges(values.rows(), rows_per_chunk, [&](std::size_t begin, std::size_t end, int) {
    const std::size_t at = first_not_finite(values.row(begin), (end - begin) * values.cols());
    if (at == SIZE_MAX) return;
    throw DataError(file, dataset, "has {} at row {}, column {}: finite numbers are needed", values.row(begin)[at],
                    first_row + begin + at / values.cols(), at % values.cols());
  });
}

SampleFile::SampleFile(H5File file, Layout layout) : file_(std::move(file)), layout_(std::move(layout)) {
  for (const DataPart& part : layout_.data) all_rows_ += part.rows;
  if (layout_.data.empty()) all_rows_ = rows_without_data();
  rows_ = all_rows_;
  if (rows_ > INT32_MAX) throw DataError(name(), "", "has {} samples, 2^31 are too many", rows_);
  if (rows_ == 0) throw DataError(name(), layout_.data.empty() ? "" : layout_.data[0].path, "has no samples");
  if (!layout_.data.empty() && layout_.data[0].cols == 0)
    throw DataError(name(), layout_.data[0].path, "has no columns");
}

SampleFile SampleFile::open(const std::string& path, const SampleSelection& selection, const Control& control) {
  H5File file = H5File::open(path);
  Layout layout = find_samples(file, selection.dataset, selection.labels, control);
  SampleFile samples(std::move(file), std::move(layout));
  samples.select(selection.split);
  return samples;
}

/// Rows of the map, or of AnnData's obs, whose X may be missing.
std::size_t SampleFile::rows_without_data() const {
  const std::vector<Embedding> maps = read_embeddings();
  return maps.empty() ? read_obs_names(file_).size() : maps[0].coordinates.rows();
}

void SampleFile::select(SplitPart part) {
  if (part == SplitPart::all) return;
  std::vector<std::uint8_t> split;
  if (layout_.convention != Convention::anndata && layout_.convention != Convention::tenx) split = read_split();
  if (split.empty()) throw DataError(name(), "/split", "is missing: the samples are not split into training and test");
  for (std::size_t i = 0; i < split.size(); ++i)
    if (split[i] == (part == SplitPart::test)) picked_.push_back(std::int32_t(i));
  if (picked_.empty())
    throw DataError(name(), "/split", "has no {} samples", part == SplitPart::test ? "test" : "training");
  rows_ = picked_.size();
}

std::vector<std::size_t> SampleFile::sample_shape() const {
  if (layout_.data.empty()) return {};
  const DataPart& part = layout_.data[0];
  if (part.storage != Storage::dense) return {part.cols};
  std::vector<std::size_t> shape = file_.info(part.path).shape;
  shape.erase(shape.begin());
  return shape.empty() ? std::vector<std::size_t>{1} : shape;
}

double SampleFile::bytes_of_samples(std::size_t size) const {
  if (layout_.data.empty()) return 0;
  if (layout_.data[0].storage != Storage::dense) {
    constexpr double kOfEntry = sizeof(float) + sizeof(std::int32_t);
    const DatasetInfo indices = file_.info(layout_.data[0].path + "/indices");
    return kOfEntry * double(indices.count()) * double(rows_) / double(std::max<std::size_t>(1, all_rows_)) +
           double(sizeof(std::int64_t)) * double(rows_);
  }
  double bytes = double(rows_) * double(size);
  for (const std::size_t axis : sample_shape()) bytes *= double(axis);
  return bytes;
}

Samples SampleFile::read_samples() const {
  if (layout_.data.empty()) throw DataError(name(), "", "holds no samples; some can be named with --dataset");
  if (layout_.data[0].storage == Storage::dense) return read_dense_rows(0, rows_);
  Samples samples = read_sparse(file_, layout_.data[0]);
  return is_whole() ? std::move(samples) : pick_rows(samples, picked_);
}

Matrix SampleFile::read_dense_rows(std::size_t first, std::size_t count) const {
  if (is_whole()) return read_stored_rows(first, count);
  constexpr std::size_t kRowsAtOnce = 4096;
  Matrix out(count, layout_.data.at(0).cols);
  for (std::size_t i = 0; i < count;) {
    const std::size_t from = std::size_t(picked_[first + i]);
    std::size_t end = i + 1;
    while (end < count && std::size_t(picked_[first + end]) < from + kRowsAtOnce) ++end;
    const Matrix rows = read_stored_rows(from, std::size_t(picked_[first + end - 1]) + 1 - from);
    for (; i < end; ++i) std::copy_n(rows.row(std::size_t(picked_[first + i]) - from), out.cols(), out.row(i));
  }
  return out;
}

Matrix SampleFile::read_stored_rows(std::size_t first, std::size_t count) const {
  Matrix out(count, layout_.data.at(0).cols);
  std::size_t part_first = 0, filled = 0;
  for (const DataPart& part : layout_.data) {
    const std::size_t begin = std::max(first, part_first), end = std::min(first + count, part_first + part.rows);
    if (begin < end) {
      file_.read_rows(part.path, begin - part_first, end - begin, out.row(filled));
      filled += end - begin;
    }
    part_first += part.rows;
  }
  require_finite(out, name(), layout_.data[0].path, first);
  return out;
}

std::optional<Labels> SampleFile::read_labels() const {
  if (layout_.labels.empty()) return std::nullopt;
  Labels labels;
  const std::string& first = layout_.labels[0];
  if (layout_.convention == Convention::anndata && first.substr(0, 5) == "/obs/") {
    ObsColumn column = read_obs_column(file_, first.substr(5));
    labels = {std::move(column.codes), std::move(column.names)};
  } else if (file_.info(first).kind == Kind::text) {
    std::vector<std::string> words;
    for (const std::string& path : layout_.labels)
      for (std::string& word : file_.read_strings(path)) words.push_back(std::move(word));
    ObsColumn column = number_words(words);
    labels = {std::move(column.codes), std::move(column.names)};
  } else {
    for (const std::string& path : layout_.labels) append_labels(file_, path, labels);
  }
  if (labels.values.size() != all_rows_)
    throw DataError(name(), first, "has {} entries, {} has {} samples", labels.values.size(),
                    layout_.data.empty() ? "/embedding" : layout_.data[0].path, all_rows_);
  labels.values = pick(std::move(labels.values));
  return labels;
}

std::vector<std::uint8_t> SampleFile::read_split() const {
  if (layout_.data.size() == 2) {
    std::vector<std::uint8_t> split(all_rows_, 0);
    std::fill(split.begin() + std::ptrdiff_t(layout_.data[0].rows), split.end(), std::uint8_t(1));
    return pick(std::move(split));
  }
  if (!file_.is_dataset("/split")) return {};
  std::vector<std::uint8_t> split = file_.read_bytes("/split");
  if (split.size() != all_rows_)
    throw DataError(name(), "/split", "has {} entries for {} samples", split.size(), all_rows_);
  return pick(std::move(split));
}

std::vector<std::string> SampleFile::read_ids() const {
  std::vector<std::string> ids;
  std::string path = "/ids";
  if (file_.is_dataset(path)) {
    ids = file_.read_strings(path);
  } else if (layout_.convention == Convention::anndata) {
    path = "/obs";
    ids = read_obs_names(file_);
  } else if (layout_.convention == Convention::tenx) {
    path = layout_.data.at(0).path + "/barcodes";
    ids = file_.read_strings(path);
  }
  if (!ids.empty() && ids.size() != all_rows_)
    throw DataError(name(), path, "has {} entries for {} samples", ids.size(), all_rows_);
  return ids.empty() ? ids : pick(std::move(ids));
}

std::vector<std::string> SampleFile::embedding_paths(const std::string& path) const {
  return path.empty() ? espalier::embedding_paths(file_, layout_) : std::vector<std::string>{absolute(path)};
}

double SampleFile::bytes_of_embeddings(const std::string& path) const {
  constexpr double kCopies = 2;
  double bytes = 0;
  for (const std::string& p : embedding_paths(path))
    if (file_.is_dataset(p)) bytes += kCopies * sizeof(float) * double(file_.info(p).count());
  return bytes;
}

std::vector<Embedding> SampleFile::read_embeddings(const std::string& path) const {
  std::vector<Embedding> maps;
  const std::vector<std::string> paths = embedding_paths(path);
  for (const std::string& p : paths) {
    append_maps(file_, p, maps);
    if (p.substr(0, std::string_view(kAnnDataMap).size()) == kAnnDataMap && !maps.back().q)
      restore_series(file_, p, paths.size(), maps.back());
  }
  for (const Embedding& map : maps)
    if (all_rows_ > 0 && map.coordinates.rows() != all_rows_)
      throw DataError(name(), paths[0], "has {} rows for {} samples", map.coordinates.rows(), all_rows_);
  if (!is_whole())
    for (Embedding& map : maps) map.coordinates = pick_rows(map.coordinates, picked_);
  std::stable_sort(maps.begin(), maps.end(), [](const Embedding& x, const Embedding& y) { return x.q < y.q; });
  return maps;
}

std::optional<std::string> SampleFile::text_setting(const std::string& setting) const {
  if (file_.is_dataset("/embedding")) return file_.text_attribute("/embedding", setting);
  const std::string path = "/uns/qsne/" + setting;
  if (!file_.is_dataset(path) || file_.info(path).kind != Kind::text) return std::nullopt;
  return file_.read_strings(path).at(0);
}

std::vector<double> SampleFile::numbers_setting(const std::string& setting) const {
  if (file_.is_dataset("/embedding")) return file_.numbers_attribute("/embedding", setting);
  const std::string path = "/uns/qsne/" + setting;
  if (!file_.is_dataset(path) || file_.info(path).kind == Kind::text) return {};
  return file_.read_doubles(path);
}

void set_attributes(H5File& file, const std::string& object, const Settings& settings) {
  for (const auto& [name, value] : settings)
    std::visit([&, &key = name](const auto& v) { file.set_attribute(object, key, v); }, value);
}

Settings read_attributes(const H5File& file, const std::string& object, std::initializer_list<const char*> names) {
  Settings settings;
  for (const char* name : names) {
    if (std::optional<std::string> text = file.text_attribute(object, name)) {
      settings.emplace_back(name, *std::move(text));
      continue;
    }
    std::vector<double> numbers = file.numbers_attribute(object, name);
    if (numbers.size() == 1) settings.emplace_back(name, numbers[0]);
    if (numbers.size() > 1) settings.emplace_back(name, std::move(numbers));
  }
  return settings;
}

Convention output_convention(const SampleFile& file) {
  return file.is_whole() ? file.layout().convention : Convention::native;
}

namespace {

/// Training or test rows of a pair of datasets, as a file of this suite.
void pass_part(Output& out, const SampleFile& file) {
  const Layout& layout = file.layout();
  const std::size_t part = file.picked()[0] == 0 ? 0 : 1;
  out.file().copy(file.file(), layout.data[part].path, "/data");
  if (layout.labels.size() == layout.data.size()) out.file().copy(file.file(), layout.labels[part], "/labels");
}

}  // namespace

void pass_through(Output& out, const SampleFile& file, std::vector<std::string> except) {
  if (file.is_whole()) return out.pass_through(file.file(), except);
  if (file.layout().data.size() == 2) return pass_part(out, file);
  std::vector<std::string> cut;
  for (const std::string& child : file.file().children("/")) {
    const std::string path = "/" + child;
    if (std::find(except.begin(), except.end(), path) != except.end() || !file.file().is_dataset(path)) continue;
    const std::vector<std::size_t> shape = file.file().info(path).shape;
    if (!shape.empty() && shape[0] == file.all_rows()) cut.push_back(path);
  }
  except.insert(except.end(), cut.begin(), cut.end());
  except.insert(except.end(), {"/neighbors", "/affinities"});
  out.pass_through(file.file(), except);
  if (file.has_data() && std::find(cut.begin(), cut.end(), file.layout().data[0].path) == cut.end()) {
    const std::string& data = file.layout().data[0].path;
    if (file.layout().data[0].storage == Storage::dense) {
      cut.push_back(data);
    } else {
      const SparseMatrix rows = std::get<SparseMatrix>(file.read_samples());
      write_csr(out.file(), data, {rows.rows, rows.cols}, rows.indptr, rows.indices, rows.values);
    }
  }
  for (const std::string& path : cut) out.file().copy_rows(file.file(), path, file.picked());
}

void write_embeddings(Output& out, Convention convention, const EmbeddingSet& set) {
  if (convention == Convention::anndata) return write_anndata_embeddings(out, set);
  const std::size_t rows = set.maps.at(0).coordinates.rows(), dims = set.maps[0].coordinates.cols();
  std::vector<float> all;
  std::vector<double> q, kl, iterations;
  for (const Embedding& map : set.maps) {
    all.insert(all.end(), map.coordinates.data(), map.coordinates.data() + rows * dims);
    if (map.q) q.push_back(*map.q);
    if (map.kl) kl.push_back(*map.kl);
    if (map.iterations) iterations.push_back(*map.iterations);
  }
  H5File& file = out.file();
  const bool sweep = set.maps.size() > 1;
  file.write("/embedding", sweep ? std::vector{set.maps.size(), rows, dims} : std::vector{rows, dims}, all);
  const auto set_series = [&](const char* name, const std::vector<double>& series) {
    if (series.empty()) return;
    if (sweep)
      file.set_attribute("/embedding", name, series);
    else
      file.set_attribute("/embedding", name, series[0]);
  };
  set_series("q", q);
  set_series("kl", kl);
  set_series("iterations", iterations);
  set_attributes(file, "/embedding", set.settings);
}

void add_history(Output& out, Convention convention, const std::string& line) {
  if (convention != Convention::anndata) return out.add_history(line);
  if (line.empty()) return;
  H5File& file = out.file();
  const std::string path = fmt::format("{}/history", kAnnDataSettings);
  std::vector<std::string> lines;
  if (file.is_dataset(path)) lines = file.read_strings(path);
  lines.push_back(line);
  write_anndata_texts(file, path, lines);
}

void write_labels(H5File& file, const std::string& path, const Labels& labels) {
  file.write(path, {labels.values.size()}, labels.values);
  if (!labels.names.empty()) file.set_attribute(path, "names", labels.names);
}

}  // namespace espalier
