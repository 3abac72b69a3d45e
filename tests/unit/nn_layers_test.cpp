#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "nn/executor.h"
#include "nn/loss.h"
#include "nn/stock.h"
#include "nn_plain.h"

using namespace espalier;

namespace {

constexpr double kSmoothing = 0.1;

/// Every kind of layer beside every other that may fuse with it: norms of convolutions, sums, pools and rectified
/// values, rectifiers with one reader and with several, values read by layers far behind.
constexpr const char* kMesh = R"({"input": [3, 11, 9], "classes": 5, "layers": [
  {"name": "stem", "kind": "convolution", "channels": 8, "kernel": 3, "padding": 1},
  {"name": "stem.norm", "kind": "batch-norm"},
  {"name": "stem.relu", "kind": "relu"},
  {"name": "a", "kind": "convolution", "channels": 8, "kernel": 3, "padding": 1},
  {"name": "a.norm", "kind": "batch-norm"},
  {"name": "a.relu", "kind": "relu"},
  {"name": "b", "kind": "convolution", "channels": 8, "kernel": 3, "padding": 1, "bias": true},
  {"name": "b.norm", "kind": "batch-norm"},
  {"name": "sum", "kind": "add", "inputs": ["b.norm", "stem.relu"]},
  {"name": "sum.relu", "kind": "relu"},
  {"name": "before", "kind": "batch-norm"},
  {"name": "before.relu", "kind": "relu"},
  {"name": "narrow", "kind": "convolution", "channels": 13, "kernel": 1, "stride": 2},
  {"name": "narrow.norm", "kind": "batch-norm"},
  {"name": "skip", "kind": "shortcut", "stride": 2, "map": [-1, 3, 0, 1, 2, -1, 7, 7, 5, -1, 4, 6, -1], "inputs": ["sum.relu"]},
  {"name": "join", "kind": "add", "inputs": ["narrow.norm", "skip"]},
  {"name": "join.relu", "kind": "relu"},
  {"name": "twice", "kind": "add", "inputs": ["join.relu", "join.relu"]},
  {"name": "largest", "kind": "max-pool", "kernel": 3, "stride": 2, "padding": 1, "inputs": ["twice"]},
  {"name": "largest.norm", "kind": "batch-norm"},
  {"name": "mean", "kind": "average-pool", "kernel": 3, "stride": 2, "padding": 1, "inputs": ["join"]},
  {"name": "pools", "kind": "add", "inputs": ["largest.norm", "mean"]},
  {"name": "flat", "kind": "flatten"},
  {"name": "hidden", "kind": "linear", "channels": 27, "bias": true},
  {"name": "hidden.norm", "kind": "batch-norm"},
  {"name": "hidden.relu", "kind": "relu"},
  {"name": "drop", "kind": "dropout", "rate": 0.4},
  {"name": "logits", "kind": "linear", "channels": 5, "bias": true}]})";

/// A network with parameters and a batch.
struct Sample {
  Architecture architecture;
  Parameters parameters;
  std::size_t n;
  std::vector<float> x;
  plain::Values images;
  std::vector<std::int32_t> labels;

  Sample(Architecture a, std::size_t count) : architecture(std::move(a)), n(count) {
    parameters = initial_parameters(architecture, 4);
    const Random random(8, 0);
    std::uint64_t drawn = 0;
    for (Parameter& p : parameters)
      if (p.info.shape.size() == 1)
        for (float& v : p.values) v += (p.info.trained ? 0.3f : 0.1f) * std::abs(float(random.normal(drawn++)));
    for (std::size_t i = 0; i < n * architecture.input.size(); ++i) x.push_back(float(random.normal(drawn++)));
    images = {architecture.input, {x.begin(), x.end()}};
    for (std::size_t i = 0; i < n; ++i) labels.push_back(std::int32_t(i * 3 % std::size_t(architecture.classes)));
  }
};

constexpr Pass kTraining = {.training = true, .seed = 3, .step = 1};

