#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "nn/executor.h"
#include "shape/channel_compensation.h"
#include "shape/channel_removal.h"
#include "shape_networks.h"

using namespace espalier;
using shape_networks::random_network;

namespace {

/// Readers of every kind: with a bias, before a norm, before two norms, before an addition and with nothing to take a
/// constant, after flattening, the logits.
constexpr const char* kReaders = R"({"input": [2, 7, 6], "classes": 3, "layers": [
  {"name": "stem", "kind": "convolution", "channels": 6, "kernel": 3, "padding": 1, "bias": true},
  {"name": "stem.relu", "kind": "relu"},
  {"name": "biased", "kind": "convolution", "channels": 5, "kernel": 3, "stride": 2, "padding": 1, "bias": true},
  {"name": "biased.relu", "kind": "relu"},
  {"name": "normed", "kind": "convolution", "channels": 4, "kernel": 2},
  {"name": "norm1", "kind": "batch-norm"},
  {"name": "norm2", "kind": "batch-norm", "inputs": ["normed"]},
  {"name": "plain", "kind": "convolution", "channels": 4, "kernel": 1, "inputs": ["norm2"]},
  {"name": "sum", "kind": "add", "inputs": ["norm1", "plain"]},
  {"name": "sum.relu", "kind": "relu"},
  {"name": "flat", "kind": "flatten"},
  {"name": "hidden", "kind": "linear", "channels": 8, "bias": true},
  {"name": "hidden.relu", "kind": "relu"},
  {"name": "logits", "kind": "linear", "channels": 3, "bias": true}]})";

std::vector<float> images_for(const Architecture& architecture, std::size_t count) {
  std::vector<float> pixels(count * architecture.input.size());
  const Random random(8, 8);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = float(random.normal(i));
  return pixels;
}

/// What a layer gives, or "input".
Matrix values_of(const NetworkShape& net, const std::string& layer, const std::vector<float>& images) {
  Parameters parameters = net.parameters;
  Executor executor(net.architecture, parameters);
  executor.keep(layer);
  executor.forward(images.data(), images.size() / net.architecture.input.size());
  return executor.kept();
}

Matrix logits_of(const NetworkShape& net, const std::vector<float>& images) {
  return values_of(net, net.architecture.layers.back().name, images);
}

double distance(const Matrix& x, const Matrix& y) {
  REQUIRE(x.size() == y.size());
  double most = 0, size = 1;
  for (std::size_t i = 0; i < x.size(); ++i) {
    most = std::max(most, std::fabs(double(x.data()[i]) - y.data()[i]));
    size = std::max(size, std::fabs(double(x.data()[i])));
  }
  return most / size;
}

double squared_distance(const Matrix& x, const Matrix& y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += std::pow(double(x.data()[i]) - y.data()[i], 2);
  return sum;
}

int layer_called(const Architecture& architecture, const std::string& name) {
  for (std::size_t l = 0; l < architecture.layers.size(); ++l)
    if (architecture.layers[l].name == name) return int(l);
  FAIL("no layer " << name);
  return -1;
}

/// Every third channel of each space goes.
ChannelMarks every_third(const ChannelLayout& layout, bool inner_only) {
  ChannelMarks marks(layout.spaces.size());
  for (std::size_t s = 0; s < marks.size(); ++s) {
    if (inner_only && !layout.spaces[s].inner) continue;
    marks[s].assign(std::size_t(layout.spaces[s].channels), false);
    for (std::size_t c = 1; c < marks[s].size(); c += 3) marks[s][c] = true;
  }
  return marks;
}

ChannelMarks marks_of(const ChannelLayout& layout, const std::string& space, const std::vector<std::size_t>& channels) {
  ChannelMarks marks(layout.spaces.size());
  for (std::size_t s = 0; s < marks.size(); ++s) {
    if (layout.spaces[s].name != space) continue;
    marks[s].assign(std::size_t(layout.spaces[s].channels), false);
    for (const std::size_t c : channels) marks[s][c] = true;
  }
  return marks;
}

