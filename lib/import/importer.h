#pragma once
/// Writes what was opened as a sample file: /data, /labels, /ids, /split. See espalier-hdf5(5).

#include "h5/file.h"
#include "import/open.h"

namespace espalier {

struct ImportSummary {
  std::vector<std::size_t> shape;  ///< of one sample
  bool is_u8 = false;
  std::size_t training = 0, test = 0;
  std::size_t labelled = 0;  ///< samples with a known class
  std::size_t classes = 0;
};

/// Reads the sources to their ends, training rows first, and appends to `out` batch by batch; labels and ids alone are
/// kept until the end. /split is written where there is a test part. DataError where two sources differ in shape or
/// type (naming both), or where a value is not finite and `allow_nan` is not set; SystemError (71) before the first is
/// read where what will be held is more than what is free, with `in_memory` the whole output too.
ImportSummary write_import(Import, H5File& out, bool in_memory, bool allow_nan, const Control&);

}  // namespace espalier
