#include "nn/convolution.h"

#include <algorithm>

#include "base/parallel.h"
#include "nn/channel_tiles.h"
#include "nn/convolution_kernels.h"
#include "nn/plane_kernels.h"
#include "nn/winograd.h"

namespace espalier {

namespace {

constexpr std::size_t kFrameBytes = 400 << 10;  ///< of packed rows, so that they stay in the second-level cache
constexpr int kWeightPixels = 64;               ///< between two foldings of weight gradients
constexpr std::size_t kJobs = 16;               ///< pieces of a weight gradient, about: chunks of images x of channels

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

/// One correlation over all blocks: the common core of both directions. It writes the pixels of a class, `apart` from
/// each other in both axes, of an image of shape `to`.
struct Correlation {
  const float* in;
  ActivationView view;
  ImageShape from, to;
  Taps down, across;
  int step;
  float* out;
  int row = 0, column = 0, apart = 1;
  bool add = false;
  const float* bias = nullptr;
  double* moments = nullptr;
};

/// Weights in the order in which the kernel reads them: [tile][input][down][across][output of the tile].
template <class Weight>
const float* repack(const Correlation& c, const ChannelTiles& tiles, ConvolutionScratch& scratch, Weight&& weight) {
  float* const begin = scratch.weights(std::size_t(c.to.channels) * std::size_t(c.from.channels) *
                                       std::size_t(c.down.count()) * std::size_t(c.across.count()));
  float* out = begin;
  for (int tile = 0; tile < tiles.count; ++tile)
    for (int i = 0; i < c.from.channels; ++i)
      for (const int r : c.down.taken)
        for (const int s : c.across.taken)
          for (int o = tiles.begin(tile); o < tiles.begin(tile + 1); ++o)
            *out++ = weight(std::size_t(o), std::size_t(i), std::size_t(r), std::size_t(s));
  return begin;
}

/// How the rows of a correlation are cut into bands whose packed input fits the cache.
struct Bands {
  int rows, columns, height, count;
  int left, right;  ///< zeros beside the packed rows, as far as the taps reach
  std::size_t width;