struct Case {
  NetworkShape net, masked;
  ChannelLayout layout;
  ChannelMarks marks;
  std::vector<float> images;
  std::vector<int> readers;

  Case(NetworkShape network, std::size_t count, const std::function<ChannelMarks(const ChannelLayout&)>& mark)
      : net(std::move(network)), layout(find_channels(net.architecture)), marks(mark(layout)) {
    masked = mask_channels(net.architecture, net.parameters, layout, marks);
    images = images_for(net.architecture, count);
    readers = find_bereft_readers(layout, marks);
  }
  NetworkShape mended(const CompensationOptions& options) const { return mended(options, readers); }
  NetworkShape mended(const CompensationOptions& options, const std::vector<int>& layers) const {
    NetworkShape result = masked;
    compensate(net.architecture, net.parameters, result, layers, images, options);
    return result;
  }
};

constexpr std::size_t kAllPixels = std::numeric_limits<std::size_t>::max();

/// Patches that a layer reads, a row for each image and pixel, by plain loops.
std::vector<std::vector<double>> patches(const Layer& layer, const ImageShape& in, const ImageShape& out,
                                         const Matrix& x) {
  const bool linear = layer.kind == LayerKind::linear;
  const int kernel = linear ? 1 : layer.kernel, stride = linear ? 1 : layer.stride,
            padding = linear ? 0 : layer.padding;
  std::vector<std::vector<double>> rows;
  for (std::size_t image = 0; image < x.rows(); ++image)
    for (int i = 0; i < out.height; ++i)
      for (int j = 0; j < out.width; ++j) {
        std::vector<double>& row = rows.emplace_back();
        for (int c = 0; c < in.channels; ++c)
          for (int r = 0; r < kernel; ++r)
            for (int s = 0; s < kernel; ++s) {
              const int y = i * stride + r - padding, z = j * stride + s - padding;
              const bool inside = y >= 0 && z >= 0 && y < in.height && z < in.width;
              row.push_back(inside ? x(image, std::size_t((c * in.height + y) * in.width + z)) : 0);
            }
      }
  return rows;
}

/// Largest |ridge s D - sum (Y - Z - D x - b)(x - mean x)| over the sums of squares, with D from the weights before and
/// after and the rest from a pass of the mended network: 0 where D is the minimiser.
double slope_left(const Case& test, const std::string& name, double ridge, bool centred) {
  const auto l = std::size_t(layer_called(test.net.architecture, name));
  const Layer& layer = test.net.architecture.layers[l];
  const NetworkShape mended =
      test.mended({.kind = Compensation::least_squares, .pixels = kAllPixels, .ridge = ridge}, {int(l)});
  const std::vector<ImageShape> shapes = infer_shapes(test.net.architecture);
  const int from = input_index(test.net.architecture, l, 0);
  const ImageShape in = from < 0 ? test.net.architecture.input : shapes[std::size_t(from)];
  const std::vector<std::vector<double>> x =
      patches(layer, in, shapes[l], values_of(test.masked, layer.inputs[0], test.images));
  const Matrix y = values_of(test.net, name, test.images), z = values_of(test.masked, name, test.images);
  const std::size_t d = x[0].size(), pixels = shapes[l].pixels(), outs = std::size_t(shapes[l].channels);
  std::vector<double> mean(d, 0.0);
  for (const std::vector<double>& row : x)
    for (std::size_t i = 0; i < d; ++i) mean[i] += centred ? row[i] / double(x.size()) : 0;
  double squares = 0;
  for (const std::vector<double>& row : x)
    for (std::size_t i = 0; i < d; ++i) squares += std::pow(row[i] - mean[i], 2);
  const float* const before = test.masked.parameters.values(name, "weight");
  const float* const after = mended.parameters.values(name, "weight");
  double most = 0, change = 0;
  for (std::size_t o = 0; o < outs; ++o) {
    if (std::all_of(before + o * d, before + (o + 1) * d, [](float w) { return w == 0; })) continue;  // silent
    std::vector<double> slope(d, 0.0), by(d);
    for (std::size_t i = 0; i < d; ++i) {
      by[i] = double(after[o * d + i]) - before[o * d + i];
      change = std::max(change, std::fabs(by[i]));
      slope[i] = ridge * squares / double(d) * by[i];
    }
    for (std::size_t row = 0; row < x.size(); ++row) {
      const std::size_t image = row / pixels, at = o * pixels + row % pixels;
      double left = double(y(image, at)) - z(image, at);
      for (std::size_t i = 0; i < d; ++i) left -= by[i] * (x[row][i] - mean[i]);
      for (std::size_t i = 0; i < d; ++i) slope[i] -= left * (x[row][i] - mean[i]);
    }
    for (const double s : slope) most = std::max(most, std::fabs(s));
  }
  CHECK(change > 1e-3);
  return most / squares;
}