/// Largest difference over the largest value.
double deviation(const float* got, const std::vector<double>& expected) {
  double wrong = 0, largest = 1e-30;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    wrong = std::max(wrong, std::abs(got[i] - expected[i]));
    largest = std::max(largest, std::abs(expected[i]));
  }
  return wrong / largest;
}

Matrix values_of(const Sample& sample, const std::string& layer, const Pass& pass) {
  Parameters parameters = sample.parameters;  // a pass in training moves running statistics
  Executor executor(sample.architecture, parameters);
  executor.keep(layer);
  executor.forward(sample.x.data(), sample.n, pass);
  return executor.kept();
}

/// Which values the engine drops, found by running it: those that are 0 after the layer.
plain::Mode training_mode(const Sample& sample) {
  std::vector<Matrix> dropped(sample.architecture.layers.size());
  for (std::size_t l = 0; l < dropped.size(); ++l)
    if (sample.architecture.layers[l].kind == LayerKind::dropout)
      dropped[l] = values_of(sample, sample.architecture.layers[l].name, kTraining);
  return {true,
          [dropped = std::move(dropped)](std::size_t layer, std::size_t place) {
            return dropped[layer].data()[place] != 0;
          },
          nullptr};
}

/// Holds some gradients of each parameter against differences of the network in double precision.
void check_gradients(const Sample& sample, const Parameters& gradients, const plain::Mode& mode) {
  plain::Tensors tensors = plain::tensors(sample.parameters);
  const auto loss = [&] {
    return plain::cross_entropy(plain::run(sample.architecture, tensors, sample.images, sample.n, mode).back(),
                                sample.labels, kSmoothing);
  };
  const Random random(2, 2);
  for (std::size_t p = 0; p < tensors.size(); ++p) {
    if (!sample.parameters[p].info.trained) continue;
    CAPTURE(sample.parameters[p].info.name);
    double largest = 0;
    for (const float g : gradients[p].values) largest = std::max(largest, double(std::abs(g)));
    for (std::uint64_t trial = 0; trial < 4; ++trial) {
      const std::size_t i = random.below(16 * p + trial, tensors[p].size());
      const double h = 1e-6, before = tensors[p][i];
      tensors[p][i] = before + h;
      const double up = loss();
      tensors[p][i] = before - h;
      const double down = loss();
      tensors[p][i] = before;
      // A bias before a norm has no gradient but rounding: hence the absolute term.
      CHECK(std::abs(gradients[p].values[i] - (up - down) / (2 * h)) < 2e-5 * largest + 1e-6);
    }
  }
}

}  // namespace

TEST_CASE("every layer's values are those of plain loops in double precision") {
  for (const std::size_t n : {1, 7, 33}) {
    const Sample sample(parse_architecture(kMesh, "test"), n);
    for (const bool training : {false, true}) {
      if (training && n == 1) continue;  // a norm of one value each
      CAPTURE(n);
      CAPTURE(training);
      const plain::Mode mode = training ? training_mode(sample) : plain::Mode{};
      const std::vector<plain::Values> expected =
          plain::run(sample.architecture, plain::tensors(sample.parameters), sample.images, n, mode);
      for (std::size_t l = 0; l < expected.size(); ++l) {
        CAPTURE(sample.architecture.layers[l].name);
        const Matrix got = values_of(sample, sample.architecture.layers[l].name, training ? kTraining : Pass{});
        REQUIRE(got.rows() * got.cols() == expected[l].at.size());
        CHECK(deviation(got.data(), expected[l].at) < 1e-5);
      }
    }
  }
}

