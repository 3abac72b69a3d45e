#include "tensor/blas.h"

#include <cblas.h>

namespace espalier {

void gemm(Op op_a, Op op_b, std::size_t m, std::size_t n, std::size_t k, float alpha, const float* a, std::size_t lda,
          const float* b, std::size_t ldb, float beta, float* c, std::size_t ldc) {
  static const bool single = (openblas_set_num_threads(1), true);
  (void)single;
  const auto op = [](Op o) { return o == Op::transpose ? CblasTrans : CblasNoTrans; };
  cblas_sgemm(CblasRowMajor, op(op_a), op(op_b), blasint(m), blasint(n), blasint(k), alpha, a, blasint(lda), b,
              blasint(ldb), beta, c, blasint(ldc));
}

}  // namespace espalier
