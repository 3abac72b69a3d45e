#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "base/random.h"
#include "nn/stock.h"
#include "shape/regularization.h"
#include "shape/sparsity.h"

using namespace espalier;

namespace {

constexpr double kSmoothing = 1e-8;

const std::vector<Regularizer> kAll = {
    Regularizer::l1,     Regularizer::gl,     Regularizer::hsr_gl, Regularizer::hsq_gl,   Regularizer::es,
    Regularizer::hsr_es, Regularizer::hsq_es, Regularizer::gl12,   Regularizer::hsr_gl12, Regularizer::hsq_gl12};

std::vector<float> draw(std::size_t n, std::uint64_t stream, double scale = 1) {
  const Random random(3, stream);
  std::vector<float> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = float(scale * random.normal(i));
  return values;
}

/// R by its definition, written out kind by kind, in double.
double plain_penalty(Regularizer kind, const std::vector<double>& w, std::size_t size) {
  double sum = 0;
  const auto r = [](double x) { return std::sqrt(x + kSmoothing); };
  for (std::size_t j = 0; j < w.size(); j += size) {
    double a = 0, squares = 0;
    for (std::size_t i = j; i < j + size; ++i) {
      a += std::fabs(w[i]);
      squares += w[i] * w[i];
    }
    const double n = std::sqrt(squares);
    switch (kind) {
      case Regularizer::l1:
      case Regularizer::es:
      case Regularizer::gl12:
        sum += a;
        break;
      case Regularizer::gl:
        sum += squares;
        break;
      case Regularizer::hsr_gl:
      case Regularizer::hsq_gl:
        sum += n;
        break;
      case Regularizer::hsr_es:
      case Regularizer::hsq_es:
        sum += a * a;
        break;
      case Regularizer::hsr_gl12:
      case Regularizer::hsq_gl12:
        sum += r(a);
        break;
    }
  }
  switch (kind) {
    case Regularizer::l1:
      return sum;
    case Regularizer::gl:
    case Regularizer::hsr_es:
      return std::sqrt(sum);
    case Regularizer::hsr_gl:
    case Regularizer::gl12:
    case Regularizer::hsr_gl12:
      return r(sum);
    default:
      return sum * sum;
  }
}

std::vector<double> widen(std::span<const float> w) { return {w.begin(), w.end()}; }

/// 1/2 ||U - W||^2 + t R(U).
double objective(Regularizer kind, std::span<const float> u, const std::vector<float>& w, std::size_t size, double t) {
  double sum = 0;
  for (std::size_t i = 0; i < w.size(); ++i) sum += 0.5 * (double(u[i]) - w[i]) * (double(u[i]) - w[i]);
  return sum + t * plain_penalty(kind, widen(u), size);
}

std::vector<float> shrunk(Regularizer kind, std::vector<float> w, std::size_t size, double t) {
  shrink(kind, {w, size}, t);
  return w;
}

const std::vector<double> kSteps = {1e-4, 1e-2, 0.1, 0.5, 2, 50};

struct GroupShape {
  std::size_t kernels, size;
};
const std::vector<GroupShape> kShapes = {{1, 1}, {1, 9}, {5, 1}, {4, 9}, {13, 25}};

Architecture small_net() { return stock_architecture("resnet20-b", {3, 16, 16}, 10, 0.25); }

}  // namespace

TEST_CASE("each regularizer is what its formula says") {
  for (const Regularizer kind : kAll)
    for (const auto [kernels, size] : kShapes) {
      CAPTURE(regularizer_names()[std::size_t(kind)]);
      std::vector<float> w = draw(kernels * size, kernels + size);
      const double expected = plain_penalty(kind, widen(w), size);
      CHECK(penalize(kind, {w, size}, 1, {}) == doctest::Approx(expected).epsilon(1e-6));
    }
}

TEST_CASE("gradients of the regularizers are finite differences of their values") {
  for (const Regularizer kind : kAll)
    for (const auto [kernels, size] : kShapes) {
      CAPTURE(regularizer_names()[std::size_t(kind)]);
      std::vector<float> w = draw(kernels * size, 7 * kernels + size);
      for (float& x : w) x += x > 0 ? 0.05f : -0.05f;  // away from 0, where there is a corner
      std::vector<float> gradient(w.size(), 0.25f);    // which is added to
      penalize(kind, {w, size}, 0.5, gradient);
      for (std::size_t i = 0; i < w.size(); ++i) {
        constexpr double kStep = 1e-5;
        std::vector<double> up = widen(w), down = up;
        up[i] += kStep;
        down[i] -= kStep;
        const double slope = (plain_penalty(kind, up, size) - plain_penalty(kind, down, size)) / (2 * kStep);
        CHECK(gradient[i] == doctest::Approx(0.25 + 0.5 * slope).epsilon(1e-4));
      }
    }
}

