#pragma once
/// One block of sample rows in a file.

#include <cstddef>
#include <string>

namespace espalier {

enum class Storage { dense, csr, csc };

/// One block of rows. A CSC group holds the transposed matrix's rows; 10x stores cells as columns, hence as CSR rows.
struct DataPart {
  std::string path;  ///< dataset, or group of data, indices, indptr and shape
  Storage storage = Storage::dense;
  std::size_t rows = 0, cols = 0;  ///< trailing axes flattened
};

}  // namespace espalier