bool same_bytes(const Parameters& a, const Parameters& b) {
  for (std::size_t p = 0; p < a.size(); ++p)
    if (std::memcmp(a[p].values.data(), b[p].values.data(), a[p].values.size() * sizeof(float)) != 0) return false;
  return true;
}

}  // namespace

TEST_CASE("readers that lost channels are found, in order, each once") {
  const Architecture net = stock_architecture("resnet20", {3, 16, 16}, 10, 0.25);
  const ChannelLayout layout = find_channels(net);
  CHECK(find_bereft_readers(layout, ChannelMarks(layout.spaces.size())).empty());
  CHECK(find_bereft_readers(layout, marks_of(layout, "conv1", {})).empty());
  CHECK(find_bereft_readers(layout, marks_of(layout, "layer2.1.conv1", {3})) ==
        std::vector<int>{layer_called(net, "layer2.1.conv2")});
  const std::vector<int> all = find_bereft_readers(layout, every_third(layout, false));
  CHECK(all.size() == 19);  // all but the one that reads the image
  CHECK(std::is_sorted(all.begin(), all.end()));
}

TEST_CASE("a channel that is constant goes without a trace where there is no padding") {
  Architecture architecture = parse_architecture(kReaders, "readers");
  architecture.layers[std::size_t(layer_called(architecture, "biased"))].padding = 0;
  // Reads what "stem" makes, what "biased" makes, what "hidden" makes: into a bias, into two norms, into logits.
  for (const char* const maker : {"stem", "biased", "hidden"}) {
    CAPTURE(maker);
    NetworkShape net = random_network(architecture, 3);
    Parameter& weight = *net.parameters.find(std::string(maker) + ".weight");
    const std::size_t row = weight.values.size() / weight.info.shape[0];
    std::fill_n(weight.values.data() + row, row, 0.0f);
    net.parameters.values(maker, "bias")[1] = 0.8f;
    const Case test(net, 5, [&](const ChannelLayout& layout) { return marks_of(layout, maker, {1}); });
    const Matrix before = logits_of(test.net, test.images);
    CHECK(distance(before, logits_of(test.masked, test.images)) > 1e-3);
    CHECK(distance(before, logits_of(test.mended({}), test.images)) < 2e-6);
  }
}

