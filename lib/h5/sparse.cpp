#include "h5/sparse.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace espalier {

namespace {

std::vector<double> stored_shape(const H5File& file, const std::string& group) {
  for (const char* name : {"shape", "h5sparse_shape"})
    if (std::vector<double> shape = file.numbers_attribute(group, name); !shape.empty()) return shape;
  if (file.is_dataset(group + "/shape")) return file.read_doubles(group + "/shape");
  return {};
}

bool is_csc(const H5File& file, const std::string& group) {
  for (const char* name : {"encoding-type", "h5sparse_format"})
    if (const auto text = file.text_attribute(group, name)) return text->substr(0, 3) == "csc";
  return false;
}

/// Rows ascending in column; two entries for one place are added.
void sort_rows(SparseMatrix& matrix) {
  std::vector<std::pair<std::int32_t, float>> row;
  std::int64_t kept = 0;
  for (std::size_t i = 0; i < matrix.rows; ++i) {
    row.clear();
    for (std::int64_t p = matrix.indptr[i]; p < matrix.indptr[i + 1]; ++p)
      row.emplace_back(matrix.indices[p], matrix.values[p]);
    std::stable_sort(row.begin(), row.end(), [](const auto& x, const auto& y) { return x.first < y.first; });
    matrix.indptr[i] = kept;
    for (std::size_t e = 0; e < row.size(); ++e) {
      if (e > 0 && row[e].first == row[e - 1].first) {
        matrix.values[kept - 1] += row[e].second;
        continue;
      }
      matrix.indices[kept] = row[e].first;
      matrix.values[kept++] = row[e].second;
    }
  }
  matrix.indptr[matrix.rows] = kept;
  matrix.indices.resize(std::size_t(kept));
  matrix.values.resize(std::size_t(kept));
}

SparseMatrix transposed(const SparseMatrix& matrix) {
  SparseMatrix out{matrix.cols, matrix.rows, {}, {}, {}};
  out.indptr.assign(out.rows + 1, 0);
  out.indices.resize(matrix.indices.size());
  out.values.resize(matrix.values.size());
  for (std::int32_t column : matrix.indices) ++out.indptr[std::size_t(column) + 1];
  std::partial_sum(out.indptr.begin(), out.indptr.end(), out.indptr.begin());
  std::vector<std::int64_t> next(out.indptr.begin(), out.indptr.end() - 1);
  for (std::size_t i = 0; i < matrix.rows; ++i)
    for (std::int64_t p = matrix.indptr[i]; p < matrix.indptr[i + 1]; ++p) {
      const std::int64_t at = next[matrix.indices[p]]++;
      out.indices[at] = std::int32_t(i);
      out.values[at] = matrix.values[p];
    }
  return out;
}

}  // namespace

bool is_tenx_group(const H5File& file, const std::string& group) {
  for (const char* name : {"/data", "/indices", "/indptr", "/shape", "/barcodes"})
    if (!file.is_dataset(group + name)) return false;
  return true;
}

DataPart sparse_part(const H5File& file, const std::string& group) {
  for (const char* name : {"/data", "/indices", "/indptr"})
    if (!file.is_dataset(group + name))
      throw DataError(file.name(), group, "is a group without {}: not a sparse matrix", name + 1);
  std::vector<double> shape = stored_shape(file, group);
  if (shape.size() != 2 || !(shape[0] >= 0 && shape[1] >= 0 && shape[0] < 1e15 && shape[1] <= INT32_MAX))
    throw DataError(file.name(), group, "is a sparse matrix without a usable shape");
  DataPart part{group, is_csc(file, group) ? Storage::csc : Storage::csr, std::size_t(shape[0]), std::size_t(shape[1])};
  if (is_tenx_group(file, group)) std::swap(part.rows, part.cols);
  const std::size_t pointers = file.info(group + "/indptr").count();
  const std::size_t expected = (part.storage == Storage::csc ? part.cols : part.rows) + 1;
  if (pointers != expected)
    throw DataError(file.name(), group + "/indptr", "has {} entries, shape asks for {}", pointers, expected);
  return part;
}

SparseMatrix read_sparse(const H5File& file, const DataPart& part) {
  const bool csc = part.storage == Storage::csc;
  SparseMatrix matrix{csc ? part.cols : part.rows, csc ? part.rows : part.cols, {}, {}, {}};
  matrix.indptr = file.read_longs(part.path + "/indptr");
  matrix.indices = file.read_ints(part.path + "/indices");
  matrix.values = file.read_floats(part.path + "/data");
  if (matrix.indices.size() != matrix.values.size())
    throw DataError(file.name(), part.path, "has {} indices for {} values", matrix.indices.size(),
                    matrix.values.size());
  if (matrix.indptr.front() != 0 || matrix.indptr.back() != std::int64_t(matrix.values.size()) ||
      !std::is_sorted(matrix.indptr.begin(), matrix.indptr.end()))
    throw DataError(file.name(), part.path + "/indptr", "does not ascend from 0 to {}", matrix.values.size());
  for (std::size_t p = 0; p < matrix.values.size(); ++p) {
    if (matrix.indices[p] < 0 || std::size_t(matrix.indices[p]) >= matrix.cols)
      throw DataError(file.name(), part.path + "/indices", "has {} at {}, the matrix has {} columns", matrix.indices[p],
                      p, matrix.cols);
    if (!std::isfinite(matrix.values[p]))
      throw DataError(file.name(), part.path + "/data", "has {} at entry {}: finite numbers are needed",
                      matrix.values[p], p);
  }
  if (csc) matrix = transposed(matrix);
  sort_rows(matrix);
  return matrix;
}

void write_csr(H5File& file, const std::string& group, std::array<std::size_t, 2> shape,
               std::span<const std::int64_t> indptr, std::span<const std::int32_t> indices,
               std::span<const float> values) {
  file.remove(group);
  file.make_group(group);
  file.write(group + "/data", {values.size()}, values);
  file.write(group + "/indices", {indices.size()}, indices);
  file.write(group + "/indptr", {indptr.size()}, indptr);
  const std::int64_t sizes[] = {std::int64_t(shape[0]), std::int64_t(shape[1])};
  file.set_attribute(group, "shape", sizes);
}

}  // namespace espalier
