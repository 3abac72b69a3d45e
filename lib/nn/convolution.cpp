#include "nn/convolution.h"

#include <algorithm>

#include "base/parallel.h"
#include "nn/channel_tiles.h"
#include "nn/convolution_kernels.h"
#include "nn/direct_gradient.h"
#include "nn/plane_kernels.h"
#include "nn/winograd.h"

namespace espalier {

namespace {

constexpr std::size_t kFrameBytes = 400 << 10;  ///< of packed rows, so that they stay in the second-level cache

using std::ptrdiff_t;

/// Taps of a kernel along one axis, in the order in which their input pixels follow each other; output pixel i of the
/// class reads pixels i * step + first, ... + 1, ...
struct Taps {
  std::vector<int> taken;
  int first = 0;
  int count() const { return int(taken.size()); }
};

/// Those of the forward direction: all of them.
Taps all_taps(const ConvolutionShape& shape) {
  Taps taps{{}, -shape.padding};
  for (int r = 0; r < shape.kernel; ++r) taps.taken.push_back(r);
  return taps;
}

/// Those by which input pixels of one parity class met the output: tap r led from input pixel h to (h + P - r) / S.
Taps taps_back(const ConvolutionShape& shape, int parity) {
  Taps taps;
  for (int r = shape.kernel - 1; r >= 0; --r)
    if ((parity + shape.padding - r) % shape.stride == 0) taps.taken.push_back(r);
  if (taps.count() > 0) taps.first = (parity + shape.padding - taps.taken[0]) / shape.stride;
  return taps;
}

/// Output pixels whose row is `row` and whose column is `column`, apart from multiples of the correlation's `apart`.
struct PixelClass {
  Taps down, across;
  int row = 0, column = 0;
};

/// One correlation over all blocks: the common core of both directions. Each class of pixels of an image of shape `to`
/// has its own taps; all read the same packed input.
struct Correlation {
  const float* in;
  ActivationView view;
  ImageShape from, to;
  std::vector<PixelClass> classes;
  int apart, step;  ///< between pixels of a class, in the output and in the input
  float* out;
  bool add = false;
  const float* bias = nullptr;
  double* moments = nullptr;

  int rows(const PixelClass& c) const { return (to.height - c.row + apart - 1) / apart; }
  int columns(const PixelClass& c) const { return (to.width - c.column + apart - 1) / apart; }
  std::size_t weights(const PixelClass& c) const {
    return std::size_t(to.channels) * std::size_t(from.channels) * std::size_t(c.down.count()) *
           std::size_t(c.across.count());
  }
};

/// Weights in the order in which the kernel reads them: [class][tile][input][down][across][output of the tile].
template <class Weight>
const float* repack(const Correlation& c, const ChannelTiles& tiles, ConvolutionScratch& scratch, Weight&& weight) {
  std::size_t all = 0;
  for (const PixelClass& pixels : c.classes) all += c.weights(pixels);
  float* const begin = scratch.weights(all);
  float* out = begin;
  for (const PixelClass& pixels : c.classes)
    for (int tile = 0; tile < tiles.count; ++tile)
      for (int i = 0; i < c.from.channels; ++i)
        for (const int r : pixels.down.taken)
          for (const int s : pixels.across.taken)
            for (int o = tiles.begin(tile); o < tiles.begin(tile + 1); ++o)
              *out++ = weight(std::size_t(o), std::size_t(i), std::size_t(r), std::size_t(s));
  return begin;
}

/// How the rows of a correlation are cut into bands whose packed input fits the cache.
struct Bands {
  int rows = 0, height, count;  ///< of the class that has the most rows
  int first_tap = 0, taps = 0;  ///< down, of all classes together
  int left = 0, right = 0;      ///< zeros beside the packed rows, as far as the taps reach
  std::size_t width;

