#include "nn/architecture.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/json.h"

namespace espalier {

namespace {

constexpr std::pair<LayerKind, const char*> kKinds[] = {{LayerKind::convolution, "convolution"},
                                                        {LayerKind::batch_norm, "batch-norm"},
                                                        {LayerKind::relu, "relu"},
                                                        {LayerKind::max_pool, "max-pool"},
                                                        {LayerKind::average_pool, "average-pool"},
                                                        {LayerKind::global_pool, "global-pool"},
                                                        {LayerKind::add, "add"},
                                                        {LayerKind::shortcut, "shortcut"},
                                                        {LayerKind::flatten, "flatten"},
                                                        {LayerKind::linear, "linear"},
                                                        {LayerKind::dropout, "dropout"}};

constexpr int kMostSize = 1 << 20;           // of any one number of a layer
constexpr double kMostValues = 2147483648.;  // of one image in a layer, and of a layer's weights: 8 GiB

bool has_window(LayerKind kind) {
  return kind == LayerKind::convolution || kind == LayerKind::max_pool || kind == LayerKind::average_pool;
}

const char* name_of(LayerKind kind) {
  for (const auto& [k, name] : kKinds)
    if (k == kind) return name;
  throw BugError("a layer of kind {}", int(kind));
}

/// Reads members of one JSON object, refusing what is of the wrong type and what is left over.
class Members {
 public:
  Members(const Json& object, std::string where, const std::string& source)
      : object_(object), where_(std::move(where)), source_(source) {
    if (!object.is_object()) fail("is not an object");
  }
  void call(std::string where) { where_ = std::move(where); }
  bool has(const char* name) const { return object_.find(name) != nullptr; }
  int integer(const char* name, int least, int otherwise = -1) {
    const Json* value = take(name);
    if (!value) {
      if (otherwise < 0) fail(fmt::format("has no \"{}\"", name));
      return otherwise;
    }
    if (!value->is_integer() || value->number() < least || value->number() > kMostSize)
      fail(fmt::format("\"{}\" is {}, expected an integer from {}", name, value->dump(), least));
    return int(value->integer());
  }
  std::vector<int> integers(const char* name) {
    std::vector<int> result;
    for (const Json& item : list(name)) {
      if (!item.is_integer() || item.number() < -1 || item.number() > kMostSize)
        fail(fmt::format("\"{}\" holds {}", name, item.dump()));
      result.push_back(int(item.integer()));
    }
    return result;
  }
  std::string text(const char* name) {
    const Json* value = take(name);
    if (!value || !value->is_text() || value->text().empty()) fail(fmt::format("has no \"{}\"", name));
    return value->text();
  }
  std::vector<std::string> texts(const char* name) {
    std::vector<std::string> result;
    for (const Json& item : list(name)) {
      if (!item.is_text()) fail(fmt::format("\"{}\" holds {}", name, item.dump()));
      result.push_back(item.text());
    }
    return result;
  }
  bool truth(const char* name) {
    const Json* value = take(name);
    if (value && !value->is_truth()) fail(fmt::format("\"{}\" is {}, expected true or false", name, value->dump()));
    return value && value->truth();
  }
  double share(const char* name) {
    const Json* value = take(name);
    if (value && (!value->is_number() || !(value->number() >= 0 && value->number() < 1)))
      fail(fmt::format("\"{}\" is {}, expected a number from 0, below 1", name, value->dump()));
    return value ? value->number() : 0;
  }
  /// Empty where there is no such member.
  Json::List list(const char* name) {
    const Json* value = take(name);
    if (!value) return {};
    if (!value->is_list()) fail(fmt::format("\"{}\" is not a list", name));
    return value->list();
  }
  const Json* take(const char* name) {
    taken_.insert(name);
    return object_.find(name);
  }
  void refuse_rest() const {
    for (const auto& [name, value] : object_.members())
      if (!taken_.count(name)) fail(fmt::format("has an unknown member \"{}\"", name));
  }
  [[noreturn]] void fail(const std::string& what) const { throw DataError(source_, "", "{} {}", where_, what); }