  explicit Bands(const Correlation& c)
      : rows((c.to.height - c.row + c.apart - 1) / c.apart),
        columns((c.to.width - c.column + c.apart - 1) / c.apart),
        height(rows),
        left(std::max(0, -c.across.first)),
        right(std::max(0, c.across.first + (columns - 1) * c.step + c.across.count() - c.from.width)),
        width(std::size_t(left + c.from.width + right)) {
    while (height > 1 && frame_floats(c) * sizeof(float) > kFrameBytes) height = (height + 1) / 2;
    count = (rows + height - 1) / height;
  }
  int packed_rows(const Correlation& c, int band) const { return (band - 1) * c.step + c.down.count(); }
  std::size_t frame_floats(const Correlation& c) const {
    return std::size_t(c.from.channels) * std::size_t(packed_rows(c, height)) * width * image_lanes();
  }
};

/// One band of one block: packs its input, then writes tile after tile of output channels.
void run_band(const Correlation& c, const Bands& bands, const ChannelTiles& tiles, const float* weights,
              std::size_t images, std::size_t block, int band, float* frame, double* moments) {
  const NetConvolutionKernels& kernels = net_convolution_kernels();
  const std::size_t lanes = image_lanes();
  const int first = band * bands.height, rows = std::min(bands.height, bands.rows - first);
  const int packed = bands.packed_rows(c, rows);
  kernels.pack({c.in + block * c.from.size() * lanes, c.from.channels, c.from.height, c.from.width,
                first * c.step + c.down.first, packed, bands.left, bands.right, c.view.scale, c.view.shift,
                c.view.rectify, frame});
  const std::size_t corner = std::size_t(c.row + first * c.apart) * std::size_t(c.to.width) + std::size_t(c.column);
  for (int tile = 0; tile < tiles.count; ++tile) {
    const auto o = std::size_t(tiles.begin(tile));
    float* const out = c.out + (block * c.to.size() + o * c.to.pixels() + corner) * lanes;
    kernels.correlate({frame + std::size_t(c.across.first + bands.left) * lanes,
                       ptrdiff_t(std::size_t(packed) * bands.width), ptrdiff_t(bands.width), c.from.channels,
                       c.down.count(), c.across.count(), c.step, weights, c.bias ? c.bias + o : nullptr, out,
                       ptrdiff_t(c.to.pixels()), ptrdiff_t(c.to.width) * c.apart, c.apart, tiles.size(tile), rows,
                       bands.columns, c.add});
    weights += tiles.size(tile) * c.from.channels * c.down.count() * c.across.count();
    if (moments)
      for (int i = 0; i < tiles.size(tile); ++i)
        plane_kernels().moments(out + std::size_t(i) * c.to.pixels() * lanes,
                                std::size_t(rows) * std::size_t(c.to.width), lane_weights(images, block),
                                moments + 2 * (o + std::size_t(i)));
  }
}

void run(const Correlation& c, const ChannelTiles& tiles, const float* weights, std::size_t images,
         ConvolutionScratch& scratch) {
  const Bands bands(c);
  if (bands.rows <= 0 || bands.columns <= 0) return;
  const std::size_t jobs = image_blocks(images) * std::size_t(bands.count), sums = 2 * std::size_t(c.to.channels);
  for (int worker = 0; worker < threads(); ++worker) scratch.frame(worker, bands.frame_floats(c));
  std::vector<double> moments(c.moments ? jobs * sums : 0, 0);
  parallel_for(jobs, [&](std::size_t job, int worker) {
    run_band(c, bands, tiles, weights, images, job / std::size_t(bands.count), int(job % std::size_t(bands.count)),
             scratch.frame(worker, 0), c.moments ? moments.data() + job * sums : nullptr);
  });
  if (c.moments) add_moments(moments, sums, c.moments);
}

/// Images of one pixel: the blocks take the place of the pixels of a row, so that a tile has several.
bool is_one_pixel(const ConvolutionShape& shape, const ActivationView& in) {
  return shape.in.pixels() == 1 && shape.out.pixels() == 1 && shape.kernel == 1 && !in.scale && !in.rectify;
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

/// Where the streams of a tile of weight gradients come from: up to three taps of a row, or channels where the kernel
/// has one tap.
struct StreamGroup {
  int channel, down, across, streams;
};

std::vector<StreamGroup> stream_groups(const ConvolutionShape& shape) {
  std::vector<StreamGroup> groups;
  if (shape.kernel == 1) {
    const ChannelTiles channels(shape.in.channels, 3);
    for (int t = 0; t < channels.count; ++t) groups.push_back({channels.begin(t), 0, 0, channels.size(t)});
    return groups;
  }
  const ChannelTiles taps(shape.kernel, 3);
  for (int c = 0; c < shape.in.channels; ++c)
    for (int r = 0; r < shape.kernel; ++r)
      for (int t = 0; t < taps.count; ++t) groups.push_back({c, r, taps.begin(t), taps.size(t)});
  return groups;
}

/// A weight gradient cut into jobs: chunks of blocks times ranges of output tiles, by the shape alone.
class WeightGradient {
 public:
  WeightGradient(const ConvolutionShape& shape, const ActivationView& in, const float* out_gradient, std::size_t images,
                 ConvolutionScratch& scratch)
      : shape_(shape),
        in_(in),
        out_gradient_(out_gradient),
        tiles_(shape.out.channels, net_convolution_kernels().weight_outputs),
        groups_(stream_groups(shape)),
        blocks_(image_blocks(images)),
        ranges_((shape.out.channels + kRangeChannels - 1) / kRangeChannels, 1),
        chunks_(std::clamp<std::size_t>(kJobs / std::size_t(ranges_.count), 1, blocks_)),
        chunk_floats_(std::size_t(tiles_.count) * groups_.size() * sums_size()),
        scratch_(scratch),
        sums_(scratch.sums(chunks_ * chunk_floats_)) {
    ranges_ = ChannelTiles(tiles_.count, (tiles_.count + ranges_.count - 1) / ranges_.count);
  }

  void run() {
    const std::size_t ranges = std::size_t(ranges_.count);
    for (int worker = 0; worker < threads(); ++worker) scratch_.frame(worker, frame_floats());
    parallel_for(chunks_ * ranges, [&](std::size_t job, int worker) {
      sum_chunk(job / ranges, int(job % ranges), scratch_.frame(worker, 0));
    });
  }

  /// Adds the chunks up, in their order.
  void collect(float* gradient) const {
    parallel_for(std::size_t(tiles_.count), [&](std::size_t tile, int) {
      float together[64];
      const int first = tiles_.begin(int(tile)), outputs = tiles_.size(int(tile));
      for (std::size_t g = 0; g < groups_.size(); ++g) {
        const StreamGroup& group = groups_[g];
        std::fill(std::begin(together), std::end(together), 0.0f);
        for (std::size_t chunk = 0; chunk < chunks_; ++chunk)
          net_convolution_kernels().fold(sums_ + chunk * chunk_floats_ + (tile * groups_.size() + g) * sums_size(),
                                         outputs, group.streams, together);
        for (int o = 0; o < outputs; ++o)
          for (int s = 0; s < group.streams; ++s)
            gradient[place(first + o, group, s)] = together[o * group.streams + s];
      }
    });
  }

 private:
  static constexpr int kRangeChannels = 64;
  static std::size_t sums_size() { return std::size_t(net_convolution_kernels().sums_size); }

  std::size_t place(int o, const StreamGroup& group, int stream) const {
    const auto k = std::size_t(shape_.kernel), inputs = std::size_t(shape_.in.channels);
    const std::size_t channel = std::size_t(group.channel + (shape_.kernel == 1 ? stream : 0));
    const std::size_t across = std::size_t(group.across + (shape_.kernel == 1 ? 0 : stream));
    return ((std::size_t(o) * inputs + channel) * k + std::size_t(group.down)) * k + across;
  }

  bool one_pixel() const { return is_one_pixel(shape_, in_); }
  int band_rows() const { return std::clamp(kWeightPixels / shape_.out.width, 1, shape_.out.height); }
  int packed_rows(int rows) const { return (rows - 1) * shape_.stride + shape_.kernel; }
  int packed_width() const { return shape_.in.width + 2 * shape_.padding; }
  std::size_t frame_floats() const {
    return std::size_t(shape_.in.channels) * std::size_t(packed_rows(band_rows())) * std::size_t(packed_width()) *
           image_lanes();
  }

  void sum_chunk(std::size_t chunk, int range, float* frame) {
    const std::size_t begin = blocks_ * chunk / chunks_, end = blocks_ * (chunk + 1) / chunks_;
    float* const sums = sums_ + chunk * chunk_floats_;
    const std::size_t tile_floats = groups_.size() * sums_size();
    std::fill_n(sums + std::size_t(ranges_.begin(range)) * tile_floats, std::size_t(ranges_.size(range)) * tile_floats,
                0.0f);
    if (one_pixel()) return sum_pixels(begin, end, range, sums);
    for (std::size_t block = begin; block < end; ++block)
      for (int row = 0; row < shape_.out.height; row += band_rows())
        sum_band(block, row, std::min(band_rows(), shape_.out.height - row), range, frame, sums);
  }

  /// `rows` output rows from `row` of one block.
  void sum_band(std::size_t block, int row, int rows, int range, float* frame, float* sums) {
    const NetConvolutionKernels& kernels = net_convolution_kernels();
    const std::size_t lanes = image_lanes();
    const int packed = packed_rows(rows), width = packed_width();
    kernels.pack({in_.sites + block * shape_.in.size() * lanes, shape_.in.channels, shape_.in.height, shape_.in.width,
                  row * shape_.stride - shape_.padding, packed, shape_.padding, shape_.padding, in_.scale, in_.shift,
                  in_.rectify, frame});
    const ptrdiff_t channel = ptrdiff_t(packed) * width;
    for (int tile = ranges_.begin(range); tile < ranges_.begin(range + 1); ++tile) {
      const float* gradient =
          out_gradient_ + (block * shape_.out.size() + std::size_t(tiles_.begin(tile)) * shape_.out.pixels() +
                           std::size_t(row) * std::size_t(shape_.out.width)) *
                              lanes;
      for (std::size_t g = 0; g < groups_.size(); ++g) {
        const StreamGroup& group = groups_[g];
        const ptrdiff_t start = group.channel * channel + ptrdiff_t(group.down) * width + group.across;
        kernels.correlate_weights({frame + start * ptrdiff_t(lanes), ptrdiff_t(shape_.stride) * width,
                                   shape_.kernel == 1 ? channel : 1, group.streams, shape_.stride, gradient,
                                   ptrdiff_t(shape_.out.pixels()), shape_.out.width, 1, tiles_.size(tile), rows,
                                   shape_.out.width, sums + (std::size_t(tile) * groups_.size() + g) * sums_size()});
      }
    }
  }

  /// Images of one pixel, blocks in the place of pixels.
  void sum_pixels(std::size_t begin, std::size_t end, int range, float* sums) {
    const std::size_t lanes = image_lanes(), inputs = shape_.in.size(), outputs = shape_.out.size();
    for (int tile = ranges_.begin(range); tile < ranges_.begin(range + 1); ++tile)
      for (std::size_t g = 0; g < groups_.size(); ++g)
        net_convolution_kernels().correlate_weights(
            {in_.sites + (begin * inputs + std::size_t(groups_[g].channel)) * lanes, 0, 1, groups_[g].streams,
             int(inputs), out_gradient_ + (begin * outputs + std::size_t(tiles_.begin(tile))) * lanes, 1, 0,
             ptrdiff_t(outputs), tiles_.size(tile), 1, int(end - begin),
             sums + (std::size_t(tile) * groups_.size() + g) * sums_size()});
  }

  const ConvolutionShape& shape_;
  ActivationView in_;
  const float* out_gradient_;
  ChannelTiles tiles_;
  std::vector<StreamGroup> groups_;
  std::size_t blocks_;
  ChannelTiles ranges_;
  std::size_t chunks_, chunk_floats_;
  ConvolutionScratch& scratch_;
  float* sums_;
};

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
  Correlation c{in.sites, in, shape.in, shape.out, all_taps(shape), all_taps(shape), shape.stride, out};
  c.bias = bias;
  c.moments = moments;
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
  for (int row = 0; row < shape.stride; ++row)
    for (int column = 0; column < shape.stride; ++column) {
      Correlation c{out_gradient, {}, shape.out, shape.in, taps_back(shape, row), taps_back(shape, column), 1,
                    in_gradient};
      if (c.down.count() == 0 || c.across.count() == 0) continue;
      c.row = row;
      c.column = column;
      c.apart = shape.stride;
      c.add = add;
      const float* const packed =
          repack(c, tiles, scratch, [&](std::size_t o, std::size_t i, std::size_t r, std::size_t s) {
            return weights[((i * inputs + o) * k + r) * k + s];
          });
      if (is_one_pixel(shape, {}))
        run_one_pixel(c, tiles, packed, images);
      else
        run(c, tiles, packed, images, scratch);
    }
}

void weight_gradient(const ConvolutionShape& shape, const ActivationView& in, const float* out_gradient,
                     std::size_t images, float* weights_gradient, float* bias_gradient, ConvolutionScratch& scratch) {
  if (winograd_serves_weights(shape)) {
    winograd_weight_gradient(shape, in, out_gradient, images, weights_gradient, scratch);
  } else {
    WeightGradient gradient(shape, in, out_gradient, images, scratch);
    gradient.run();
    gradient.collect(weights_gradient);
  }
  if (bias_gradient) sum_bias(shape, out_gradient, images, bias_gradient);
}

}  // namespace espalier
