#pragma once
/// Classes that do not stand beside the samples: from a file of their own, or counted off.

#include "import/classes.h"
#include "import/source.h"
#include "import/stream.h"

namespace espalier {

/// Numbers as codes of the table, so that they are treated as numbers in text are.
std::vector<std::int32_t> label_codes(const std::vector<std::int32_t>& numbers, ClassTable&);
std::vector<std::int32_t> label_codes(const std::vector<std::string>& texts, ClassTable&);

/// One class per sample: a one-dimensional IDX or NPY file, or text with a class per line. Gives codes.
std::vector<std::int32_t> read_label_file(ByteStream, ClassTable&);

/// The source with these labels. DataError, naming both, where their numbers differ (found at the end of the samples).
SourcePointer attach_labels(SourcePointer, std::vector<std::int32_t> labels, std::string labels_name);

/// The source with class i / every for sample i.
SourcePointer count_off_labels(SourcePointer, std::size_t every);

}  // namespace espalier
