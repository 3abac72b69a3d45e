#pragma once
/// A dataset of a sample file as a text table or as NPY.

#include <string>

#include "h5/samples.h"
#include "h5/target.h"

namespace espalier {

enum class ExportFormat { csv, tsv, npy };

struct ExportOptions {
  ExportFormat format = ExportFormat::csv;
  bool header = true;               ///< names of the columns in the first row
  std::vector<std::string> ids;     ///< a column `id` in front; empty: none
  std::vector<std::string> labels;  ///< a column `label` behind; empty: none
};

/// Writes the dataset row by row, so that memory stays bounded. Every float is the shortest text that reads back as the
/// same float. Columns are x0, x1, ...; x0_0_0, ... where a sample has several axes; a sweep (Q x N x m with the
/// attribute q) gives Q * N rows with q in front. NPY keeps shape and type: u1, i4, i8, f4, f8 or b1. DataError for a
/// group, for compound values, for text as NPY, and for columns of another length; UsageError for columns of NPY;
/// SystemError (71), before anything is written, where a block of rows, or all texts, are more than what is free.
void export_dataset(const H5File&, const std::string& path, const ExportOptions&, ByteOutput&, const Control&);

/// The class's name, else its number; empty where it is unknown.
std::vector<std::string> label_texts(const Labels&);

}  // namespace espalier
