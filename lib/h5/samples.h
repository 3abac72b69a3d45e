#pragma once
/// The sample file: what qsne, knn-eval, embed-plot and the importers read and write. See espalier-hdf5(5).

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/control.h"
#include "h5/anndata.h"
#include "h5/layout.h"
#include "h5/output.h"
#include "tensor/matrix.h"

namespace espalier {

enum class SplitPart { all, train, test };

struct SampleSelection {
  std::string dataset;  ///< path of the samples; empty: found by convention
  std::string labels;   ///< path of the labels; empty: found by convention
  SplitPart split = SplitPart::all;
};

/// Class of each sample, -1 unknown. `names[c]` is the name of class c; empty where classes have only numbers.
struct Labels {
  std::vector<std::int32_t> values;
  std::vector<std::string> names;
};

/// One map of the samples.
struct Embedding {
  Matrix coordinates;        ///< N x m
  std::optional<double> q;   ///< kernel parameter, where known
  std::optional<double> kl;  ///< cost it reached, where known
  std::optional<double> iterations;
  std::string title;  ///< "q = 1.5", or the dataset's name
};

/// A sweep: the maps, all N x m, and the settings that made them.
struct EmbeddingSet {
  std::vector<Embedding> maps;
  Settings settings;
};

/// A sample file open for reading. Everything is read when asked for. Where a part of the split was selected, all
/// members give its rows alone, in their order in the file.
class SampleFile {
 public:
  static SampleFile open(const std::string& path, const SampleSelection&, const Control&);

  const H5File& file() const { return file_; }
  const std::string& name() const { return file_.name(); }
  const Layout& layout() const { return layout_; }
  std::size_t rows() const { return rows_; }
  bool has_data() const { return !layout_.data.empty(); }
  bool is_whole() const { return picked_.empty(); }
  /// The rows of the file that were selected, of `all_rows()`; empty where all were.
  std::span<const std::int32_t> picked() const { return picked_; }
  std::size_t all_rows() const { return all_rows_; }
  /// The entries of the selected rows, out of one for each row of the file.
  template <class T>
  std::vector<T> pick(std::vector<T> values) const {
    if (is_whole()) return values;
    for (std::size_t i = 0; i < picked_.size(); ++i) std::swap(values[i], values[std::size_t(picked_[i])]);
    values.resize(picked_.size());
    return values;
  }
  /// Sizes of one sample, e.g. {1, 28, 28}; dense data only.
  std::vector<std::size_t> sample_shape() const;

  /// Bytes of all samples once they are read, for `size` bytes a number; of sparse ones, their entries.
  double bytes_of_samples(std::size_t size = sizeof(float)) const;

  /// All samples as floats, trailing axes flattened. NaN or infinity is a DataError naming row and column.
  Samples read_samples() const;
  /// Rows [first, first + count) of dense samples, e.g. images for thumbnails.
  Matrix read_dense_rows(std::size_t first, std::size_t count) const;
  std::optional<Labels> read_labels() const;     ///< DataError where their number is not rows()
  std::vector<std::uint8_t> read_split() const;  ///< 0 training, 1 test; empty where unknown
  std::vector<std::string> read_ids() const;     ///< /ids, AnnData's names of obs, 10x barcodes; empty: none
  /// The maps in `path`, or in /embedding, or in AnnData's obsm/X_qsne*; empty where there are none.
  std::vector<Embedding> read_embeddings(const std::string& path = "") const;
  /// What reading those takes at the most.
  double bytes_of_embeddings(const std::string& path = "") const;
  /// A setting that made the map, e.g. "metric": an attribute of /embedding, or for AnnData a value in uns/qsne.
  std::optional<std::string> text_setting(const std::string& setting) const;
  std::vector<double> numbers_setting(const std::string& setting) const;  ///< empty: absent

 private:
  SampleFile(H5File file, Layout layout);
  void select(SplitPart);
  std::vector<std::string> embedding_paths(const std::string& path) const;
  std::size_t rows_without_data() const;
  Matrix read_stored_rows(std::size_t first, std::size_t count) const;
  H5File file_;
  Layout layout_;
  std::size_t all_rows_ = 0, rows_ = 0;
  std::vector<std::int32_t> picked_;
};

/// NaN or infinity in `values` is a DataError that names dataset, row and column.
void require_finite(const Matrix& values, const std::string& file, const std::string& dataset,
                    std::size_t first_row = 0);

/// Passes on what `file` holds, except the root objects named. Where a part of the split was selected: the root
/// datasets with a row for each sample are cut to it, and graphs of all samples left out; of files with training and
/// test rows in datasets of their own, the part becomes /data and /labels.
void pass_through(Output&, const SampleFile& file, std::vector<std::string> except);

/// The convention that the output of pass_through follows.
Convention output_convention(const SampleFile& file);

/// Writes maps: /embedding, or for AnnData obsm/X_qsne (one per q in a sweep) with the settings in uns/qsne.
void write_embeddings(Output&, Convention, const EmbeddingSet&);

/// Adds a line to the history of the file, nothing for an empty line: an attribute of the root, or for AnnData, where
/// nothing is added to the root, texts in uns/qsne/history.
void add_history(Output&, Convention, const std::string& line);

/// Labels as this suite stores them.
void write_labels(H5File&, const std::string& path, const Labels&);
void set_attributes(H5File&, const std::string& object, const Settings&);
/// Those of the named attributes that the object has.
Settings read_attributes(const H5File&, const std::string& object, std::initializer_list<const char*> names);

}  // namespace espalier