 private:
  const Json& object_;
  std::string where_;
  const std::string& source_;
  std::set<std::string> taken_;
};

Layer parse_layer(const Json& json, std::size_t place, const std::vector<Layer>& before, const std::string& source) {
  Members members(json, fmt::format("layer {}", place), source);
  Layer layer;
  layer.name = members.text("name");
  members.call(fmt::format("layer \"{}\"", layer.name));
  // Parameters are stored as datasets of this name.
  if (std::any_of(layer.name.begin(), layer.name.end(), [](unsigned char c) { return c < 32 || c == '/'; }))
    members.fail("has a name with a slash or a control character in it");
  const std::string kind = members.text("kind");
  const auto known =
      std::find_if(std::begin(kKinds), std::end(kKinds), [&](const auto& k) { return k.second == kind; });
  if (known == std::end(kKinds)) members.fail(fmt::format("is of an unknown kind \"{}\"", kind));
  layer.kind = known->first;
  if (members.has("inputs"))
    layer.inputs = members.texts("inputs");
  else
    layer.inputs = {before.empty() ? "input" : before.back().name};
  const bool convolution = layer.kind == LayerKind::convolution, linear = layer.kind == LayerKind::linear;
  if (convolution || linear) {
    layer.channels = members.integer("channels", 1);
    layer.bias = members.truth("bias");
  }
  if (has_window(layer.kind)) {
    layer.kernel = members.integer("kernel", 1);
    layer.stride = members.integer("stride", 1, convolution ? 1 : layer.kernel);
    layer.padding = members.integer("padding", 0, 0);
  }
  if (layer.kind == LayerKind::shortcut) {
    layer.stride = members.integer("stride", 1, 1);
    layer.map = members.integers("map");
    layer.channels = int(layer.map.size());
  }
  if (layer.kind == LayerKind::dropout) layer.rate = members.share("rate");
  members.refuse_rest();
  return layer;
}

[[noreturn]] void refuse(const Layer& layer, const std::string& what) {
  throw DataError("", "", "layer \"{}\" {}", layer.name, what);
}

/// Pixels along one side of what a window makes of `size`.
int windows(const Layer& layer, int size) {
  if (layer.padding >= layer.kernel)
    refuse(layer, fmt::format("has a padding of {} around a kernel of {}", layer.padding, layer.kernel));
  const int padded = size + 2 * layer.padding;
  if (padded < layer.kernel) refuse(layer, fmt::format("has a kernel of {} on {} pixels", layer.kernel, padded));
  return (padded - layer.kernel) / layer.stride + 1;
}

ImageShape shape_of(const Layer& layer, const std::vector<ImageShape>& in) {
  const ImageShape& x = in[0];
  switch (layer.kind) {
    case LayerKind::convolution:
      return {layer.channels, windows(layer, x.height), windows(layer, x.width)};
    case LayerKind::max_pool:
    case LayerKind::average_pool:
      return {x.channels, windows(layer, x.height), windows(layer, x.width)};
    case LayerKind::global_pool:
      return {x.channels, 1, 1};
    case LayerKind::add:
      if (in[0] != in[1]) refuse(layer, fmt::format("adds {} and {}", describe(in[0]), describe(in[1])));
      return x;
    case LayerKind::shortcut:
      if (layer.map.empty()) refuse(layer, "has no channels in its map");
      for (const int channel : layer.map)
        if (channel >= x.channels) refuse(layer, fmt::format("maps channel {} of {}", channel, x.channels));
      return {layer.channels, (x.height - 1) / layer.stride + 1, (x.width - 1) / layer.stride + 1};
    case LayerKind::flatten:
      if (x.size() > std::size_t(kMostSize)) refuse(layer, fmt::format("flattens {}", describe(x)));
      return {int(x.size()), 1, 1};
    case LayerKind::linear:
      if (x.pixels() != 1) refuse(layer, fmt::format("reads {}: flatten or pool it first", describe(x)));
      return {layer.channels, 1, 1};
    default:
      return x;
  }
}

/// Beyond these sizes nothing could run, and products of sizes would pass the range of integers.
void require_sizes(const Layer& layer, const ImageShape& in, const ImageShape& out) {
  if (double(out.channels) * out.height * out.width > kMostValues)
    refuse(layer, fmt::format("has {} values, more than 2^31", describe(out)));
  const bool weighs = layer.kind == LayerKind::convolution || layer.kind == LayerKind::linear;
  if (weighs && double(out.channels) * in.channels * layer.kernel * layer.kernel > kMostValues)
    refuse(layer, fmt::format("has {} x {} x {} x {} weights, more than 2^31", out.channels, in.channels, layer.kernel,
                              layer.kernel));
}

}  // namespace

std::string describe(const ImageShape& shape) {
  return fmt::format("{} x {} x {}", shape.channels, shape.height, shape.width);
}

Architecture parse_architecture(std::string_view text, const std::string& source) {
  const Json json = Json::parse(text, source);
  Members members(json, "the architecture", source);
  Architecture result;
  const std::vector<int> input = members.integers("input");
  if (input.size() != 3 || *std::min_element(input.begin(), input.end()) < 1)
    members.fail("needs \"input\": [channels, height, width]");
  result.input = {input[0], input[1], input[2]};
  if (double(input[0]) * input[1] * input[2] > kMostValues)
    members.fail(fmt::format("has an input of {} values, more than 2^31", describe(result.input)));
  result.classes = members.integer("classes", 1);
  const Json* layers = members.take("layers");
  if (!layers || !layers->is_list() || layers->list().empty()) members.fail("has no list of \"layers\"");
  members.refuse_rest();
  for (const Json& layer : layers->list())
    result.layers.push_back(parse_layer(layer, result.layers.size(), result.layers, source));
  try {
    infer_shapes(result);
  } catch (const DataError& error) {
    throw DataError(source, "", "{}", error.what());
  }
  return result;
}

std::string to_json(const Architecture& architecture) {
  Json layers = Json::List();
  for (const Layer& layer : architecture.layers) {
    Json one;
    one.set("name", layer.name);
    one.set("kind", name_of(layer.kind));
    one.set("inputs", layer.inputs);
    if (layer.kind == LayerKind::convolution || layer.kind == LayerKind::linear) one.set("channels", layer.channels);
    if (has_window(layer.kind)) {
      one.set("kernel", layer.kernel);
      one.set("stride", layer.stride);
      one.set("padding", layer.padding);
    }
    if (layer.bias) one.set("bias", true);
    if (layer.kind == LayerKind::shortcut) {
      one.set("stride", layer.stride);
      one.set("map", layer.map);
    }
    if (layer.kind == LayerKind::dropout) one.set("rate", layer.rate);
    layers.append(std::move(one));
  }
  const ImageShape& input = architecture.input;
  return Json::object({{"input", Json::List{input.channels, input.height, input.width}},
                       {"classes", architecture.classes},
                       {"layers", layers}})
      .dump(1);
}

int input_index(const Architecture& architecture, std::size_t layer, std::size_t which) {
  const std::string& wanted = architecture.layers[layer].inputs[which];
  if (wanted == "input") return -1;
  for (std::size_t i = 0; i < layer; ++i)
    if (architecture.layers[i].name == wanted) return int(i);
  for (std::size_t i = layer; i < architecture.layers.size(); ++i)
    if (architecture.layers[i].name == wanted)
      refuse(architecture.layers[layer], fmt::format("reads \"{}\", which does not stand before it", wanted));
  refuse(architecture.layers[layer], fmt::format("reads \"{}\", which there is not", wanted));
}

std::vector<ImageShape> infer_shapes(const Architecture& architecture) {
  std::vector<ImageShape> shapes;
  std::set<std::string> names = {"input"};
  for (std::size_t i = 0; i < architecture.layers.size(); ++i) {
    const Layer& layer = architecture.layers[i];
    if (!names.insert(layer.name).second) refuse(layer, "has the name of another");
    const std::size_t expected = layer.kind == LayerKind::add ? 2 : 1;
    if (layer.inputs.size() != expected)
      refuse(layer, fmt::format("has {} inputs, expected {}", layer.inputs.size(), expected));
    std::vector<ImageShape> in;
    for (std::size_t which = 0; which < expected; ++which) {
      const int from = input_index(architecture, i, which);
      in.push_back(from < 0 ? architecture.input : shapes[std::size_t(from)]);
    }
    shapes.push_back(shape_of(layer, in));
    require_sizes(layer, in[0], shapes.back());
  }
  if (shapes.empty()) throw DataError("", "", "the architecture has no layers");
  if (shapes.back() != ImageShape{architecture.classes, 1, 1})
    refuse(architecture.layers.back(),
           fmt::format("ends the network with {} for {} classes", describe(shapes.back()), architecture.classes));
  return shapes;
}

std::vector<ParameterInfo> list_parameters(const Architecture& architecture) {
  const std::vector<ImageShape> shapes = infer_shapes(architecture);
  std::vector<ParameterInfo> result;
  for (std::size_t i = 0; i < architecture.layers.size(); ++i) {
    const Layer& layer = architecture.layers[i];
    const int from = input_index(architecture, i, 0);
    const auto in = std::size_t((from < 0 ? architecture.input : shapes[std::size_t(from)]).channels);
    const auto out = std::size_t(shapes[i].channels), kernel = std::size_t(layer.kernel);
    const auto add = [&](const char* name, std::vector<std::size_t> shape, bool trained = true) {
      result.push_back({layer.name + "." + name, int(i), std::move(shape), trained});
    };
    if (layer.kind == LayerKind::convolution) add("weight", {out, in, kernel, kernel});
    if (layer.kind == LayerKind::linear) add("weight", {out, in});
    if (layer.bias) add("bias", {out});
    if (layer.kind == LayerKind::batch_norm) {
      add("weight", {out});
      add("bias", {out});
      add("running_mean", {out}, false);
      add("running_var", {out}, false);
    }
  }
  return result;
}

std::size_t count_parameters(const Architecture& architecture) {
  std::size_t total = 0;
  for (const ParameterInfo& p : list_parameters(architecture)) total += p.trained ? p.size() : 0;
  return total;
}

std::size_t count_parameters(const Architecture& architecture, std::size_t layer) {
  std::size_t total = 0;
  for (const ParameterInfo& p : list_parameters(architecture))
    total += p.trained && p.layer == int(layer) ? p.size() : 0;
  return total;
}

std::size_t count_macs(const Architecture& architecture, std::size_t i, const std::vector<ImageShape>& shapes) {
  const Layer& layer = architecture.layers[i];
  if (layer.kind != LayerKind::convolution && layer.kind != LayerKind::linear) return 0;
  const int from = input_index(architecture, i, 0);
  const auto in = std::size_t((from < 0 ? architecture.input : shapes[std::size_t(from)]).channels);
  const auto kernel = std::size_t(layer.kind == LayerKind::linear ? 1 : layer.kernel);
  return shapes[i].size() * in * kernel * kernel;
}

std::size_t count_macs(const Architecture& architecture) {
  const std::vector<ImageShape> shapes = infer_shapes(architecture);
  std::size_t total = 0;
  for (std::size_t i = 0; i < architecture.layers.size(); ++i) total += count_macs(architecture, i, shapes);
  return total;
}

}  // namespace espalier