  explicit Bands(const Correlation& c) {
    int last_tap = 0;
    first_tap = c.from.height;
    for (const PixelClass& pixels : c.classes) {
      const int reach = pixels.across.first + (c.columns(pixels) - 1) * c.step + pixels.across.count();
      rows = std::max(rows, c.rows(pixels));
      first_tap = std::min(first_tap, pixels.down.first);
      last_tap = std::max(last_tap, pixels.down.first + pixels.down.count());
      left = std::max(left, -pixels.across.first);
      right = std::max(right, reach - c.from.width);
    }
    taps = last_tap - first_tap;
    width = std::size_t(left + c.from.width + right);
    height = std::max(1, rows);
    while (height > 1 && frame_floats(c) * sizeof(float) > kFrameBytes) height = (height + 1) / 2;
    count = (rows + height - 1) / height;
  }
  int packed_rows(const Correlation& c, int band) const { return (band - 1) * c.step + taps; }
  std::size_t frame_floats(const Correlation& c) const {
    return std::size_t(c.from.channels) * std::size_t(packed_rows(c, height)) * width * image_lanes();
  }
};

/// One band of one block: packs its input, then writes tile after tile of output channels.
void run_band(const Correlation& c, const Bands& bands, const ChannelTiles& tiles, const float* weights,
              std::size_t images, std::size_t block, int band, float* frame, double* moments) {
  const NetConvolutionKernels& kernels = net_convolution_kernels();
  const std::size_t lanes = image_lanes();
  const int first = band * bands.height, packed = bands.packed_rows(c, std::min(bands.height, bands.rows - first));
  kernels.pack({c.in + block * c.from.size() * lanes, c.from.channels, c.from.height, c.from.width,
                first * c.step + bands.first_tap, packed, bands.left, bands.right, c.view.scale, c.view.shift,
                c.view.rectify, frame});
  for (const PixelClass& pixels : c.classes) {
    const int rows = std::min(bands.height, c.rows(pixels) - first), columns = c.columns(pixels);
    const std::size_t corner =
        std::size_t(pixels.row + first * c.apart) * std::size_t(c.to.width) + std::size_t(pixels.column);
    const std::size_t start =
        std::size_t(pixels.down.first - bands.first_tap) * bands.width + std::size_t(pixels.across.first + bands.left);
    for (int tile = 0; tile < tiles.count; ++tile) {
      const auto o = std::size_t(tiles.begin(tile));
      float* const out = c.out + (block * c.to.size() + o * c.to.pixels() + corner) * lanes;
      kernels.correlate({frame + start * lanes, ptrdiff_t(std::size_t(packed) * bands.width), ptrdiff_t(bands.width),
                         c.from.channels, pixels.down.count(), pixels.across.count(), c.step, weights,
                         c.bias ? c.bias + o : nullptr, out, ptrdiff_t(c.to.pixels()), ptrdiff_t(c.to.width) * c.apart,
                         c.apart, tiles.size(tile), rows, columns, c.add});
      weights += tiles.size(tile) * c.from.channels * pixels.down.count() * pixels.across.count();
      if (moments)
        for (int i = 0; i < tiles.size(tile); ++i)
          plane_kernels().moments(out + std::size_t(i) * c.to.pixels() * lanes,
                                  std::size_t(rows) * std::size_t(c.to.width), lane_weights(images, block),
                                  moments + 2 * (o + std::size_t(i)));
    }
  }
}

void run(const Correlation& c, const ChannelTiles& tiles, const float* weights, std::size_t images,
         ConvolutionScratch& scratch) {
  const Bands bands(c);
  const std::size_t jobs = image_blocks(images) * std::size_t(bands.count), sums = 2 * std::size_t(c.to.channels);
  for (int worker = 0; worker < threads(); ++worker) scratch.frame(worker, bands.frame_floats(c));
  std::vector<double> moments(c.moments ? jobs * sums : 0, 0);
  parallel_for(jobs, [&](std::size_t job, int worker) {
    run_band(c, bands, tiles, weights, images, job / std::size_t(bands.count), int(job % std::size_t(bands.count)),
             scratch.frame(worker, 0), c.moments ? moments.data() + job * sums : nullptr);
  });
  if (c.moments) add_moments(moments, sums, c.moments);
}

void run_one_pixel(const Correlation& c, const ChannelTiles& tiles, const float* weights, std::size_t images) {
  parallel_for(std::size_t(tiles.count), [&](std::size_t tile, int) {
    const int o = tiles.begin(int(tile));
    net_convolution_kernels().correlate({c.in, 1, 1, c.from.channels, 1, 1, c.from.channels,
                                         weights + std::size_t(o) * std::size_t(c.from.channels),
                                         c.bias ? c.bias + o : nullptr, c.out + std::size_t(o) * image_lanes(), 1, 1,
                                         c.to.channels, tiles.size(int(tile)), 1, int(image_blocks(images)), c.add});
  });
}

void sum_bias(const ConvolutionShape& shape, const float* out_gradient, std::size_t images, float* bias) {
  parallel_for(std::size_t(shape.out.channels), [&](std::size_t o, int) {
    double sums[2] = {};
    for (std::size_t block = 0; block < image_blocks(images); ++block)
      plane_kernels().moments(out_gradient + (block * shape.out.size() + o * shape.out.pixels()) * image_lanes(),
                              shape.out.pixels(), lane_weights(images, block), sums);
    bias[o] = float(sums[0]);
  });
}

}  // namespace

void convolve(const ConvolutionShape& shape, const ActivationView& in, const float* weights, const float* bias,
              std::size_t images, float* out, double* moments, ConvolutionScratch& scratch) {
  if (winograd_serves(shape)) return winograd_convolve(shape, in, weights, bias, images, out, moments, scratch);
  const Correlation c{in.sites, in,    shape.in, shape.out, {{all_taps(shape), all_taps(shape)}}, 1, shape.stride,
                      out,      false, bias,     moments};
  const ChannelTiles tiles(shape.out.channels, net_convolution_kernels().outputs);
  const auto inputs = std::size_t(shape.in.channels), k = std::size_t(shape.kernel);
  const float* const packed =
      repack(c, tiles, scratch, [&](std::size_t o, std::size_t i, std::size_t r, std::size_t s) {
        return weights[((o * inputs + i) * k + r) * k + s];
      });
  if (is_one_pixel(shape, in) && !moments) return run_one_pixel(c, tiles, packed, images);
  run(c, tiles, packed, images, scratch);
}

void convolve_back(const ConvolutionShape& shape, const float* out_gradient, const float* weights, std::size_t images,
                   float* in_gradient, bool add, ConvolutionScratch& scratch) {
  if (winograd_serves(shape))
    return winograd_convolve_back(shape, out_gradient, weights, images, in_gradient, add, scratch);
  const ChannelTiles tiles(shape.in.channels, net_convolution_kernels().outputs);
  const auto inputs = std::size_t(shape.in.channels), k = std::size_t(shape.kernel);
  if (shape.kernel < shape.stride && !add) {  // some pixels were never read
    std::fill_n(in_gradient, image_blocks(images) * shape.in.size() * image_lanes(), 0.0f);
    add = true;
  }
  Correlation c{out_gradient, {}, shape.out, shape.in, {}, shape.stride, 1, in_gradient, add};
  for (int row = 0; row < std::min(shape.stride, shape.in.height); ++row)
    for (int column = 0; column < std::min(shape.stride, shape.in.width); ++column) {
      const PixelClass pixels = {taps_back(shape, row), taps_back(shape, column), row, column};
      if (c.weights(pixels) > 0) c.classes.push_back(pixels);
    }
  const float* const packed =
      repack(c, tiles, scratch, [&](std::size_t o, std::size_t i, std::size_t r, std::size_t s) {
        return weights[((i * inputs + o) * k + r) * k + s];
      });
  if (is_one_pixel(shape, {})) return run_one_pixel(c, tiles, packed, images);
  run(c, tiles, packed, images, scratch);
}

void weight_gradient(const ConvolutionShape& shape, const ActivationView& in, const float* out_gradient,
                     std::size_t images, float* weights_gradient, float* bias_gradient, ConvolutionScratch& scratch) {
  if (winograd_serves_weights(shape)) {
    winograd_weight_gradient(shape, in, out_gradient, images, weights_gradient, scratch);
  } else {
    direct_weight_gradient(shape, in, out_gradient, images, weights_gradient, scratch);
  }
  if (bias_gradient) sum_bias(shape, out_gradient, images, bias_gradient);
}

}  // namespace espalier
