#include <doctest/doctest.h>

#include <string>

#include "base/error.h"
#include "base/parallel.h"
#include "embed/initialization.h"
#include "embed/kernel.h"
#include "embed/reference.h"
#include "embed_samples.h"

using namespace espalier;
using namespace espalier::test;

namespace {

/// KL(P||R) by plain loops over all pairs.
double plain_kl(const Affinities& p, const std::vector<double>& u, std::size_t m, double a) {
  const auto d2 = [&](std::size_t i, std::size_t j) {
    double sum = 0;
    for (std::size_t c = 0; c < m; ++c) sum += std::pow(u[i * m + c] - u[j * m + c], 2);
    return sum;
  };
  double partition = 0, cross = 0;
  for (std::size_t i = 0; i < p.rows; ++i) {
    for (std::size_t j = 0; j < p.rows; ++j) partition += i == j ? 0 : kernel_value(d2(i, j), a);
    for (std::int64_t e = p.indptr[i]; e < p.indptr[i + 1]; ++e)
      cross += p.values[e] * (std::log(p.values[e]) + kernel_cost(d2(i, std::size_t(p.indices[e])), a));
  }
  return cross + std::log(partition);
}

Affinities small_affinities(std::size_t n, std::size_t k = 15) {
  return compute_affinities(nearest(blobs(n, 5, 3, 12), k), {{5}});
}

OptimizerOptions short_schedule(double a, int dims) {
  OptimizerOptions options = classic_schedule(a, dims);
  options.exaggeration_iterations = 60;
  options.iterations = 90;
  return options;
}

/// Smallest distance between samples of different blobs over the largest within a blob.
double separation(const Buffer<float>& u, std::size_t n, std::size_t m, std::size_t blobs) {
  double between = 1e30, within = 0;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < i; ++j) {
      double d2 = 0;
      for (std::size_t c = 0; c < m; ++c) d2 += std::pow(double(u[i * m + c]) - u[j * m + c], 2);
      if (i % blobs == j % blobs)
        within = std::max(within, std::sqrt(d2));
      else
        between = std::min(between, std::sqrt(d2));
    }
  return between / within;
}

}  // namespace

TEST_CASE("the gradient is that of KL by finite differences, for every q and in 1, 2 and 3 dimensions") {
  const std::size_t n = 60;
  const Affinities p = small_affinities(n);
  for (int dims : {1, 2, 3})
    for (double q : {1.0, 1.1, 1.5, 2.0, 2.5, 2.9, 4.0}) {
      const double a = q - 1;
      Optimizer optimizer(p, random_start(n, dims, 3, 1.5), classic_schedule(a, dims));
      const Buffer<float>& u = optimizer.state().layout;
      std::vector<double> moved(u.begin(), u.end());
      CHECK_EQ(optimizer.kl(), doctest::Approx(plain_kl(p, moved, std::size_t(dims), a)).epsilon(1e-4));
      Buffer<float> g(u.size());
      optimizer.gradient(1, g.data());
      double error = 0, size = 0;
      for (std::size_t t = 0; t < u.size(); ++t) {
        constexpr double kStep = 1e-4;
        moved[t] = u[t] + kStep;
        const double above = plain_kl(p, moved, std::size_t(dims), a);
        moved[t] = u[t] - kStep;
        const double difference = (above - plain_kl(p, moved, std::size_t(dims), a)) / (2 * kStep);
        moved[t] = u[t];
        error += std::pow(4 * g[t] - difference, 2);
        size += difference * difference;
      }
      CHECK_LT(std::sqrt(error / size), 5e-4);
    }
}

TEST_CASE("optimisation lowers KL and separates blobs, for every q and in 1, 2 and 3 dimensions") {
  const std::size_t n = 240;
  const Affinities p = small_affinities(n);
  for (int dims : {1, 2, 3})
    for (double q : {1.0, 1.1, 1.5, 2.0, 2.5, 2.9, 4.0}) {
      Optimizer optimizer(p, random_start(n, dims, 1), classic_schedule(q - 1, dims));
      const double before = optimizer.kl();
      CHECK(optimizer.run({}));
      CHECK_LT(optimizer.kl(), 0.6 * before);
      if (dims > 1 && q < 3) CHECK_GT(separation(optimizer.state().layout, n, std::size_t(dims), 3), 0.25);
    }
}

TEST_CASE("a run is the same bytes with 1, 2 and 4 threads") {
  const Affinities p = small_affinities(1300);
  for (RepulsionMethod method : {RepulsionMethod::exact, RepulsionMethod::grid}) {
    OptimizerOptions options = scale_search_schedule(1, 2, 1000);
    options.exaggeration_iterations = options.iterations = 20;
    options.repulsion = method;
    Buffer<float> first;
    for (int count : {1, 2, 4}) {
      set_threads(count);
      Optimizer optimizer(p, random_start(1300, 2, 1), options);
      optimizer.run({});
      if (count == 1) first = optimizer.state().layout;
      CHECK(same_bytes(first, optimizer.state().layout));
    }
    set_threads(1);
  }
}

