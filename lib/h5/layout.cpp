#include "h5/layout.h"

#include <fmt/ranges.h>

#include "base/error.h"
#include "h5/anndata.h"
#include "h5/sparse.h"

namespace espalier {

std::string listing(const H5File& file) {
  std::vector<std::string> lines;
  for (const DatasetInfo& info : file.datasets()) {
    if (lines.size() == 20) {
      lines.push_back("...");
      break;
    }
    lines.push_back(info.describe());
  }
  return lines.empty() ? "the file has no datasets" : fmt::format("{}", fmt::join(lines, "; "));
}

namespace {

DataPart part_at(const H5File& file, const std::string& path) {
  if (file.is_group(path) && !file.is_table(path)) return sparse_part(file, path);
  const DatasetInfo info = file.info(path);
  if (info.shape.empty()) throw DataError(file.name(), path, "is a single value, samples are needed");
  if (info.kind == Kind::text || info.kind == Kind::other)
    throw DataError(file.name(), path, "holds {}, numbers are needed",
                    info.kind == Kind::text ? "text" : "values of a type that is not read");
  DataPart part{path, Storage::dense, info.shape[0], 1};
  for (std::size_t axis = 1; axis < info.shape.size(); ++axis) part.cols *= info.shape[axis];
  return part;
}

/// Pairs of training and test rows, and the labels that go with them, in the spellings met in the wild.
struct Pair {
  const char *train, *test, *train_labels, *test_labels;
};
constexpr Pair kKerasPairs[] = {
    {"/x_train", "/x_test", "/y_train", "/y_test"},
    {"/X_train", "/X_test", "/y_train", "/y_test"},
    {"/train_images", "/test_images", "/train_labels", "/test_labels"},
    {"/X", "", "/y", ""},
    {"/x", "", "/y", ""},
};

Layout pair_layout(const H5File& file, const Pair& pair, Convention convention) {
  Layout layout;
  layout.convention = convention;
  layout.data.push_back(part_at(file, pair.train));
  if (*pair.test && file.is_dataset(pair.test)) layout.data.push_back(part_at(file, pair.test));
  if (layout.data.size() == 2 && layout.data[0].cols != layout.data[1].cols)
    throw DataError(file.name(), pair.test, "has {} columns, {} has {}", layout.data[1].cols, pair.train,
                    layout.data[0].cols);
  const bool both = layout.data.size() == 2;
  if (*pair.train_labels && file.is_dataset(pair.train_labels) && (!both || file.is_dataset(pair.test_labels))) {
    layout.labels.push_back(pair.train_labels);
    if (both) layout.labels.push_back(pair.test_labels);
  }
  return layout;
}

/// An AnnData object may come without X: missing, or a scalar that says so.
bool has_matrix(const H5File& file) {
  return file.has("/X") && ((file.is_group("/X") && !file.is_table("/X")) || !file.info("/X").shape.empty());
}

/// Groups at the root that hold a matrix of 10x Genomics: /matrix since Cell Ranger 3, one named after the genome
/// before.
std::vector<std::string> tenx_groups(const H5File& file) {
  std::vector<std::string> groups;
  for (const std::string& child : file.children("/"))
    if (is_tenx_group(file, "/" + child)) groups.push_back("/" + child);
  return groups;
}

Layout find_by_convention(const H5File& file, const Control& control) {
  Layout layout;
  if (file.has("/data")) {
    layout.data.push_back(part_at(file, "/data"));
    if (file.is_dataset("/labels")) layout.labels.push_back("/labels");
    return layout;
  }
  if (is_anndata(file)) {
    layout.convention = Convention::anndata;
    if (file.is_dataset("/obsm/X_pca")) {
      control.tell("using obsm/X_pca (--dataset X for the full matrix)");
      layout.data.push_back(part_at(file, "/obsm/X_pca"));
    } else if (has_matrix(file)) {
      layout.data.push_back(part_at(file, "/X"));
    }
    return layout;
  }
  if (const std::vector<std::string> groups = tenx_groups(file); !groups.empty()) {
    if (groups.size() > 1)
      throw DataError(file.name(), "", "holds several genomes; name one with --dataset: {}", fmt::join(groups, ", "));
    layout.convention = Convention::tenx;
    layout.data.push_back(sparse_part(file, groups[0]));
    return layout;
  }
  if (file.is_dataset("/train") && file.has_attribute("/", "distance"))
    return pair_layout(file, {"/train", "/test", "", ""}, Convention::ann_benchmarks);
  for (const Pair& pair : kKerasPairs)
    if (file.is_dataset(pair.train) && (*pair.test ? file.is_dataset(pair.test) : file.is_dataset(pair.train_labels)))
      return pair_layout(file, pair, Convention::keras);
  if (file.has("/embedding")) {
    if (file.is_dataset("/labels")) layout.labels.push_back("/labels");
    return layout;
  }
  if (file.has("/network")) throw DataError(file.name(), "", "holds a network, and no samples");
  throw DataError(file.name(), "", "holds no /data; name one with --dataset: {}", listing(file));
}

}  // namespace

Layout find_samples(const H5File& file, const std::string& dataset, const std::string& labels, const Control& control) {
  Layout layout;
  if (dataset.empty()) {
    layout = find_by_convention(file, control);
  } else {
    const std::string path = absolute(dataset);
    if (!file.has(path)) throw DataError(file.name(), path, "is missing; there are: {}", listing(file));
    layout.convention = is_anndata(file) ? Convention::anndata : Convention::named;
    layout.data.push_back(part_at(file, path));
    if (file.is_dataset("/labels")) layout.labels.push_back("/labels");
  }
  if (labels.empty()) return layout;
  std::string path = absolute(labels);
  if (layout.convention == Convention::anndata && !file.has(path) && path.substr(0, 5) != "/obs/") path = "/obs" + path;
  layout.labels = {path};
  return layout;
}

}  // namespace espalier
