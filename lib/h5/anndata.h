#pragma once
/// AnnData (.h5ad), today's form and the older ones. Source: anndata's "on-disk format" documentation.

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "h5/file.h"

namespace espalier {

using Setting = std::variant<double, std::int64_t, std::string, std::vector<double>>;
using Settings = std::vector<std::pair<std::string, Setting>>;

/// A column of obs as class numbers (-1 missing) with the names of the classes.
struct ObsColumn {
  std::vector<std::int32_t> codes;
  std::vector<std::string> names;
};

/// Words as class numbers, in alphabetical order.
ObsColumn number_words(const std::vector<std::string>& words);

/// True for a file with obs and var and either X or the encoding attribute of AnnData at the root.
bool is_anndata(const H5File&);

/// A categorical of any age (a group of codes and categories; codes with names in /obs/__categories, in
/// /uns/COLUMN_categories, or in an HDF5 enumeration; obs a group or a table), text, booleans or integers, these also
/// with a mask of missing values. DataError where the column is missing or real, listing the columns that could serve.
ObsColumn read_obs_column(const H5File&, const std::string& column);

/// Columns of obs that can serve as labels: those with names (categories, text, booleans), or where there are none
/// those of integers.
std::vector<std::string> label_columns(const H5File&);

/// Names of the observations; empty where there are none.
std::vector<std::string> read_obs_names(const H5File&);

/// Makes a group that holds parts of an AnnData object (/uns, /obsm, /obsp) ready to be written to: made where it is
/// missing, a table (anndata before 0.7) turned into a group, with encoding attributes where the root has them.
void prepare_anndata_group(H5File&, const std::string& group);

/// Marks a dataset or group with AnnData's encoding attributes.
void set_encoding(H5File&, const std::string& object, const std::string& type, const std::string& version);

/// Writes settings into a group of their own below /uns: a scalar, a string or a row of numbers for each. What the
/// group holds beside is removed, apart from its history and what it says of graphs in obsp.
void write_anndata_settings(H5File&, const std::string& group, const Settings&);
void write_anndata_numbers(H5File&, const std::string& path, std::span<const double> numbers);
void write_anndata_texts(H5File&, const std::string& path, std::span<const std::string> texts);

}  // namespace espalier