TEST_CASE("a run saved and restored anywhere ends with the bytes of one never interrupted") {
  const std::size_t n = 400;
  const Affinities p = small_affinities(n);
  for (RepulsionMethod method : {RepulsionMethod::exact, RepulsionMethod::grid})
    for (bool fast : {false, true}) {
      OptimizerOptions options = fast ? scale_search_schedule(1, 2, 1000) : short_schedule(1, 2);
      options.repulsion = method;
      options.stop_at_rest = fast;
      Optimizer whole(p, random_start(n, 2, 1), options);
      whole.run({});
      for (std::int64_t at : {7, 61, 128}) {
        Optimizer part(p, random_start(n, 2, 1), options);
        part.run({}, at);
        CHECK_EQ(part.state().iteration, at);
        const OptimizerState saved = part.state();
        Optimizer resumed(p, random_start(n, 2, 2), options);
        resumed.restore(saved);
        CHECK(resumed.run({}));
        CHECK_EQ(resumed.state().iteration, whole.state().iteration);
        CHECK(same_bytes(resumed.state().layout, whole.state().layout));
      }
    }
}

TEST_CASE("a stop is noticed between iterations and leaves a state to go on from") {
  const Affinities p = small_affinities(100);
  std::atomic<bool> stop{false};
  Control control;
  control.stop = &stop;
  control.progress = [&](std::string_view, double done, double, std::string_view) { stop = done >= 50; };
  Optimizer optimizer(p, random_start(100, 2, 1), short_schedule(1, 2));
  CHECK_FALSE(optimizer.run(control));
  CHECK_EQ(optimizer.state().iteration, 51);
  CHECK(optimizer.run({}));
}

TEST_CASE("progress reports the KL") {
  std::string last;
  Control control;
  control.progress = [&](std::string_view stage, double, double total, std::string_view detail) {
    CHECK_EQ(stage, "optimise");
    CHECK_EQ(total, 150);
    if (!detail.empty()) last = detail;
  };
  const Affinities p = small_affinities(100);
  Optimizer(p, random_start(100, 2, 1), short_schedule(1, 2)).run(control);
  CHECK_EQ(last.substr(0, 3), "KL ");
}

TEST_CASE("the scale search finds a lower KL than the same iterations without it") {
  const Affinities p = small_affinities(600);
  OptimizerOptions with = scale_search_schedule(1, 2, 1000);
  with.most_iterations = 0;
  OptimizerOptions without = with;
  without.scale_every = 0;
  Optimizer searched(p, random_start(600, 2, 1), with), plain(p, random_start(600, 2, 1), without);
  searched.run({});
  plain.run({});
  CHECK_LT(searched.kl(), plain.kl());
}

TEST_CASE("a run told to stop at rest ends before its limit, at a KL close to that of the whole run") {
  const Affinities p = small_affinities(600);
  OptimizerOptions options = classic_schedule(1, 2);
  options.iterations = 1000;
  Optimizer whole(p, random_start(600, 2, 1), options);
  whole.run({});
  options.stop_at_rest = true;
  Optimizer resting(p, random_start(600, 2, 1), options);
  resting.run({});
  CHECK_LT(resting.state().exaggeration_end, 250);
  CHECK_LT(resting.state().iteration, 1000);
  CHECK_LT(resting.kl(), 1.15 * whole.kl());
}

TEST_CASE("tiny sets and sets with duplicates come out finite") {
  for (std::size_t n : {2, 3, 10, 40}) {
    Matrix x = blobs(n, 3, 2, 5);
    for (std::size_t t = 0; t < 3; ++t) x(n - 1, t) = x(0, t);
    const Affinities p = compute_affinities(nearest(x, n - 1), {{30}});
    for (double q : {1.0, 2.0, 2.9}) {
      Optimizer optimizer(p, pca_start(x, 2, 0), classic_schedule(q - 1, 2));
      optimizer.run({});
      CHECK(std::isfinite(optimizer.kl()));
      for (float u : optimizer.state().layout) CHECK_LT(std::fabs(u), 1e3);
    }
  }
}

TEST_CASE("a rate far too high is an error that says so") {
  OptimizerOptions options = short_schedule(0, 2);
  options.rate = options.exaggeration_rate = 1e9;
  options.longest_step = std::numeric_limits<double>::infinity();
  const Affinities p = small_affinities(100);
  Optimizer optimizer(p, random_start(100, 2, 1), options);
  CHECK_THROWS_AS(optimizer.run({}), DataError);
}

TEST_CASE("the authors' schedule runs in the paper's scale") {
  const OptimizerOptions options = reference_schedule(1.5, 2);
  CHECK_EQ(options.rate, doctest::Approx(800 / 1.5));
  CHECK_EQ(options.exaggeration_iterations + options.iterations, 1000);
  CHECK_THROWS_AS(reference_schedule(3, 2), UsageError);
}
