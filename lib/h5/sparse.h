#pragma once
/// Sparse matrices in HDF5: groups of data, indices and indptr, as AnnData and 10x Genomics write them.

#include <array>
#include <span>

#include "h5/file.h"
#include "h5/part.h"
#include "tensor/matrix.h"

namespace espalier {

/// A matrix of 10x Genomics: data, indices, indptr, shape and barcodes.
bool is_tenx_group(const H5File&, const std::string& group);

/// The matrix stored in a group: AnnData's `encoding-type` csr_matrix or csc_matrix (or the older `h5sparse_format`),
/// or one of 10x Genomics, whose CSC of features x cells is read as CSR of cells x features. DataError for another
/// group.
DataPart sparse_part(const H5File&, const std::string& group);

/// Reads such a matrix, checked: indptr ascending and within the data, indices within the columns, values finite.
/// Columns are sorted within each row; CSC is transposed. Cost: two passes over the nonzeros.
SparseMatrix read_sparse(const H5File&, const DataPart&);

/// Writes compressed sparse rows as a group of data, indices and indptr, with an attribute `shape`.
void write_csr(H5File&, const std::string& group, std::array<std::size_t, 2> shape,
               std::span<const std::int64_t> indptr, std::span<const std::int32_t> indices,
               std::span<const float> values);

}  // namespace espalier