TEST_CASE("zero kernels and zero groups have gradients of zero, and nothing is NaN") {
  for (const Regularizer kind : kAll) {
    CAPTURE(regularizer_names()[std::size_t(kind)]);
    for (const bool all : {false, true}) {
      std::vector<float> w = draw(36, 5);
      std::fill(w.begin(), w.begin() + (all ? 36 : 9), 0.0f);
      std::vector<float> gradient(36, 0.0f);
      CHECK(std::isfinite(penalize(kind, {w, 9}, 1, gradient)));
      for (std::size_t i = 0; i < 36; ++i) {
        CHECK(std::isfinite(gradient[i]));
        if (w[i] == 0) CHECK(gradient[i] == 0);
      }
      for (const double t : kSteps)
        for (const float u : shrunk(kind, w, 9, t)) CHECK(std::isfinite(u));
    }
  }
}

TEST_CASE("a convex proximal operator is a global minimiser") {
  const Random random(9, 9);
  std::uint64_t drawn = 0;
  for (const Regularizer kind : kAll) {
    if (!is_convex(kind)) continue;
    for (const auto [kernels, size] : kShapes)
      for (const double t : kSteps) {
        CAPTURE(regularizer_names()[std::size_t(kind)]);
        CAPTURE(t);
        const std::vector<float> w = draw(kernels * size, 11 * kernels + size), u = shrunk(kind, w, size, t);
        const double reached = objective(kind, u, w, size, t);
        const double tolerance = 2e-6 * (1 + reached);
        for (const double length : {1e-3, 1e-2, 0.1, 1.0})
          for (int trial = 0; trial < 20; ++trial) {
            std::vector<float> other = u;
            for (float& x : other) x += float(length * random.normal(drawn++));
            CHECK(objective(kind, other, w, size, t) >= reached - tolerance);
          }
        // A convex function's minimiser cannot be bettered towards any point either: towards W, 0 and one kernel's 0.
        for (std::size_t j = 0; j <= kernels + 1; ++j) {
          std::vector<float> other = u;
          for (std::size_t i = 0; i < w.size(); ++i) {
            const float goal = j == kernels ? w[i] : j > kernels || i / size == j ? 0.0f : u[i];
            other[i] += 0.02f * (goal - u[i]);
          }
          CHECK(objective(kind, other, w, size, t) >= reached - tolerance);
        }
      }
  }
}

TEST_CASE("a concave proximal step never raises the objective, and no small change betters it") {
  const Random random(10, 9);
  std::uint64_t drawn = 0;
  for (const Regularizer kind : kAll) {
    if (is_convex(kind)) continue;
    for (const auto [kernels, size] : kShapes)
      for (const double t : kSteps) {
        CAPTURE(regularizer_names()[std::size_t(kind)]);
        CAPTURE(t);
        const std::vector<float> w = draw(kernels * size, 13 * kernels + size), u = shrunk(kind, w, size, t);
        const double reached = objective(kind, u, w, size, t);
        CHECK(reached <= objective(kind, w, w, size, t) * (1 + 1e-6));
        for (const double length : {1e-6, 1e-5, 1e-4})
          for (int trial = 0; trial < 20; ++trial) {
            std::vector<float> other = u;
            for (float& x : other) x += float(length * random.normal(drawn++));
            CHECK(objective(kind, other, w, size, t) >= reached - 1e-6 * (1 + reached));
          }
      }
  }
}

TEST_CASE("proximal steps reach exact zeros, and a large one everything") {
  for (const Regularizer kind : kAll) {
    CAPTURE(regularizer_names()[std::size_t(kind)]);
    const std::vector<float> w = draw(36, 21);
    const std::vector<float> none = shrunk(kind, w, 9, 0);
    CHECK(std::equal(none.begin(), none.end(), w.begin()));
    const bool squared = kind == Regularizer::es || kind == Regularizer::hsq_gl || kind == Regularizer::hsq_es;
    const std::vector<float> u = shrunk(kind, w, 9, 1e4);
    if (!squared)  // a square is flat at 0: it leaves something of the largest
      for (const float x : u) CHECK(x == 0);
    CHECK(std::count(u.begin(), u.end(), 0.0f) > 0);
  }
}

TEST_CASE("exclusive sparsity lets the weights of a group compete") {
  // By hand: W = (3, 1), t = 1. Both: theta = 2/5 * 4 = 1.6 > 1. One: theta = 2/3 * 3 = 2, so U = (1, 0).
  std::vector<float> w = {3, -1};
  shrink(Regularizer::es, {w, 1}, 1);
  CHECK(w[0] == doctest::Approx(1));
  CHECK(w[1] == 0);
}

