#include "plot/source.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <initializer_list>

#include "base/error.h"
#include "base/need.h"

namespace espalier {

namespace {

std::string panel_title(const Embedding& map, bool alone) {
  std::string title = map.q || !alone ? map.title : "";
  if (map.kl) title += fmt::format("{}KL {:.3f}", title.empty() ? "" : ", ", *map.kl);
  return title;
}

bool is_anndata(const SampleFile& file) { return file.layout().convention == Convention::anndata; }

/// The first of the places where something of this name may be, the name itself if there is none.
std::string path_of(const SampleFile& file, const std::string& name, std::initializer_list<const char*> prefixes) {
  std::string path = absolute(name);
  if (file.file().has(path) || !is_anndata(file)) return path;
  for (const std::string prefix : prefixes)
    if (file.file().has(prefix + name)) return prefix + name;
  return path;
}

/// What --embedding could name in an AnnData file: "; obsm holds X_pca, X_umap".
std::string maps_at_hand(const SampleFile& file) {
  if (!is_anndata(file) || !file.file().is_group("/obsm")) return "";
  const std::vector<std::string> names = file.file().children("/obsm");
  return names.empty() ? "" : fmt::format("; obsm holds {}", fmt::join(names, ", "));
}

/// Samples of at most three numbers are a map themselves.
std::vector<Embedding> maps_of(const SampleFile& file, const std::string& name, const Control& control) {
  const std::string path = name.empty() ? "" : path_of(file, name, {"/obsm/", "/obsm/X_"});
  if (!path.empty() && is_anndata(file) && !file.file().has(path))
    throw DataError(file.name(), path, "is missing{}", maps_at_hand(file));
  const bool is_map = file.has_data() && file.layout().data[0].cols <= 3;
  const double stored = file.bytes_of_embeddings(path);
  require_memory(control, {{"maps", stored > 0 || !is_map ? stored : file.bytes_of_samples()}},
                 "draw fewer samples with --split");
  std::vector<Embedding> maps = file.read_embeddings(path);
  if (!maps.empty()) return maps;
  Samples samples;
  if (is_map) samples = file.read_samples();
  auto* dense = std::get_if<Matrix>(&samples);
  if (!dense || dense->empty())
    throw DataError(file.name(), "", "holds no map: make one with qsne, or name it with --embedding{}",
                    maps_at_hand(file));
  maps.push_back({std::move(*dense), {}, {}, {}, ""});
  return maps;
}

}  // namespace

MapSource::MapSource(const std::string& path, const MapSelection& selection, const Control& control)
    : file_(SampleFile::open(path, selection.samples, {})), maps_(maps_of(file_, selection.embedding, control)) {
  if (!selection.values.empty())
    read_values(selection.values);
  else
    labels_ = file_.read_labels().value_or(Labels{});
  if (selection.images) find_images();
  if (selection.ids) read_ids();
  if (const std::size_t columns = maps_[0].coordinates.cols(); columns > 3)
    control.tell(fmt::format("the map has {} columns: the first three are drawn", columns));
  if (!is_anndata(file_) || !labels_.values.empty() || !values_.empty()) return;
  if (const std::vector<std::string> columns = label_columns(file_.file()); !columns.empty())
    control.tell(fmt::format("all points have one colour; --labels could name {}", fmt::join(columns, ", ")));
}

void MapSource::read_ids() {
  ids_ = file_.read_ids();
  if (ids_.empty()) throw DataError(file_.name(), "/ids", "is missing: the samples have no names to show");
}

void MapSource::read_values(const std::string& name) {
  const std::string path = path_of(file_, name, {"/obs/"});
  const DatasetInfo info = file_.file().info(path);
  if (info.kind == Kind::text) throw DataError(file_.name(), path, "is text: colour by it with --labels");
  if (info.count() != file_.all_rows())
    throw DataError(file_.name(), path, "has {} numbers for {} samples", info.count(), file_.all_rows());
  values_ = file_.pick(file_.file().read_floats(path));
  value_name_ = path.substr(path.rfind('/') + 1);
}

void MapSource::find_images() {
  if (!file_.has_data()) throw DataError(file_.name(), "", "holds no samples, so there are no images to show");
  std::vector<std::size_t> shape = file_.sample_shape();
  if (shape.size() == 2) shape.insert(shape.begin(), 1);
  if (shape.size() != 3 || (shape[0] != 1 && shape[0] != 3))
    throw DataError(file_.name(), file_.layout().data[0].path,
                    "holds no images: samples are {}{}, H x W, 1 x H x W or 3 x H x W is needed",
                    shape.size() == 1 ? "vectors of length " : "", fmt::join(shape, " x "));
  images_ = ImageSource{shape[0], shape[1], shape[2], file_.rows(), [this](std::size_t sample, float* out) {
                          const Matrix row = file_.read_dense_rows(sample, 1);
                          std::copy_n(row.data(), row.size(), out);
                        }};
}

ScatterInput MapSource::input() const {
  ScatterInput input;
  for (const Embedding& map : maps_) input.panels.push_back({&map.coordinates, panel_title(map, maps_.size() == 1)});
  input.labels = labels_.values;
  input.names = labels_.names;
  input.values = values_;
  input.value_name = value_name_;
  input.images = images_;
  input.ids = ids_;
  return input;
}

}  // namespace espalier