TEST_CASE("running statistics move a tenth of the way to the batch's mean and unbiased variance") {
  Sample sample(parse_architecture(kMesh, "test"), 20);
  plain::Tensors expected = plain::tensors(sample.parameters), batch = expected;
  plain::Mode mode = training_mode(sample);
  mode.batch = &batch;
  plain::run(sample.architecture, expected, sample.images, sample.n, mode);
  Executor executor(sample.architecture, sample.parameters);
  executor.forward(sample.x.data(), sample.n, kTraining);
  for (std::size_t p = 0; p < expected.size(); ++p) {
    if (sample.parameters[p].info.trained) continue;
    CAPTURE(sample.parameters[p].info.name);
    for (std::size_t c = 0; c < expected[p].size(); ++c) expected[p][c] = 0.9 * expected[p][c] + 0.1 * batch[p][c];
    CHECK(deviation(sample.parameters[p].values.data(), expected[p]) < 1e-5);
  }
}

TEST_CASE("gradients are those of the same network in double precision, to five digits") {
  for (const std::size_t n : {7, 20}) {
    Sample sample(parse_architecture(kMesh, "test"), n);
    const Sample before = sample;  // a pass in training moves running statistics
    const plain::Mode mode = training_mode(sample);
    Executor executor(sample.architecture, sample.parameters);
    Matrix by_logits;
    const Matrix& logits = executor.forward(sample.x.data(), n, kTraining);
    const Loss engine = evaluate_loss(logits, sample.labels, {}, {.smoothing = kSmoothing}, &by_logits);
    const plain::Values expected =
        plain::run(before.architecture, plain::tensors(before.parameters), before.images, n, mode).back();
    CHECK(engine.sum / double(n) ==
          doctest::Approx(plain::cross_entropy(expected, sample.labels, kSmoothing)).epsilon(1e-5));
    check_gradients(before, executor.backward(by_logits), mode);
  }
}

TEST_CASE("what is frozen has no gradient and keeps its statistics, and the rest learns as if it were constant") {
  Sample sample(parse_architecture(kMesh, "test"), 20);
  const Sample before = sample;
  const std::vector<std::string> frozen = {"stem", "stem.norm", "a", "join", "narrow.norm"};
  const std::vector<bool> old = {true, true, false, true, false, false, true, true};
  const std::vector<Layer>& layers = sample.architecture.layers;
  const auto is_frozen = [&](std::size_t layer) {
    return std::find(frozen.begin(), frozen.end(), layers[layer].name) != frozen.end();
  };
  Executor executor(sample.architecture, sample.parameters);
  for (const std::string& name : frozen) executor.freeze(name);
  executor.freeze_statistics("b.norm", old);
  executor.keep("drop");
  Matrix by_logits;
  for (int pass = 0; pass < 2; ++pass) {
    sample.parameters = before.parameters;
    const Matrix& logits = executor.forward(sample.x.data(), sample.n, kTraining);
    evaluate_loss(logits, sample.labels, {}, {.smoothing = kSmoothing}, &by_logits);
    executor.backward(by_logits);
  }
  for (std::size_t p = 0; p < before.parameters.size(); ++p) {
    const ParameterInfo& info = before.parameters[p].info;
    CAPTURE(info.name);
    const bool whole = is_frozen(std::size_t(info.layer));
    for (std::size_t i = 0; i < info.size(); ++i) {
      if (whole) CHECK(executor.gradients()[p].values[i] == 0);
      const bool stays = info.trained || whole || (layers[std::size_t(info.layer)].name == "b.norm" && old[i]);
      CHECK((sample.parameters[p].values[i] == before.parameters[p].values[i]) == stays);
    }
  }
  const Matrix dropped = executor.kept();
  const plain::Mode mode = {true, [&](std::size_t, std::size_t place) { return dropped.data()[place] != 0; }, nullptr,
                            [&](std::size_t layer, std::size_t channel) {
                              return is_frozen(layer) || (layers[layer].name == "b.norm" && old[channel]);
                            }};
  Sample trained = before;
  for (Parameter& p : trained.parameters)
    if (is_frozen(std::size_t(p.info.layer))) p.info.trained = false;
  check_gradients(trained, executor.gradients(), mode);
}

