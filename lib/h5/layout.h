#pragma once
/// Where in an HDF5 file the samples are: by name, or by the convention of the program that wrote it.

#include <string>
#include <vector>

#include "base/control.h"
#include "h5/file.h"
#include "h5/part.h"

namespace espalier {

enum class Convention { native, anndata, tenx, ann_benchmarks, keras, named };

struct Layout {
  Convention convention = Convention::native;
  std::vector<DataPart> data;       ///< none (a file with an embedding only), one, or training and test rows
  std::vector<std::string> labels;  ///< as many as data, or none
};

/// The datasets of a file with shape and type, twenty at most, in a line: what a message names as alternatives.
std::string listing(const H5File&);

/// Finds the samples. `dataset` and `labels` are what the user named, or empty. Order: what is named, /data, AnnData
/// (obsm/X_pca preferred, saying so), 10x, ann-benchmarks, Keras pairs; else a DataError that lists the file's
/// datasets. A file without data but with `/embedding` is native with no parts, and so is AnnData without X.
Layout find_samples(const H5File&, const std::string& dataset, const std::string& labels, const Control&);

}  // namespace espalier