TEST_CASE("the mean of what each reader gives stays, in all architectures and both scopes") {
  for (const std::string& name : stock_names()) {
    if (name.starts_with("resnet") && infer_shapes(stock_architecture(name, {3, 32, 32}, 10)).size() > 100)
      continue;  // deeper ones of the same build
    for (const bool inner : {true, false}) {
      CAPTURE(name);
      CAPTURE(inner);
      const Case test(random_network(stock_architecture(name, {3, 32, 32}, 10, 0.1), 4), 6,
                      [&](const ChannelLayout& layout) { return every_third(layout, inner); });
      const NetworkShape mended = test.mended({.batch = 4});
      for (const int l : test.readers) {
        const Layer& layer = test.net.architecture.layers[std::size_t(l)];
        const Layer& next =
            test.net.architecture.layers[std::min(std::size_t(l) + 1, test.net.architecture.layers.size() - 1)];
        const bool normed = !layer.bias;
        const std::string seen = normed ? next.name : layer.name;
        const Matrix y = values_of(test.net, seen, test.images), z = values_of(mended, seen, test.images);
        const std::size_t pixels = infer_shapes(test.net.architecture)[std::size_t(l)].pixels();
        const float* const weight = mended.parameters.values(normed ? next.name : layer.name, "weight");
        const std::size_t row =
            normed ? 1 : mended.parameters.find(layer.name + ".weight")->values.size() / std::size_t(layer.channels);
        for (std::size_t c = 0; c < y.cols() / pixels; ++c) {
          if (std::all_of(weight + c * row, weight + (c + 1) * row, [](float v) { return v == 0; })) continue;
          double difference = 0, size = 0;
          for (std::size_t image = 0; image < y.rows(); ++image)
            for (std::size_t i = c * pixels; i < (c + 1) * pixels; ++i) {
              difference += double(y(image, i)) - z(image, i);
              size += std::fabs(y(image, i));
            }
          CHECK(std::fabs(difference) < 1e-5 * (size + 1));
        }
      }
    }
  }
}

TEST_CASE("a fit is the minimiser that the header names, with and without a place for constants") {
  const Case test(random_network(parse_architecture(kReaders, "readers"), 3), 40,
                  [](const ChannelLayout& layout) { return every_third(layout, false); });
  for (const double ridge : {1e-4, 0.1}) {
    for (const char* const name : {"biased", "normed", "hidden", "logits"})
      CHECK(slope_left(test, name, ridge, true) < 1e-6);
    CHECK(slope_left(test, "plain", ridge, false) < 1e-6);
  }
}

TEST_CASE("a channel that repeats another goes without a trace where the other's weights may take over") {
  NetworkShape net = random_network(stock_architecture("resnet20", {3, 16, 16}, 10, 0.25), 3);
  const auto repeat = [&](const std::string& layer, const char* what) {
    Parameter& p = *net.parameters.find(layer + "." + what);
    const std::size_t row = p.values.size() / p.info.shape[0];
    std::copy_n(p.values.data() + row, row, p.values.data());
  };
  repeat("layer2.1.conv1", "weight");
  for (const char* const what : {"weight", "bias", "running_mean", "running_var"}) repeat("layer2.1.bn1", what);
  const Case test(net, 64, [](const ChannelLayout& layout) { return marks_of(layout, "layer2.1.conv1", {0}); });
  const Matrix before = logits_of(test.net, test.images);
  const NetworkShape mended = test.mended({.kind = Compensation::least_squares, .pixels = kAllPixels, .ridge = 1e-7});
  CHECK(distance(before, logits_of(test.masked, test.images)) > 1e-2);
  CHECK(distance(before, logits_of(mended, test.images)) < 1e-4);
}

TEST_CASE("what a layer gives comes closer by the mean, and closer still by a fit") {
  const std::string reader = "layer1.1.conv2";
  const Case test(random_network(stock_architecture("resnet20", {3, 16, 16}, 10, 0.5), 3), 32, [](const auto& layout) {
    return marks_of(layout, "layer1.1.conv1", {1, 4, 6});
  });
  const Matrix y = values_of(test.net, "layer1.1.bn2", test.images);
  const auto left = [&](const NetworkShape& net) {
    return squared_distance(y, values_of(net, "layer1.1.bn2", test.images));
  };
  const double masked = left(test.masked), mean = left(test.mended({}));
  const double fitted = left(test.mended({.kind = Compensation::least_squares}));
  CHECK(mean < masked);
  CHECK(fitted < 0.9 * mean);
}

