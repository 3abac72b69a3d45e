#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "base/random.h"
#include "nn/executor.h"
#include "nn/loss.h"
#include "nn/stock.h"

using namespace espalier;

namespace {

std::vector<float> random_images(const ImageShape& shape, std::size_t n, std::uint64_t seed = 5) {
  const Random random(seed, 9);
  std::vector<float> x(n * shape.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = float(random.normal(i));
  return x;
}

std::vector<std::int32_t> labels_of(std::size_t n, int classes) {
  std::vector<std::int32_t> labels;
  for (std::size_t i = 0; i < n; ++i) labels.push_back(std::int32_t(i * 7 % std::size_t(classes)));
  return labels;
}

/// Every kind of layer, odd sizes, views that have several readers, a norm of a sum and of a rectified value.
constexpr const char* kEverything = R"({"input": [3, 9, 8], "classes": 4, "layers": [
  {"name": "a", "kind": "convolution", "channels": 5, "kernel": 3, "padding": 1, "bias": true},
  {"name": "a.relu", "kind": "relu"},
  {"name": "a.norm", "kind": "batch-norm"},
  {"name": "b", "kind": "convolution", "channels": 7, "kernel": 3, "stride": 2, "padding": 1},
  {"name": "b.norm", "kind": "batch-norm"},
  {"name": "b.relu", "kind": "relu"},
  {"name": "c", "kind": "convolution", "channels": 7, "kernel": 1, "inputs": ["b.norm"]},
  {"name": "sum", "kind": "add", "inputs": ["b.relu", "c"]},
  {"name": "sum.relu", "kind": "relu"},
  {"name": "sum.norm", "kind": "batch-norm"},
  {"name": "pool", "kind": "max-pool", "kernel": 3, "stride": 1, "padding": 1},
  {"name": "d", "kind": "convolution", "channels": 6, "kernel": 5, "padding": 2, "inputs": ["pool"]},
  {"name": "d.norm", "kind": "batch-norm"},
  {"name": "short", "kind": "shortcut", "stride": 1, "map": [-1, 0, 6, 2, -1, 2], "inputs": ["sum.norm"]},
  {"name": "sum2", "kind": "add", "inputs": ["d.norm", "short"]},
  {"name": "sum2.relu", "kind": "relu"},
  {"name": "mean", "kind": "average-pool", "kernel": 2, "stride": 2, "padding": 1},
  {"name": "flat", "kind": "flatten"},
  {"name": "hidden", "kind": "linear", "channels": 9, "bias": true},
  {"name": "hidden.relu", "kind": "relu"},
  {"name": "drop", "kind": "dropout", "rate": 0.3},
  {"name": "logits", "kind": "linear", "channels": 4, "bias": true}]})";

double loss_of(Executor& executor, const std::vector<float>& x, std::span<const std::int32_t> labels,
               Matrix* gradient) {
  const Matrix& logits = executor.forward(x.data(), labels.size(), {.training = true, .seed = 3, .step = 1});
  return evaluate_loss(logits, labels, {}, {.smoothing = 0.1}, gradient).sum / double(labels.size());
}

/// Compares each parameter's gradient along a random direction with a central difference. The loss is computed in
/// single precision, so that the difference is good to a few digits only.
void check_gradients(const Architecture& architecture, std::size_t n, double tolerance) {
  Parameters parameters = initial_parameters(architecture, 1);
  const Random random(11, 0);
  std::uint64_t drawn = 0;
  for (Parameter& p : parameters)
    if (p.info.shape.size() == 1 && p.info.trained)
      for (float& v : p.values) v += 0.3f * float(random.normal(drawn++));
  const std::vector<float> x = random_images(architecture.input, n);
  const std::vector<std::int32_t> labels = labels_of(n, architecture.classes);
  Executor executor(architecture, parameters);
  Matrix by_logits;
  loss_of(executor, x, labels, &by_logits);
  const Parameters gradients = executor.backward(by_logits);
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    if (!parameters[p].info.trained) continue;
    CAPTURE(parameters[p].info.name);
    Buffer<float>& values = parameters[p].values;
    const Buffer<float> before = values;
    // Along the gradient itself, where the difference is largest.
    double squares = 0;
    for (const float g : gradients[p].values) squares += double(g) * g;
    const double length = std::sqrt(squares);
    if (length < 1e-6) continue;
    const double h = 1e-3;
    double around[2] = {};
    for (const int side : {0, 1}) {
      for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = float(before[i] + (side ? h : -h) * gradients[p].values[i] / length);
      around[side] = loss_of(executor, x, labels, nullptr);
    }
    values = before;
    CHECK((around[1] - around[0]) / (2 * h) == doctest::Approx(length).epsilon(tolerance));
  }
}

}  // namespace

