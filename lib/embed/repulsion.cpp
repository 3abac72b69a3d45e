#include "embed/repulsion.h"

#include "base/error.h"
#include "embed/repulsion_exact.h"

namespace espalier {

std::unique_ptr<Repulsion> make_repulsion(std::size_t, const RepulsionOptions& options) {
  if (options.dims < 1 || options.dims > 3) throw BugError("repulsion in {} dimensions", options.dims);
  return std::make_unique<ExactRepulsion>(options.a, options.dims);
}

double fine_partition(const float* layout, std::size_t n, int dims, double a) {
  return exact_partition(layout, n, dims, a);
}

}  // namespace espalier
