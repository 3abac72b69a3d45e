#pragma once
/// Numeric arrays of MATLAB files as samples: version 5 by mat5.h, 4 and 7.3 through matio.

#include "import/array.h"

namespace espalier {

enum class SamplesIn { guess, rows, columns };

struct MatOptions {
  std::string variable;                  ///< empty: the only numeric array with samples in it
  std::string label;                     ///< variable of the classes, or empty
  SamplesIn samples = SamplesIn::guess;  ///< of a matrix
  std::optional<ImageSize> image;        ///< a sample is an image, its pixels in MATLAB's order (down, then right)
};

struct MatSamples {
  SourcePointer source;
  std::vector<std::string> labels;  ///< texts for a ClassTable; empty without MatOptions::label
  std::string remark;               ///< what was guessed, or empty
};

/// A matrix holds a sample per row or per column. The guess: what the number of labels says; else columns where the
/// values are stored as bytes and the rows are a square number (images unrolled by A(:)), which then are square images;
/// else rows. Arrays of 3 or 4 axes are H x W x N or H x W x C x N images. Samples in rows, and files of version 4
/// and 7.3, are held in memory whole. `file` must be a path.
MatSamples read_mat(const std::string& file, const MatOptions&);

}  // namespace espalier
