#include "nn/direct_gradient.h"

#include <algorithm>

#include "base/parallel.h"
#include "nn/channel_tiles.h"
#include "nn/convolution_kernels.h"

namespace espalier {

namespace {

constexpr int kWeightPixels = 64;  ///< between two foldings of sums
constexpr std::size_t kJobs = 16;  ///< about: chunks of images times ranges of channels

using std::ptrdiff_t;

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

}  // namespace

bool is_one_pixel(const ConvolutionShape& shape, const ActivationView& in) {
  return shape.in.pixels() == 1 && shape.out.pixels() == 1 && shape.kernel == 1 && !in.scale && !in.rectify;
}

void direct_weight_gradient(const ConvolutionShape& shape, const ActivationView& in, const float* out_gradient,
                            std::size_t images, float* weights_gradient, ConvolutionScratch& scratch) {
  WeightGradient gradient(shape, in, out_gradient, images, scratch);
  gradient.run();
  gradient.collect(weights_gradient);
}

}  // namespace espalier
