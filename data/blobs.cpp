// data/blobs.cpp: labelled samples of a known shape, any number in any dimension, for benchmarks and demonstrations.
//
// Balls are Gaussian clusters with normal centres. Loops are closed curves linked like a chain, in three dimensions
// picked at random out of all. Both have normal noise of standard deviation 1 in every dimension. A sample depends on
// the seed and its own number alone, so the first rows of a large set are a small set, and rows are written as they are
// made.
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <optional>
#include <vector>

#include "base/parallel.h"
#include "base/random.h"
#include "cli/tool.h"
#include "h5/output.h"

using namespace espalier;

namespace {

enum class Shape { balls, loops };
enum Stream : std::uint64_t { kClusters, kNoise, kCentres, kPhases, kFrame };

struct Args {
  Shape shape = Shape::balls;
  int samples = 10000;
  int dims = 50;
  int clusters = 10;
  std::optional<double> separation;
  std::uint64_t seed = 0;
};

Args parse(Cli& cli) {
  Args args;
  cli.usage("[options]", "Makes labelled samples of a known shape, as a sample file.", false);
  cli.choice("shape", args.shape, {{"balls", Shape::balls}, {"loops", Shape::loops}},
             "Gaussian clusters, or a chain of closed loops");
  cli.count("samples", args.samples, "number of samples", 1);
  cli.count("dims", args.dims, "of a sample; at least 3 for loops", 1, 1 << 20);
  cli.count("clusters", args.clusters, "number of balls or loops", 1, 100000);
  cli.real("separation", args.separation,
           "standard deviation of the centres [1] or radius of the loops [20], where that of the noise is 1", 0, 1e6);
  cli.seed("s,seed", args.seed, "seed of the random numbers");
  cli.output();
  cli.parse(true);
  if (!cli.operands().empty()) throw UsageError("no operand expected, got '{}'", cli.operands()[0]);
  if (args.shape == Shape::loops && args.dims < 3) throw UsageError("--dims is {}, loops need 3", args.dims);
  return args;
}

/// The noiseless points: what the samples are scattered around.
class Skeleton {
 public:
  explicit Skeleton(const Args& args) : args_(args), phases_(args.seed, kPhases) {
    const Eigen::Index d = args.dims;
    if (args.shape == Shape::balls) {
      axes_ = args.separation.value_or(1) * normals(d, args.clusters, Random(args.seed, kCentres));
    } else {
      axes_ = normals(d, 3, Random(args.seed, kFrame));
      for (int k = 0; k < 3; ++k) {  // Gram and Schmidt
        for (int earlier = 0; earlier < k; ++earlier)
          axes_.col(k) -= axes_.col(earlier).dot(axes_.col(k)) * axes_.col(earlier);
        axes_.col(k).normalize();
      }
      axes_ *= args.separation.value_or(20);
    }
  }

  /// The point under sample `i` of cluster `c`: a cluster's centre, or a point of a loop. Neighbouring links of the
  /// chain stand at right angles, 1.2 radii apart, so each passes through the next and meets no other.
  Eigen::VectorXd point(std::uint64_t i, int c) const {
    if (args_.shape == Shape::balls) return axes_.col(c);
    const double angle = 2 * std::numbers::pi * phases_.uniform(i);
    Eigen::Vector3d p(1.2 * c + std::cos(angle), 0, 0);
    p[1 + c % 2] = std::sin(angle);
    return axes_ * p;
  }

 private:
  static Eigen::MatrixXd normals(Eigen::Index rows, Eigen::Index cols, const Random& random) {
    Eigen::MatrixXd m(rows, cols);
    for (Eigen::Index i = 0; i < m.size(); ++i) m(i % rows, i / rows) = random.normal(std::uint64_t(i));
    return m;
  }

  const Args& args_;
  Random phases_;
  Eigen::MatrixXd axes_;  ///< d x clusters: the centres; d x 3: the space that holds the loops, in radii
};

int run(Cli& cli) {
  const Args args = parse(cli);
  const Control control = cli.control();
  const Skeleton skeleton(args);
  const Random cluster(args.seed, kClusters), noise(args.seed, kNoise);
  const std::size_t n = std::size_t(args.samples), d = std::size_t(args.dims);
  const std::size_t batch = std::clamp<std::size_t>((1 << 22) / d, 1, n);

  Output output(cli.output_path());
  output.file().begin_rows("/data", Type::f32, {d});
  std::vector<float> rows(batch * d);
  std::vector<std::int32_t> labels(n);
  for (std::size_t first = 0; first < n; first += batch) {
    const std::size_t count = std::min(batch, n - first);
    parallel_ranges(count, 256, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t r = begin; r < end; ++r) {
        const std::size_t i = first + r;
        labels[i] = std::int32_t(cluster.below(i, std::uint64_t(args.clusters)));
        const Eigen::VectorXd heart = skeleton.point(i, labels[i]);
        for (std::size_t j = 0; j < d; ++j) rows[r * d + j] = float(heart[Eigen::Index(j)] + noise.normal(i * d + j));
      }
    });
    output.file().append_rows("/data", Type::f32, count, rows.data());
    control.report("samples", double(first + count), double(n));
  }
  output.file().write("/labels", {n}, labels);
  output.add_history(cli.history());
  output.commit();
  return kDone;
}

}  // namespace

int main(int argc, char** argv) { return tool_main("blobs", argc, argv, run); }
