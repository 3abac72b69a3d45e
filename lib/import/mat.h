#pragma once
/// Numeric arrays of MATLAB files (4, 5, 7.3), through matio.

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
/// values are bytes and the rows a square number (images unrolled by A(:)), which then are square images; else rows.
/// Doubles that all are whole, 0 to 255, count as bytes, as they do in MATLAB's files. Arrays of 3 or 4 axes are H x W
/// x N or H x W x C x N images. The variable is held in memory whole. `file` must be a path: matio seeks.
MatSamples read_mat(const std::string& file, const MatOptions&);

}  // namespace espalier
