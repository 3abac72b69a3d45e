#include "embed/reference.h"

#include "base/error.h"
#include "embed/kernel.h"

namespace espalier {

OptimizerOptions reference_schedule(double q, int dims) {
  if (!(q >= 1 && q < 3)) throw UsageError("q is {}: the authors' program takes 1 <= q < 3", q);
  OptimizerOptions options = classic_schedule(q - 1, dims);
  options.iterations = 750;
  options.exaggeration_momentum = 0.5;
  options.exaggeration_rate = options.rate = 200 * 4 / (3 - q);
  options.longest_step = std::numeric_limits<double>::infinity();
  options.repulsion = RepulsionMethod::exact;
  return options;
}

}  // namespace espalier
