#include "tensor/blas.h"

#include <cblas.h>

namespace espalier {

namespace {

void keep_single_threaded() {
  static const bool single = (openblas_set_num_threads(1), true);
  (void)single;
}

CBLAS_TRANSPOSE blas_op(Op op) { return op == Op::transpose ? CblasTrans : CblasNoTrans; }

}  // namespace

void gemm(Op op_a, Op op_b, std::size_t m, std::size_t n, std::size_t k, float alpha, const float* a, std::size_t lda,
          const float* b, std::size_t ldb, float beta, float* c, std::size_t ldc) {
  keep_single_threaded();
  cblas_sgemm(CblasRowMajor, blas_op(op_a), blas_op(op_b), blasint(m), blasint(n), blasint(k), alpha, a, blasint(lda),
              b, blasint(ldb), beta, c, blasint(ldc));
}

void gemm(Op op_a, Op op_b, std::size_t m, std::size_t n, std::size_t k, double alpha, const double* a, std::size_t lda,
          const double* b, std::size_t ldb, double beta, double* c, std::size_t ldc) {
  keep_single_threaded();
  cblas_dgemm(CblasRowMajor, blas_op(op_a), blas_op(op_b), blasint(m), blasint(n), blasint(k), alpha, a, blasint(lda),
              b, blasint(ldb), beta, c, blasint(ldc));
}

}  // namespace espalier
