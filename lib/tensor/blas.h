#pragma once
/// The one matrix product of the suite, over OpenBLAS kept to one thread: parallelism is ours, around it.

#include <cstddef>

namespace espalier {

enum class Op { none, transpose };

/// Before OpenBLAS is called in any other way: keeps it to one thread, and takes a work buffer for each of ours. Throws
/// SystemError (71) where there is no room for them.
void prepare_blas();

/// C = alpha * op(A) op(B) + beta * C, row-major; op(A) is m x k, op(B) k x n, C m x n; ld* are row strides in floats.
/// May be called from inside a parallel loop.
void gemm(Op op_a, Op op_b, std::size_t m, std::size_t n, std::size_t k, float alpha, const float* a, std::size_t lda,
          const float* b, std::size_t ldb, float beta, float* c, std::size_t ldc);
void gemm(Op op_a, Op op_b, std::size_t m, std::size_t n, std::size_t k, double alpha, const double* a, std::size_t lda,
          const double* b, std::size_t ldb, double beta, double* c, std::size_t ldc);

}  // namespace espalier
