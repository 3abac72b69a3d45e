#pragma once
/// From operands and options to the sources that they mean: what tensor-import calls.

#include <memory>
#include <string>
#include <vector>

#include "base/control.h"
#include "import/images.h"
#include "import/kind.h"
#include "import/mat.h"
#include "import/table.h"

namespace espalier {

struct ImportOptions {
  ImportKind kind = ImportKind::guess;  ///< what the input is
  std::string test;                     ///< a file or folder of test samples of the same kind
  std::string label_file;               ///< classes of the operands' samples, one each: IDX, NPY or text
  std::string test_label_file;          ///< the same for `test`

  TableOptions table;    ///< header, delimiter, label, id, allow_nan; label and id serve NPZ and MAT too
  std::string variable;  ///< array of an NPZ or MAT file
  SamplesIn samples = SamplesIn::guess;  ///< where a MATLAB matrix has its samples
  Axes axes = Axes::guess;               ///< order of the axes of NPY and NPZ images
  std::optional<ImageSize> image;        ///< flat samples are images of this size

  PictureOptions pictures;
  std::string label_pattern;  ///< class of an image from its name
  int label_every = 0;        ///< this many samples in a row make a class; 0: not counted off

  bool coarse = false;      ///< CIFAR-100: the 20 superclasses
  bool unlabelled = false;  ///< STL-10: the unlabelled images too, after the training images
};

/// All that was named, in order. The classes are shared by both parts.
struct Import {
  std::vector<SourcePointer> training, test;
  std::unique_ptr<ClassTable> classes = std::make_unique<ClassTable>();
};

/// Opens operands (files, folders, "-") and reads their headers. Several operands follow one another, whatever their
/// kinds; files that are images make one folder. Folders with two parts give both.
Import open_import(const std::vector<std::string>& paths, const ImportOptions&, const Control&);

}  // namespace espalier
