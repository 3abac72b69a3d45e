#pragma once
/// Networks computed by plain loops in double precision, one layer at a time, nothing fused and nothing shared with the
/// engine: what the fast paths are compared with.

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "nn/parameters.h"
#include "tensor/matrix.h"

namespace espalier::plain {

/// Values of one layer, [image][channel][row][column].
struct Values {
  ImageShape shape;
  std::vector<double> at;
};

/// Parameters in double, in the order of list_parameters.
using Tensors = std::vector<std::vector<double>>;

inline Tensors tensors(const Parameters& parameters) {
  Tensors result;
  for (const Parameter& p : parameters) result.emplace_back(p.values.begin(), p.values.end());
  return result;
}

/// What a pass is for. In training norms use the batch, and leave its mean and unbiased variance in `batch`, by
/// parameter, but for frozen channels; dropout keeps what `keeps(layer, place)` says.
struct Mode {
  bool training = false;
  std::function<bool(std::size_t layer, std::size_t place)> keeps;
  Tensors* batch = nullptr;
  std::function<bool(std::size_t layer, std::size_t channel)> frozen = {};
};

/// Calls body(place in out, place in x, row of the window, column of the window) for each pixel in each window.
template <class Body>
void for_windows(const ImageShape& x, const ImageShape& out, int height, int width, int stride, int padding,
                 Body&& body) {
  for (int i = 0; i < out.height; ++i)
    for (int j = 0; j < out.width; ++j)
      for (int r = 0; r < height; ++r)
        for (int s = 0; s < width; ++s) {
          const int row = i * stride + r - padding, column = j * stride + s - padding;
          if (row < 0 || column < 0 || row >= x.height || column >= x.width) continue;
          body(std::size_t(i * out.width + j), std::size_t(row * x.width + column), r, s);
        }
}

inline void convolve(const Layer& layer, const Values& x, const double* weight, const double* bias, std::size_t n,
                     Values& y) {
  const std::size_t inputs = std::size_t(x.shape.channels), outputs = std::size_t(y.shape.channels);
  const std::size_t in_pixels = x.shape.pixels(), out_pixels = y.shape.pixels(), k = std::size_t(layer.kernel);
  for (std::size_t image = 0; image < n; ++image)
    for (std::size_t o = 0; o < outputs; ++o) {
      double* const to = &y.at[(image * outputs + o) * out_pixels];
      std::fill_n(to, out_pixels, bias ? bias[o] : 0);
      for (std::size_t c = 0; c < inputs; ++c)
        for_windows(x.shape, y.shape, layer.kernel, layer.kernel, layer.stride, layer.padding,
                    [&](std::size_t out, std::size_t in, int r, int s) {
                      to[out] += weight[((o * inputs + c) * k + std::size_t(r)) * k + std::size_t(s)] *
                                 x.at[(image * inputs + c) * in_pixels + in];
                    });
    }
}

inline void normalize(std::size_t layer, const Values& x, const Tensors& parameters, std::size_t first, std::size_t n,
                      const Mode& mode, Values& y) {
  const std::size_t channels = std::size_t(x.shape.channels), pixels = x.shape.pixels();
  for (std::size_t c = 0; c < channels; ++c) {
    const auto each = [&](auto&& body) {
      for (std::size_t image = 0; image < n; ++image)
        for (std::size_t i = 0; i < pixels; ++i) body((image * channels + c) * pixels + i);
    };
    double mean = parameters[first + 2][c], variance = parameters[first + 3][c];
    if (mode.training && !(mode.frozen && mode.frozen(layer, c))) {
      const double count = double(n * pixels);
      mean = variance = 0;
      each([&](std::size_t i) { mean += x.at[i] / count; });
      each([&](std::size_t i) { variance += (x.at[i] - mean) * (x.at[i] - mean) / count; });
      if (mode.batch) {
        (*mode.batch)[first + 2][c] = mean;
        (*mode.batch)[first + 3][c] = variance * (count > 1 ? count / (count - 1) : 1);
      }
    }
    each([&](std::size_t i) {
      y.at[i] = (x.at[i] - mean) / std::sqrt(variance + 1e-5) * parameters[first][c] + parameters[first + 1][c];
    });
  }
}

inline void pool(const Layer& layer, const Values& x, std::size_t n, Values& y) {
  const bool global = layer.kind == LayerKind::global_pool, largest = layer.kind == LayerKind::max_pool;
  const int height = global ? x.shape.height : layer.kernel, width = global ? x.shape.width : layer.kernel;
  for (std::size_t plane = 0; plane < n * std::size_t(x.shape.channels); ++plane) {
    double* const to = &y.at[plane * y.shape.pixels()];
    std::fill_n(to, y.shape.pixels(), largest ? -INFINITY : 0);
    for_windows(x.shape, y.shape, height, width, global ? 1 : layer.stride, global ? 0 : layer.padding,
                [&](std::size_t out, std::size_t in, int, int) {
                  const double value = x.at[plane * x.shape.pixels() + in];
                  to[out] = largest ? std::max(to[out], value) : to[out] + value / (height * width);
                });
  }
}

inline void shorten(const Layer& layer, const Values& x, std::size_t n, Values& y) {
  for (std::size_t image = 0; image < n; ++image)
    for (std::size_t c = 0; c < std::size_t(y.shape.channels); ++c)
      for_windows(x.shape, y.shape, 1, 1, layer.stride, 0, [&](std::size_t out, std::size_t in, int, int) {
        const int from = layer.map[c];
        const std::size_t plane = image * std::size_t(x.shape.channels) + std::size_t(std::max(from, 0));
        y.at[(image * std::size_t(y.shape.channels) + c) * y.shape.pixels() + out] =
            from < 0 ? 0 : x.at[plane * x.shape.pixels() + in];
      });
}

/// The values of each layer, in the order of the layers.
inline std::vector<Values> run(const Architecture& architecture, const Tensors& parameters, const Values& images,
                               std::size_t n, const Mode& mode = {}) {
  const std::vector<ImageShape> shapes = infer_shapes(architecture);
  const std::vector<ParameterInfo> infos = list_parameters(architecture);
  std::vector<Values> all;
  for (std::size_t l = 0; l < architecture.layers.size(); ++l) {
    const Layer& layer = architecture.layers[l];
    const auto input = [&](std::size_t which) -> const Values& {
      const int from = input_index(architecture, l, which);
      return from < 0 ? images : all[std::size_t(from)];
    };
    const Values& x = input(0);
    Values y{shapes[l], std::vector<double>(n * shapes[l].size())};
    std::size_t first = 0;
    while (first < infos.size() && infos[first].layer != int(l)) ++first;
    switch (layer.kind) {
      case LayerKind::convolution:
      case LayerKind::linear:
        convolve(layer, x, parameters[first].data(), layer.bias ? parameters[first + 1].data() : nullptr, n, y);
        break;
      case LayerKind::batch_norm:
        normalize(l, x, parameters, first, n, mode, y);
        break;
      case LayerKind::relu:
        for (std::size_t i = 0; i < y.at.size(); ++i) y.at[i] = std::max(0.0, x.at[i]);
        break;
      case LayerKind::max_pool:
      case LayerKind::average_pool:
      case LayerKind::global_pool:
        pool(layer, x, n, y);
        break;
      case LayerKind::add:
        for (std::size_t i = 0; i < y.at.size(); ++i) y.at[i] = x.at[i] + input(1).at[i];
        break;
      case LayerKind::shortcut:
        shorten(layer, x, n, y);
        break;
      case LayerKind::flatten:
        y.at = x.at;
        break;
      case LayerKind::dropout:
        for (std::size_t i = 0; i < y.at.size(); ++i)
          y.at[i] = !mode.training ? x.at[i] : mode.keeps(l, i) ? x.at[i] / (1 - layer.rate) : 0;
        break;
    }
    all.push_back(std::move(y));
  }
  return all;
}

/// Mean cross-entropy of the logits with smoothed labels.
inline double cross_entropy(const Values& logits, const std::vector<std::int32_t>& labels, double smoothing) {
  const std::size_t classes = logits.shape.size();
  double loss = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const double* const z = &logits.at[i * classes];
    const double most = *std::max_element(z, z + classes);
    double sum = 0;
    for (std::size_t c = 0; c < classes; ++c) sum += std::exp(z[c] - most);
    for (std::size_t c = 0; c < classes; ++c) {
      const double target = smoothing / double(classes) + (int(c) == labels[i] ? 1 - smoothing : 0);
      loss -= target * (z[c] - most - std::log(sum)) / double(labels.size());
    }
  }
  return loss;
}

}  // namespace espalier::plain