TEST_CASE("run again from a changed layer on, a network gives the logits of the whole run") {
  for (const std::size_t n : {1, 20}) {
    Sample sample(parse_architecture(kMesh, "test"), n);
    Executor executor(sample.architecture, sample.parameters);
    Pass retain;
    retain.retain = true;
    executor.forward(sample.x.data(), n, retain);
    // From the last layer to the first: what was run again lies behind what comes next.
    for (std::size_t p = sample.parameters.size(); p-- > 0;) {
      Parameter& changed = sample.parameters[p];
      const std::string& layer = sample.architecture.layers[std::size_t(changed.info.layer)].name;
      CAPTURE(changed.info.name);
      for (float& x : changed.values) x *= 1.25f;
      const Matrix again = executor.forward_again(layer);
      Executor whole(sample.architecture, sample.parameters);
      const Matrix& expected = whole.forward(sample.x.data(), n);
      CHECK(deviation(again.data(), {expected.data(), expected.data() + expected.size()}) == 0);
    }
    CHECK_THROWS_AS(executor.forward_again("z"), UsageError);
    executor.forward(sample.x.data(), n);
    CHECK_THROWS_AS(executor.forward_again(sample.architecture.layers[0].name), BugError);
  }
}

TEST_CASE("dropout draws anew in every step and layer, of deep networks too") {
  std::string layers = R"({"name": "first", "kind": "dropout", "rate": 0.5})";
  for (int i = 0; i < 255; ++i) layers += R"(, {"name": "r)" + std::to_string(i) + R"(", "kind": "relu"})";
  layers += R"(, {"name": "last", "kind": "dropout", "rate": 0.5, "inputs": ["input"]}, {"name": "sum", "kind": "add",
    "inputs": ["first", "last"]}, {"name": "logits", "kind": "linear", "channels": 2})";
  const Architecture architecture =
      parse_architecture(R"({"input": [500, 1, 1], "classes": 2, "layers": [)" + layers + "]}", "test");
  Parameters parameters = initial_parameters(architecture, 1);
  Executor executor(architecture, parameters);
  executor.keep("first");
  executor.keep("last");
  const std::vector<float> ones(500, 1.0f);
  std::vector<std::vector<float>> masks;
  for (const std::uint64_t step : {0, 1}) {
    executor.forward(ones.data(), 1, {.training = true, .seed = 3, .step = step});
    for (const std::size_t which : {0, 1}) {
      const Matrix mask = executor.kept(which);
      masks.emplace_back(mask.data(), mask.data() + mask.size());
    }
  }
  for (std::size_t a = 0; a < masks.size(); ++a) {
    const auto kept = std::count(masks[a].begin(), masks[a].end(), 2.0f);
    CHECK(kept > 200);
    CHECK(kept < 300);
    CHECK(std::count(masks[a].begin(), masks[a].end(), 0.0f) == 500 - kept);
    for (std::size_t b = 0; b < a; ++b) CHECK(masks[a] != masks[b]);
  }
}

TEST_CASE("a norm of values far from zero is still one of their deviations") {
  const Architecture architecture = parse_architecture(R"({"input": [1, 16, 16], "classes": 1, "layers": [
    {"name": "c", "kind": "convolution", "channels": 5, "kernel": 3, "padding": 1, "bias": true},
    {"name": "n", "kind": "batch-norm"}, {"name": "p", "kind": "global-pool"},
    {"name": "logits", "kind": "linear", "channels": 1}]})",
                                                       "test");
  Sample sample(architecture, 40);
  for (const float far : {10.0f, 100.0f, 1000.0f}) {
    for (float& bias : sample.parameters.find("c.bias")->values) bias = far;
    const std::vector<plain::Values> expected =
        plain::run(architecture, plain::tensors(sample.parameters), sample.images, sample.n, {true, {}, nullptr});
    const Matrix got = values_of(sample, "n", kTraining);
    CAPTURE(far);
    // A value of 1000 is stored to 3e-5, a hundredth of a percent of the deviation.
    CHECK(deviation(got.data(), expected[1].at) < 1e-5 + 1e-6 * far);
  }
}