TEST_CASE("gradients of every kind of layer are those of finite differences") {
  const Architecture everything = parse_architecture(kEverything, "test");
  for (const std::size_t n : {2, 7, 20}) check_gradients(everything, n, 0.03);
}

TEST_CASE("gradients of a residual network are those of finite differences") {
  check_gradients(stock_architecture("resnet20", {3, 8, 8}, 5, 0.25), 10, 0.05);
  check_gradients(stock_architecture("alexnet-mini", {3, 32, 32}, 5), 3, 0.05);
}

TEST_CASE("stock networks have the published numbers of parameters and multiplications") {
  const auto counts = [](const char* name, ImageShape input, int classes) {
    const Architecture a = stock_architecture(name, input, classes);
    return std::pair{count_parameters(a), double(count_macs(a)) / 1e6};
  };
  const ImageShape cifar = {3, 32, 32};
  CHECK(counts("resnet20", cifar, 10).first == 269722);
  CHECK(counts("resnet20", cifar, 10).second == doctest::Approx(40.55).epsilon(2e-4));
  CHECK(counts("resnet32", cifar, 10).first == 464154);
  CHECK(counts("resnet32", cifar, 10).second == doctest::Approx(68.86).epsilon(2e-4));
  CHECK(counts("resnet44", cifar, 10).first == 658586);
  CHECK(counts("resnet44", cifar, 10).second == doctest::Approx(97.17).epsilon(2e-4));
  CHECK(counts("resnet56", cifar, 10).first == 853018);
  CHECK(counts("resnet56", cifar, 10).second == doctest::Approx(125.49).epsilon(2e-4));
  CHECK(counts("resnet110", cifar, 10).first == 1727962);
  CHECK(counts("resnet110", cifar, 10).second == doctest::Approx(252.89).epsilon(2e-4));
  CHECK(counts("resnet18", {3, 64, 64}, 200).first == 11271432);
  CHECK(counts("vgg16-bn", cifar, 10).first == 14724042);
  CHECK(counts("vgg16-bn", cifar, 10).second == doctest::Approx(313.20).epsilon(2e-4));
  CHECK(counts("alexnet-mini", cifar, 10).first == 63674);
  CHECK(counts("vgg11-mini", cifar, 10).first == 611434);
  CHECK(counts("resnet18-w8", cifar, 10).first == 177362);
}

