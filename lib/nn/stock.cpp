#include "nn/stock.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace espalier {

namespace {

/// Writes layers one after another; each reads the last one unless told otherwise.
class Builder {
 public:
  Builder(const ImageShape& input, int classes, double width) : result_{input, classes, {}}, width_(width) {}

  int scaled(int channels) const { return std::max(1, int(std::lround(channels * width_))); }
  const std::string& last() const { return last_; }
  void read(std::string from) { last_ = std::move(from); }

  void convolution(const std::string& name, int channels, int kernel, int stride, int padding, bool bias = false) {
    Layer& layer = add(name, LayerKind::convolution);
    layer.channels = channels;
    layer.kernel = kernel;
    layer.stride = stride;
    layer.padding = padding;
    layer.bias = bias;
    channels_ = channels;
  }
  void linear(const std::string& name, int channels) {
    Layer& layer = add(name, LayerKind::linear);
    layer.channels = channels;
    layer.bias = true;
  }
  void max_pool(const std::string& name, int kernel, int stride, int padding = 0) {
    Layer& layer = add(name, LayerKind::max_pool);
    layer.kernel = kernel;
    layer.stride = stride;
    layer.padding = padding;
  }
  void simple(const std::string& name, LayerKind kind) { add(name, kind); }
  void sum(const std::string& name, const std::string& other) {
    Layer& layer = add(name, LayerKind::add);
    layer.inputs.push_back(other);
  }
  /// Option A: every stride-th pixel, the new channels are zeros on either side of the old ones.
  void padded_shortcut(const std::string& name, int from, int to, int stride) {
    Layer& layer = add(name, LayerKind::shortcut);
    layer.stride = stride;
    layer.channels = to;
    const int before = std::max(0, to - from) / 2;
    for (int c = 0; c < to; ++c) layer.map.push_back(c >= before && c < before + from ? c - before : -1);
    channels_ = to;
  }
  int channels() const { return channels_; }
  Architecture done() {
    infer_shapes(result_);
    return std::move(result_);
  }

 private:
  Layer& add(const std::string& name, LayerKind kind) {
    Layer layer;
    layer.name = name;
    layer.kind = kind;
    layer.inputs = {last_};
    result_.layers.push_back(std::move(layer));
    last_ = name;
    return result_.layers.back();
  }

