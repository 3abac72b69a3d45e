#pragma once
/// What a network is: a list of named layers with named inputs, widths as data.
///
/// The layers form a graph without cycles: a layer reads layers that stand before it, or "input". The last layer's
/// values are the logits. Parameters are named as PyTorch names them in the CIFAR ResNets and torchvision's models.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

enum class LayerKind {
  convolution,  ///< channels, kernel, stride, padding, bias
  batch_norm,
  relu,
  max_pool,      ///< kernel, stride, padding
  average_pool,  ///< kernel, stride, padding; zeros of the padding count
  global_pool,   ///< mean over all pixels
  add,           ///< two inputs of one shape
  shortcut,      ///< every stride-th pixel; channel c is channel map[c] of the input, or zero where that is -1
  flatten,       ///< channels, height and width as channels of one pixel
  linear,        ///< channels, bias; of one pixel
  dropout,       ///< rate
};

struct Layer {
  std::string name;
  LayerKind kind = LayerKind::relu;
  std::vector<std::string> inputs;
  int channels = 0;  ///< that come out
  int kernel = 1, stride = 1, padding = 0;
  bool bias = false;
  double rate = 0;  ///< share of values dropped, in [0, 1)
  std::vector<int> map;
};

struct ImageShape {
  int channels = 0, height = 0, width = 0;
  std::size_t pixels() const { return std::size_t(height) * std::size_t(width); }
  std::size_t size() const { return std::size_t(channels) * pixels(); }
  bool operator==(const ImageShape&) const = default;
};

std::string describe(const ImageShape&);  ///< "3 x 32 x 32"

struct Architecture {
  ImageShape input;
  int classes = 0;
  std::vector<Layer> layers;
};

/// From and to JSON text: {"input": [C, H, W], "classes": n, "layers": [{"name": ..., "kind": ..., ...}, ...]}. A layer
/// without "inputs" reads the one before it. Throws DataError, with `source` as the file's name, for what is not JSON,
/// has unknown members or kinds, or fails check_architecture.
Architecture parse_architecture(std::string_view json, const std::string& source);
std::string to_json(const Architecture&);

/// The layer's place in the list, and -1 for "input". Throws DataError naming both layers where there is none.
int input_index(const Architecture&, std::size_t layer, std::size_t which);

/// Shape of the values of each layer. Throws DataError naming the layer: an input that is missing or stands later (a
/// cycle), two layers of one name, sizes out of range or that do not fit, logits that are not the classes.
std::vector<ImageShape> infer_shapes(const Architecture&);

/// A tensor that a layer learns, or keeps (running statistics).
struct ParameterInfo {
  std::string name;  ///< "layer1.0.conv1.weight"
  int layer;
  std::vector<std::size_t> shape;  ///< O x I x K x K, O x I, or O
  bool trained;                    ///< not a running statistic
  std::size_t size() const {
    std::size_t n = 1;
    for (std::size_t s : shape) n *= s;
    return n;
  }
};

/// In the order of the layers; each layer's in PyTorch's order.
std::vector<ParameterInfo> list_parameters(const Architecture&);

/// Numbers that are learned, without running statistics; of one layer, or of all.
std::size_t count_parameters(const Architecture&);
std::size_t count_parameters(const Architecture&, std::size_t layer);

/// Multiplications with additions for one image: those of convolutions and linear layers.
std::size_t count_macs(const Architecture&);
std::size_t count_macs(const Architecture&, std::size_t layer, const std::vector<ImageShape>& shapes);

}  // namespace espalier
