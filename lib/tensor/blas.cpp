#include "tensor/blas.h"

#include <cblas.h>
#include <sys/mman.h>

#include "base/error.h"

namespace espalier {

namespace {

/// OpenBLAS's work buffer of one thread: 128 MiB at most on the processors that it knows, and what surrounds it.
constexpr std::size_t kWorkBuffer = std::size_t(130) << 20;

CBLAS_TRANSPOSE blas_op(Op op) { return op == Op::transpose ? CblasTrans : CblasNoTrans; }

}  // namespace

void prepare_blas() {
  static const bool single = (openblas_set_num_threads(1), true);
  (void)single;
  thread_local bool has_buffer = false;
  if (has_buffer) return;
  void* probe =
      ::mmap(nullptr, kWorkBuffer, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (probe == MAP_FAILED)
    throw SystemError(kNoResource, "out of memory: no room for the work buffers of matrix products");
  ::munmap(probe, kWorkBuffer);
  has_buffer = true;
}

void gemm(Op op_a, Op op_b, std::size_t m, std::size_t n, std::size_t k, float alpha, const float* a, std::size_t lda,
          const float* b, std::size_t ldb, float beta, float* c, std::size_t ldc) {
  prepare_blas();
  cblas_sgemm(CblasRowMajor, blas_op(op_a), blas_op(op_b), blasint(m), blasint(n), blasint(k), alpha, a, blasint(lda),
              b, blasint(ldb), beta, c, blasint(ldc));
}

void gemm(Op op_a, Op op_b, std::size_t m, std::size_t n, std::size_t k, double alpha, const double* a, std::size_t lda,
          const double* b, std::size_t ldb, double beta, double* c, std::size_t ldc) {
  prepare_blas();
  cblas_dgemm(CblasRowMajor, blas_op(op_a), blas_op(op_b), blasint(m), blasint(n), blasint(k), alpha, a, blasint(lda),
              b, blasint(ldb), beta, c, blasint(ldc));
}

}  // namespace espalier
