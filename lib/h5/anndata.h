#pragma once
/// AnnData (.h5ad), today's form and the legacy one. Source: anndata's "on-disk format" documentation.

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "h5/file.h"

namespace espalier {

using Setting = std::variant<double, std::int64_t, std::string>;
using Settings = std::vector<std::pair<std::string, Setting>>;

/// A column of obs as class numbers (-1 missing) with the names of the classes.
struct ObsColumn {
  std::vector<std::int32_t> codes;
  std::vector<std::string> names;
};

/// A categorical (group of codes and categories), the legacy categorical (codes in /obs/COLUMN with a reference or
/// /obs/__categories, or a field of the compound /obs with names in /uns/COLUMN_categories), text, booleans or
/// integers. DataError where the column is missing, listing the columns that could serve.
ObsColumn read_obs_column(const H5File&, const std::string& column);

/// Writes settings as scalar datasets of a group with AnnData's encoding attributes, replacing the group.
void write_anndata_settings(H5File&, const std::string& group, const Settings&);

}  // namespace espalier