TEST_CASE("groupings gather what reads a channel, or what makes one") {
  const Architecture net = small_net();
  Parameters parameters = initial_parameters(net, 1), gradients(net);
  const auto places = find_regularized(net, parameters, false, {});
  for (const Grouping grouping : {Grouping::feature, Grouping::neuron})
    for (const bool normalize : {false, true}) {
      RegularizationOptions options;
      options.grouping = grouping;
      options.normalize_groups = normalize;
      options.mix = 0.75;
      double expected = 0;
      for (const std::size_t p : places) {
        const auto& shape = parameters[p].info.shape;
        const std::size_t size = shape[2] * shape[3];
        const std::size_t groups = grouping == Grouping::feature ? shape[1] : shape[0];
        for (std::size_t g = 0; g < groups; ++g) {
          std::vector<double> group;
          for (std::size_t o = 0; o < shape[0]; ++o)
            for (std::size_t i = 0; i < shape[1]; ++i)
              if ((grouping == Grouping::feature ? i : o) == g)
                for (std::size_t k = 0; k < size; ++k)
                  group.push_back(parameters[p].values[(o * shape[1] + i) * size + k]);
          const double r = plain_penalty(options.kind, group, size);
          expected += 0.75 * (normalize ? r / (double(group.size()) / double(size)) : r);
          for (const double w : group) expected += 0.25 * std::fabs(w);
        }
      }
      CHECK(penalty(options, 0.125, places, parameters) == doctest::Approx(0.125 * expected).epsilon(1e-6));
    }
}

TEST_CASE("the penalty's gradient is its slope in any direction") {
  const Architecture net = small_net();
  for (const Grouping grouping : {Grouping::feature, Grouping::neuron}) {
    Parameters parameters = initial_parameters(net, 1), gradients(net);
    for (Parameter& g : gradients) std::fill(g.values.begin(), g.values.end(), 0.0f);
    const auto places = find_regularized(net, parameters, true, {});
    RegularizationOptions options;
    options.grouping = grouping;
    const double value = add_penalty(options, 0.5, places, parameters, gradients);
    CHECK(value == penalty(options, 0.5, places, parameters));
    double expected = 0, squares = 0;
    Parameters up = parameters, down = parameters;
    constexpr double kStep = 1e-5;
    for (const std::size_t p : places) {
      for (const float g : gradients[p].values) squares += double(g) * g;
    }
    const double length = std::sqrt(squares);
    for (const std::size_t p : places)
      for (std::size_t i = 0; i < parameters[p].values.size(); ++i) {
        const double g = gradients[p].values[i];
        expected += g * g / length;
        up[p].values[i] += float(kStep * g / length);
        down[p].values[i] -= float(kStep * g / length);
      }
    const double slope = (penalty(options, 0.5, places, up) - penalty(options, 0.5, places, down)) / (2 * kStep);
    CHECK(slope == doctest::Approx(expected).epsilon(0.02));
  }
}

TEST_CASE("penalties and proximal steps are the same bytes for 1, 2 and 4 threads") {
  const Architecture net = small_net();
  const int before = threads();
  std::vector<double> values;
  std::vector<std::vector<float>> weights;
  for (const int count : {1, 2, 4}) {
    set_threads(count);
    Parameters parameters = initial_parameters(net, 1), gradients(net);
    const auto places = find_regularized(net, parameters, false, {});
    RegularizationOptions options;
    values.push_back(add_penalty(options, 1, places, parameters, gradients));
    shrink_weights(options, 0.01, 0.1, places, parameters);
    weights.emplace_back();
    for (const std::size_t p : places)
      weights.back().insert(weights.back().end(), parameters[p].values.begin(), parameters[p].values.end());
  }
  set_threads(before);
  CHECK(values[0] == values[1]);
  CHECK(values[0] == values[2]);
  CHECK(weights[0] == weights[1]);
  CHECK(weights[0] == weights[2]);
}

TEST_CASE("shortcut projections are known by their place, and layers are excluded by name") {
  const Architecture net = small_net();
  const Parameters parameters(net);
  const std::vector<bool> projections = find_projections(net);
  std::vector<std::string> found;
  for (std::size_t l = 0; l < net.layers.size(); ++l)
    if (projections[l]) found.push_back(net.layers[l].name);
  CHECK(found == std::vector<std::string>{"layer2.0.shortcut.0", "layer3.0.shortcut.0"});
  CHECK(find_regularized(net, parameters, true, {}).size() == 21);
  CHECK(find_regularized(net, parameters, false, {}).size() == 19);
  CHECK(find_regularized(net, parameters, false, {"conv1"}).size() == 18);
  CHECK_THROWS_AS(find_regularized(net, parameters, false, {"conv9"}), UsageError);
  CHECK_THROWS_AS(find_regularized(net, parameters, false, {"bn1"}), UsageError);
}

TEST_CASE("lambda follows its course") {
  RegularizationOptions options;
  options.lambda = 2;
  CHECK(lambda_at(options, 0, 30) == 2);
  options.course = LambdaCourse::warm_up;
  options.warmup = 4;
  CHECK(lambda_at(options, 0, 30) == 0);
  CHECK(lambda_at(options, 1, 30) == 0.5);
  CHECK(lambda_at(options, 9, 30) == 2);
  options.course = LambdaCourse::ramp;
  CHECK(lambda_at(options, 15, 30) == 1);
  CHECK(lambda_at(options, 30, 30) == 2);
}
