#pragma once
/// Penalties of one group of kernels: ten regularizers, their gradients and their proximal operators.
///
/// A group holds kernels W_j of k weights each, with norms n_j = ||W_j||_2 and a_j = ||W_j||_1. R of each kind stands
/// beside its name. From Mitsuno, Miyao, Kurita 2020 (arXiv 2004.04394), and for l1, gl, es, gl12 the papers named
/// there. Square roots are sqrt(x + 1e-8) in value and gradient alike; at a weight of 0 the subgradient is 0.

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace espalier {

enum class Regularizer {
  l1,        ///< sum a
  gl,        ///< sqrt(sum n^2): group lasso
  hsr_gl,    ///< sqrt(sum n)
  hsq_gl,    ///< (sum n)^2
  es,        ///< (sum a)^2: exclusive sparsity
  hsr_es,    ///< sqrt(sum a^2)
  hsq_es,    ///< (sum a^2)^2
  gl12,      ///< sqrt(sum a): group L1/2
  hsr_gl12,  ///< sqrt(sum sqrt a)
  hsq_gl12,  ///< (sum sqrt a)^2
};

/// "hsq-gl12", in the order of the enumeration.
const std::vector<std::string>& regularizer_names();

/// Whether R is convex, so that its proximal operator has one value and shrink() finds it.
bool is_convex(Regularizer);

/// Kernels of `size` weights each, one after another.
struct KernelGroup {
  std::span<float> weights;
  std::size_t size;
  std::size_t kernels() const { return weights.size() / size; }
  std::span<float> kernel(std::size_t j) const { return weights.subspan(j * size, size); }
};

/// R of the group; adds scale * dR/dw to `gradient`, of the size of the weights, unless it is empty.
double penalize(Regularizer, const KernelGroup&, double scale, std::span<float> gradient);

/// Replaces W by a U with a small 1/2 ||U - W||^2 + t R(U), t >= 0: the smallest where R is convex, and otherwise a
/// point reached from W by descent, where no small change helps. Weights that vanish are exactly 0.
void shrink(Regularizer, const KernelGroup&, double t);

/// w -> sign(w) max(0, |w| - threshold).
void soften(std::span<float> weights, double threshold);

}  // namespace espalier
