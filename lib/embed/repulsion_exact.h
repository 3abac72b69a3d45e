#pragma once
/// Repulsion by all pairs, vectorised: best below about 1,000 samples, and the oracle of the grid.

#include <cstddef>
#include <vector>

#include "embed/potential.h"
#include "tensor/buffer.h"

namespace espalier {

class ExactRepulsion : public Repulsion {
 public:
  ExactRepulsion(double a, int dims) : a_(a), dims_(dims) {}
  double evaluate(const float* layout, std::size_t n, float* gradient) override;

 private:
  double a_;
  int dims_;
  std::vector<Buffer<float>> coordinates_;  // one array per dimension, padded to whole blocks of rows
};

/// Z by all pairs, each once, relative error about 1e-6. Cost: n^2 / 2 kernels, about a second at 70,000.
double exact_partition(const float* layout, std::size_t n, int dims, double a);

/// grad phi (n x dims) and Z by plain loops in double precision: the oracle of the others.
double exact_repulsion_plain(const float* layout, std::size_t n, int dims, double a, double* gradient);

}  // namespace espalier