TEST_CASE("an architecture goes through JSON unchanged, and what is wrong with one is named") {
  for (const std::string& name : stock_names()) {
    const Architecture a = stock_architecture(name, {3, 64, 64}, 10, 0.5);
    CHECK(to_json(parse_architecture(to_json(a), "test")) == to_json(a));
  }
  const auto message = [](const std::string& layers) {
    try {
      parse_architecture(R"({"input": [1, 4, 4], "classes": 2, "layers": [)" + layers + "]}", "net.json");
    } catch (const DataError& error) {
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  const std::string end = R"(, {"name": "p", "kind": "global-pool"}, {"name": "l", "kind": "linear", "channels": 2})";
  CHECK(message(R"({"name": "a", "kind": "relu", "inputs": ["b"]}, {"name": "b", "kind": "relu"})" + end)
            .find("net.json: layer \"a\" reads \"b\", which does not stand before it") == 0);
  CHECK(message(R"({"name": "a", "kind": "swish"})" + end).find("layer \"a\" is of an unknown kind \"swish\"") !=
        std::string::npos);
  CHECK(message(R"({"name": "a", "kind": "relu"}, {"name": "a", "kind": "relu"})" + end).find("name of another") !=
        std::string::npos);
  CHECK(message(R"({"name": "a", "kind": "convolution", "channels": 2, "kernel": 9})" + end).find("kernel of 9") !=
        std::string::npos);
  CHECK(message(R"({"name": "a", "kind": "relu", "size": 3})" + end).find("unknown member \"size\"") !=
        std::string::npos);
  CHECK(message(R"({"name": "a", "kind": "relu"})").find("for 2 classes") != std::string::npos);
  CHECK(message("{").find("is not JSON") != std::string::npos);
  CHECK(message(R"({"name": "a/b", "kind": "relu"})" + end).find("layer \"a/b\" has a name with a slash") !=
        std::string::npos);
}

TEST_CASE("sizes whose product no machine holds are refused before anything is allocated") {
  const auto message = [](const std::string& input, const std::string& layers) {
    try {
      parse_architecture(R"({"input": )" + input + R"(, "classes": 2, "layers": [)" + layers + "]}", "net.json");
    } catch (const DataError& error) {
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  const std::string relu = R"({"name": "r", "kind": "relu"})";
  const std::string wide = R"({"name": "a", "kind": "convolution", "channels": 1048576, "kernel": 1})";
  CHECK(message("[1048576, 1048576, 1048576]", relu).find("more than 2^31") != std::string::npos);
  CHECK(message("[1, 512, 512]", wide).find("layer \"a\" has 1048576 x 512 x 512 values") != std::string::npos);
  CHECK(message("[1048576, 1, 1]", wide).find("layer \"a\" has 1048576 x 1048576 x 1 x 1 weights") !=
        std::string::npos);
  CHECK(message("[1, 4, 4]", R"({"name": "p", "kind": "max-pool", "kernel": 1048576, "stride": 1, "padding": 1048575})")
            .find("more than 2^31") != std::string::npos);
}

TEST_CASE("logits do not depend on the batch an image is in, nor gradients on the threads") {
  const Architecture architecture = stock_architecture("resnet20", {3, 16, 16}, 10, 0.5);
  Parameters parameters = initial_parameters(architecture, 2);
  const std::vector<float> x = random_images(architecture.input, 40);
  Executor executor(architecture, parameters);
  const Matrix all = executor.forward(x.data(), 40);
  for (const std::size_t i : {0, 15, 16, 39}) {
    const Matrix one = executor.forward(x.data() + i * architecture.input.size(), 1);
    CHECK(std::equal(all.row(i), all.row(i) + 10, one.data()));
  }
  const int before = threads();
  std::vector<std::vector<float>> results;
  for (const int count : {1, 2, 4}) {
    set_threads(count);
    Parameters fresh = initial_parameters(architecture, 2);
    Executor trained(architecture, fresh);
    Matrix by_logits;
    loss_of(trained, x, labels_of(40, 10), &by_logits);
    std::vector<float> bytes;
    for (const Parameter& p : trained.backward(by_logits)) bytes.insert(bytes.end(), p.values.begin(), p.values.end());
    for (const Parameter& p : fresh) bytes.insert(bytes.end(), p.values.begin(), p.values.end());
    results.push_back(std::move(bytes));
  }
  set_threads(before);
  CHECK(results[0] == results[1]);
  CHECK(results[0] == results[2]);
}

TEST_CASE("losses and their gradients are those of finite differences") {
  Matrix logits(3, 6), teacher(3, 6);
  const Random random(1, 1);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    logits.data()[i] = float(2 * random.normal(i));
    teacher.data()[i] = float(2 * random.normal(100 + i));
  }
  const std::vector<std::int32_t> labels = {5, 0, 2}, others = {1, 0, 4};
  for (const LossOptions& options : {LossOptions{},
                                     {.smoothing = 0.2},
                                     {.temperature = 4, .distillation = 0.9},
                                     {.temperature = 1, .distillation = 1}}) {
    Matrix gradient, ignored;
    evaluate_mixed_loss(logits, labels, others, 0.7, teacher, options, &gradient);
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const float before = logits.data()[i], h = 1e-2f;
      logits.data()[i] = before + h;
      const double up = evaluate_mixed_loss(logits, labels, others, 0.7, teacher, options, nullptr).sum;
      logits.data()[i] = before - h;
      const double down = evaluate_mixed_loss(logits, labels, others, 0.7, teacher, options, nullptr).sum;
      logits.data()[i] = before;
      CHECK(gradient.data()[i] == doctest::Approx((up - down) / (2 * h) / 3).epsilon(2e-3).scale(0.01));
    }
  }
  Matrix equal(1, 3, 1.0f);  // cross-entropy of equal logits is log 3, and the first of equals is the guess
  const std::vector<std::int32_t> first = {0}, second = {1};
  CHECK(evaluate_loss(equal, first, {}, {}, nullptr).sum == doctest::Approx(std::log(3.0)));
  CHECK(evaluate_loss(equal, first, {}, {}, nullptr).correct == 1);
  CHECK(evaluate_loss(equal, second, {}, {}, nullptr).correct == 0);
}

TEST_CASE("a network whose logits are no numbers is never right") {
  const std::vector<std::int32_t> first = {0};
  Matrix logits(1, 3);
  for (const std::size_t lost : {0, 1, 2}) {
    for (std::size_t c = 0; c < 3; ++c) logits(0, c) = c == lost ? std::nanf("") : 1.0f - float(c);
    CHECK(evaluate_loss(logits, first, {}, {}, nullptr).correct == 0);
  }
}
