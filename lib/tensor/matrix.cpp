#include "tensor/matrix.h"

#include <algorithm>
#include <cstring>

#include "base/parallel.h"

namespace espalier {

void dense_rows(const Samples& samples, std::size_t first, std::size_t count, float* out) {
  if (const auto* dense = std::get_if<Matrix>(&samples)) {
    std::memcpy(out, dense->row(first), count * dense->cols() * sizeof(float));
    return;
  }
  const auto& sparse = std::get<SparseMatrix>(samples);
  std::fill(out, out + count * sparse.cols, 0.0f);
  for (std::size_t i = 0; i < count; ++i) {
    float* row = out + i * sparse.cols;
    for (std::int64_t p = sparse.indptr[first + i]; p < sparse.indptr[first + i + 1]; ++p)
      row[sparse.indices[p]] = sparse.values[p];
  }
}

Matrix pick_rows(const Matrix& matrix, std::span<const std::int32_t> picked) {
  Matrix out(picked.size(), matrix.cols());
  parallel_ranges(picked.size(), 4096, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i)
      std::memcpy(out.row(i), matrix.row(std::size_t(picked[i])), matrix.cols() * sizeof(float));
  });
  return out;
}

Samples pick_rows(const Samples& samples, std::span<const std::int32_t> picked) {
  if (const auto* dense = std::get_if<Matrix>(&samples)) return pick_rows(*dense, picked);
  const auto& sparse = std::get<SparseMatrix>(samples);
  SparseMatrix out{picked.size(), sparse.cols, {0}, {}, {}};
  out.indptr.reserve(picked.size() + 1);
  for (std::int32_t i : picked) {
    const auto begin = sparse.indptr[i], end = sparse.indptr[i + 1];
    out.indices.insert(out.indices.end(), sparse.indices.begin() + begin, sparse.indices.begin() + end);
    out.values.insert(out.values.end(), sparse.values.begin() + begin, sparse.values.begin() + end);
    out.indptr.push_back(std::int64_t(out.values.size()));
  }
  return out;
}

}  // namespace espalier