TEST_CASE("silent channels stay silent, so that compact and mended networks agree") {
  for (const Compensation kind : {Compensation::mean, Compensation::least_squares})
    for (const std::string name : {"resnet20", "resnet20-b", "resnet18-w8", "vgg11-mini", "alexnet-mini", "readers"})
      for (const bool inner : {true, false}) {
        CAPTURE(name);
        CAPTURE(inner);
        const Architecture architecture = name == "readers" ? parse_architecture(kReaders, "readers")
                                                            : stock_architecture(name, {3, 32, 32}, 10, 0.15);
        const Case test(random_network(architecture, 4), 5,
                        [&](const ChannelLayout& layout) { return every_third(layout, inner); });
        const NetworkShape mended = test.mended({.kind = kind, .pixels = 8});
        CHECK_FALSE(same_bytes(mended.parameters, test.masked.parameters));
        const NetworkShape compact = remove_channels(mended.architecture, mended.parameters, test.layout, test.marks);
        CHECK(distance(logits_of(mended, test.images), logits_of(compact, test.images)) < 1e-5);
      }
}

TEST_CASE("compensation gives the same bytes with 1, 2 and 4 threads") {
  const Case test(random_network(stock_architecture("resnet20", {3, 16, 16}, 10, 0.5), 3), 20,
                  [](const ChannelLayout& layout) { return every_third(layout, false); });
  const int threads_before = threads();
  for (const Compensation kind : {Compensation::mean, Compensation::least_squares}) {
    std::vector<NetworkShape> results;
    for (const int count : {1, 2, 4}) {
      set_threads(count);
      results.push_back(test.mended({.kind = kind, .batch = 8}));
    }
    CHECK(same_bytes(results[0].parameters, results[1].parameters));
    CHECK(same_bytes(results[0].parameters, results[2].parameters));
  }
  set_threads(threads_before);
}

TEST_CASE("where nothing was lost nothing changes; a mean that has no place is left alone") {
  const Case none(random_network(parse_architecture(kReaders, "readers"), 3), 4,
                  [](const ChannelLayout& layout) { return ChannelMarks(layout.spaces.size()); });
  const std::vector<int> all = {layer_called(none.net.architecture, "biased"),
                                layer_called(none.net.architecture, "logits")};
  for (const Compensation kind : {Compensation::mean, Compensation::least_squares})
    CHECK(same_bytes(none.mended({.kind = kind}, all).parameters, none.net.parameters));
  const Case some(random_network(parse_architecture(kReaders, "readers"), 3), 4,
                  [](const ChannelLayout& layout) { return every_third(layout, false); });
  CHECK(same_bytes(some.mended({}, {layer_called(some.net.architecture, "plain")}).parameters, some.masked.parameters));
}

TEST_CASE("images that are none or not numbers, layers without weights: refused") {
  Case test(random_network(parse_architecture(kReaders, "readers"), 3), 4,
            [](const ChannelLayout& layout) { return every_third(layout, false); });
  CHECK_THROWS_AS(test.mended({}, {1}), BugError);
  CHECK_THROWS_AS(test.mended({}, {99}), BugError);
  CHECK_THROWS_AS(test.mended({}, {-1}), BugError);
  CHECK_THROWS_AS(test.mended({.ridge = 0}), BugError);
  const std::atomic<bool> stop = true;
  NetworkShape masked = test.masked;
  Control control;
  control.stop = &stop;
  CHECK_THROWS_AS(
      compensate(test.net.architecture, test.net.parameters, masked, test.readers, test.images, {}, control), Stopped);
  for (const Compensation kind : {Compensation::mean, Compensation::least_squares}) {
    std::vector<float> good = test.images;
    test.images.back() = NAN;
    CHECK_THROWS_AS(test.mended({.kind = kind}), DataError);
    test.images.clear();
    CHECK_THROWS_AS(test.mended({.kind = kind}), BugError);
    test.images = good;
  }
}
