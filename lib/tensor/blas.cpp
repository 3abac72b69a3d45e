#include "tensor/blas.h"

#include <cblas.h>
#include <sys/mman.h>

#include <vector>

#include "base/error.h"
#include "base/parallel.h"

// OpenBLAS's own, without a header.
extern "C" void* blas_memory_alloc(int);
extern "C" void blas_memory_free(void*);

namespace espalier {

namespace {

/// OpenBLAS's work buffer of one thread: 128 MiB at most on the processors that it knows, and what surrounds it.
constexpr std::size_t kWorkBuffer = std::size_t(130) << 20;

CBLAS_TRANSPOSE blas_op(Op op) { return op == Op::transpose ? CblasTrans : CblasNoTrans; }

}  // namespace

void prepare_blas() {
  static const bool prepared = [] {
    openblas_set_num_threads(1);
    const std::size_t buffers = std::size_t(threads()), bytes = buffers * kWorkBuffer;
    void* probe = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (probe == MAP_FAILED)
      throw SystemError(kNoResource, "out of memory: no room for the work buffers of matrix products (fewer threads?)");
    ::munmap(probe, bytes);
    // All are taken now: a call that finds none free would ask for memory forever where there is none.
    std::vector<void*> taken;
    for (std::size_t b = 0; b < buffers; ++b) taken.push_back(blas_memory_alloc(0));
    for (void* buffer : taken) blas_memory_free(buffer);
    return true;
  }();
  (void)prepared;
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
