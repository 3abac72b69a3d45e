#include "embed/repulsion.h"

#include <cmath>
#include <vector>

#include "base/error.h"
#include "embed/repulsion_grid.h"

namespace espalier {

namespace {

GridOptions grid_options(std::size_t n, const RepulsionOptions& options) {
  const int most_nodes[3] = {16384, 700, 208};
  const bool quintic = options.spline == Spline::automatic ? n < kQuinticSamples : options.spline == Spline::quintic;
  return {.a = options.a,
          .dims = options.dims,
          .points = quintic ? 6 : 4,
          .step = options.step,
          .min_nodes = options.min_nodes,
          .max_nodes = options.max_nodes ? options.max_nodes : most_nodes[options.dims - 1]};
}

/// Nanoseconds of one thread, measured with 16 floats in a vector; only their ratios matter.
constexpr double kNode = 7, kSite = 60;
double pair_cost(double a) { return a == 1 ? 0.25 : a == 0 ? 0.5 : 1.2; }

/// All pairs or the grid, for each layout anew.
class AdaptiveRepulsion : public Repulsion {
 public:
  AdaptiveRepulsion(std::size_t n, const RepulsionOptions& options)
      : exact_(options.a, options.dims),
        grid_(grid_options(n, options)),
        largest_grid_(kNode * std::pow(grid_options(n, options).max_nodes, options.dims)),
        pair_(pair_cost(options.a)),
        patience_(options.dims == 2 ? 3 : 1) {}

  double evaluate(const float* layout, std::size_t n, float* gradient) override {
    const double all_pairs = pair_ * double(n) * double(n) / patience_, sites = kSite * double(n);
    // Most often the number of samples alone decides.
    const bool exact = all_pairs < sites || (all_pairs < sites + largest_grid_ &&
                                             all_pairs < sites + kNode * double(grid_.nodes(layout, n)));
    return exact ? exact_.evaluate(layout, n, gradient) : grid_.evaluate(layout, n, gradient);
  }

 private:
  ExactRepulsion exact_;
  GridRepulsion grid_;
  double largest_grid_, pair_, patience_;
};

}  // namespace

std::unique_ptr<Repulsion> make_repulsion(std::size_t n, const RepulsionOptions& options) {
  if (options.dims < 1 || options.dims > 3) throw BugError("repulsion in {} dimensions", options.dims);
  if (!(options.a >= 0)) throw BugError("a kernel with a = {}", options.a);
  if (!(options.step > 0)) throw BugError("a grid step of {}", options.step);
  switch (options.method) {
    case RepulsionMethod::exact:
      return std::make_unique<ExactRepulsion>(options.a, options.dims);
    case RepulsionMethod::grid:
      return std::make_unique<GridRepulsion>(grid_options(n, options));
    default:
      return std::make_unique<AdaptiveRepulsion>(n, options);
  }
}

double fine_partition(const float* layout, std::size_t n, int dims, double a) {
  if (dims < 1 || dims > 3) throw BugError("a partition in {} dimensions", dims);
  const int most_nodes[3] = {1 << 18, 4096, 192};
  GridRepulsion grid(
      {.a = a, .dims = dims, .points = 6, .step = 0.125, .min_nodes = 64, .max_nodes = most_nodes[dims - 1]});
  std::vector<float> gradient(n * std::size_t(dims));
  return grid.evaluate(layout, n, gradient.data());
}

}  // namespace espalier