  Architecture result_;
  double width_;
  std::string last_ = "input";
  int channels_ = 0;
};

enum class Projection { padded, cifar, torchvision };

/// Two 3 x 3 convolutions with norms beside a shortcut.
void basic_block(Builder& net, const std::string& name, int channels, int stride, Projection projection) {
  const std::string in = net.last();
  const int from = net.channels();
  net.convolution(name + ".conv1", channels, 3, stride, 1);
  net.simple(name + ".bn1", LayerKind::batch_norm);
  net.simple(name + ".relu1", LayerKind::relu);
  net.convolution(name + ".conv2", channels, 3, 1, 1);
  net.simple(name + ".bn2", LayerKind::batch_norm);
  const std::string residual = net.last();
  std::string shortcut = in;
  if (stride != 1 || from != channels) {
    net.read(in);
    if (projection == Projection::padded) {
      net.padded_shortcut(name + ".shortcut", from, channels, stride);
    } else {
      const std::string prefix = name + (projection == Projection::cifar ? ".shortcut" : ".downsample");
      net.convolution(prefix + ".0", channels, 1, stride, 0);
      net.simple(prefix + ".1", LayerKind::batch_norm);
    }
    shortcut = net.last();
    net.read(residual);
  }
  net.sum(name + ".add", shortcut);
  net.simple(name + ".relu2", LayerKind::relu);
}

void stages(Builder& net, const std::vector<int>& widths, int blocks, Projection projection) {
  for (std::size_t stage = 0; stage < widths.size(); ++stage)
    for (int block = 0; block < blocks; ++block)
      basic_block(net, fmt::format("layer{}.{}", stage + 1, block), net.scaled(widths[stage]),
                  stage > 0 && block == 0 ? 2 : 1, projection);
}

Architecture cifar_resnet(Builder net, int depth, Projection projection, int classes) {
  net.convolution("conv1", net.scaled(16), 3, 1, 1);
  net.simple("bn1", LayerKind::batch_norm);
  net.simple("relu", LayerKind::relu);
  stages(net, {16, 32, 64}, (depth - 2) / 6, projection);
  net.simple("pool", LayerKind::global_pool);
  net.linear("linear", classes);
  return net.done();
}

Architecture resnet18(Builder net, int first, bool large_stem, int classes) {
  net.convolution("conv1", net.scaled(first), large_stem ? 7 : 3, large_stem ? 2 : 1, large_stem ? 3 : 1);
  net.simple("bn1", LayerKind::batch_norm);
  net.simple("relu", LayerKind::relu);
  if (large_stem) net.max_pool("maxpool", 3, 2, 1);
  stages(net, {first, 2 * first, 4 * first, 8 * first}, 2, Projection::torchvision);
  net.simple("avgpool", LayerKind::global_pool);
  net.linear("fc", classes);
  return net.done();
}

/// Convolutions as torchvision's `features` numbers them; 0 in the list is a pool.
void features(Builder& net, const std::vector<int>& widths, bool norm) {
  int place = 0;
  const auto name = [&] { return fmt::format("features.{}", place++); };
  for (const int width : widths) {
    if (width == 0) {
      net.max_pool(name(), 2, 2);
      continue;
    }
    net.convolution(name(), net.scaled(width), 3, 1, 1, !norm);
    if (norm) net.simple(name(), LayerKind::batch_norm);
    net.simple(name(), LayerKind::relu);
  }
  net.simple("flatten", LayerKind::flatten);
}

/// Two hidden layers of 128 and the logits.
void classifier(Builder& net, int classes) {
  net.linear("classifier.0", 128);
  net.simple("classifier.1", LayerKind::relu);
  net.linear("classifier.2", 128);
  net.simple("classifier.3", LayerKind::relu);
  net.linear("classifier.4", classes);
}

Architecture mini(Builder net, const std::vector<int>& widths, int classes) {
  features(net, widths, false);
  classifier(net, classes);
  return net.done();
}

Architecture vgg16(Builder net, int classes) {
  features(net, {64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0}, true);
  net.linear("classifier", classes);
  return net.done();
}

}  // namespace

std::vector<std::string> stock_names() {
  return {"resnet20",   "resnet32",   "resnet44",     "resnet56",    "resnet110", "resnet20-b",
          "resnet32-b", "resnet44-b", "resnet56-b",   "resnet110-b", "resnet18",  "resnet18-w8",
          "vgg16-bn",   "vgg11-mini", "alexnet-mini", "cnn-mini"};
}

Architecture stock_architecture(const std::string& name, const ImageShape& input, int classes, double width) {
  const Builder net(input, classes, width);
  for (const int depth : {20, 32, 44, 56, 110}) {
    if (name == fmt::format("resnet{}", depth)) return cifar_resnet(net, depth, Projection::padded, classes);
    if (name == fmt::format("resnet{}-b", depth)) return cifar_resnet(net, depth, Projection::cifar, classes);
  }
  if (name == "resnet18") return resnet18(net, 64, false, classes);
  if (name == "resnet18-w8") return resnet18(net, 8, true, classes);
  if (name == "vgg16-bn") return vgg16(net, classes);
  if (name == "vgg11-mini") return mini(net, {16, 0, 32, 0, 64, 64, 0, 128, 128, 0, 128, 128, 0}, classes);
  if (name == "alexnet-mini") return mini(net, {8, 0, 16, 0, 32, 16, 16, 0}, classes);
  if (name == "cnn-mini") return mini(net, {16, 0, 32, 0}, classes);
  throw UsageError("no architecture is called '{}': expected {}, or a file in .json", name,
                   fmt::join(stock_names(), ", "));
}

}  // namespace espalier
