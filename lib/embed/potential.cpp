#include "embed/potential.h"

#include <cmath>

#include "base/error.h"

namespace espalier {

void require_bounded(const float* layout, std::size_t n, int dims) {
  for (std::size_t i = 0; i < n * std::size_t(dims); ++i)
    if (!(std::fabs(layout[i]) <= kFarthest))
      throw DataError("", "",
                      "a coordinate of the layout became {}: the optimisation diverged, lower the learning rate",
                      layout[i]);
}

}  // namespace espalier
