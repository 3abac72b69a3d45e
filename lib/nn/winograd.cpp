#include "nn/winograd.h"

#include <algorithm>

#include "base/parallel.h"
#include "nn/channel_tiles.h"
#include "nn/plane_kernels.h"
#include "nn/winograd_kernels.h"

namespace espalier {

namespace {

using std::ptrdiff_t;

constexpr std::size_t kTransformBytes = 300
                                        << 10;  ///< of a band's transformed input, to stay in the second-level cache
constexpr int kFewestTiles = 4;                 ///< of a band: as many as a register tile has pixels
constexpr int kFewestChannels = 4;              ///< on either side
constexpr std::size_t kMostWeights = 1 << 18;   ///< channels times channels whose frequencies are summed
constexpr std::size_t kJobs = 16;  ///< pieces of a weight gradient, about: chunks of images times ranges of channels
constexpr int kRangeChannels = 64;

int tiles_of(const ImageShape& out, int side) {
  return ((out.height + side - 1) / side) * ((out.width + side - 1) / side);
}

int frequencies_of(int side) { return (side + 2) * (side + 2); }

/// Of tiles of two and four, those that take fewer multiplications; the smaller, whose errors are smaller, if neither.
int best_side(const ImageShape& out) {
  return frequencies_of(4) * tiles_of(out, 4) < frequencies_of(2) * tiles_of(out, 2) ? 4 : 2;
}

/// Sites between two frequencies of so many channels and tiles: an odd number, so that the lines that a tile writes lie
/// in as many sets of the first-level cache.
ptrdiff_t frequency_stride(ptrdiff_t channels, ptrdiff_t tiles) { return channels * tiles | 1; }

/// The output image cut into bands of rows of tiles.
struct TileBands {
  ImageShape from;
  int padding, rows, columns;  ///< of the output
  int side, frequencies;       ///< of a tile
  int tile_columns, height, count;

  TileBands(const ImageShape& in, const ImageShape& out, int zeros)
      : from(in),
        padding(zeros),
        rows(out.height),
        columns(out.width),
        side(best_side(out)),
        frequencies(frequencies_of(side)),
        tile_columns((columns + side - 1) / side) {
    const int tile_rows = (rows + side - 1) / side;
    const std::size_t row_bytes =
        std::size_t(frequencies) * std::size_t(in.channels) * std::size_t(tile_columns) * image_lanes() * sizeof(float);
    const int in_cache = int(std::max<std::size_t>(1, kTransformBytes / row_bytes));
    const int enough = (kFewestTiles + tile_columns - 1) / tile_columns;
    const int most = std::clamp(in_cache, std::min(enough, tile_rows), tile_rows);
    count = (tile_rows + most - 1) / most;
    height = (tile_rows + count - 1) / count;
  }
  int first_row(int band) const { return side * band * height; }
  int band_rows(int band) const { return std::min(side * height, rows - first_row(band)); }
  int tile_rows(int band) const { return (band_rows(band) + side - 1) / side; }
  int tiles(int band) const { return tile_rows(band) * tile_columns; }
  std::size_t transform_floats(int channels) const {
    return std::size_t(frequencies) * std::size_t(frequency_stride(channels, height * tile_columns)) * image_lanes();
  }

  /// Transforms the input of one band of one block.
  void transform(const ActivationView& view, std::size_t block, int band, float* out, ptrdiff_t out_frequency) const {
    winograd_kernels().input({side, view.sites + block * from.size() * image_lanes(), from.channels, from.height,
                              from.width, view.scale, view.shift, view.rectify, first_row(band) - padding, padding,
                              tile_rows(band), tile_columns, out, out_frequency});
  }
};

/// Where the weight of an output, an input and a tap is.
struct WeightsView {
  const float* first;
  ptrdiff_t output, input, tap;  ///< from one to the next
};

/// One filtering over all blocks: the common core of both directions.
struct Filtering {
  ActivationView in;
  ImageShape from, to;
  int padding;
  WeightsView weights;
  float* out;
  bool backward = false;  ///< the last block first: what has just been read by another is still in the cache
  bool add = false;
  const float* bias = nullptr;
  double* moments = nullptr;
};

/// Weights in the order in which the kernel reads them: [tile][frequency][input][output of the tile].
const float* transformed_weights(const Filtering& f, const ChannelTiles& outputs, const TileBands& bands,
                                 ConvolutionScratch& scratch) {
  const std::size_t inputs = std::size_t(f.from.channels), each = std::size_t(bands.frequencies) * inputs;
  float* const all = scratch.weights(each * std::size_t(f.to.channels));
  parallel_for(std::size_t(outputs.count), [&](std::size_t t, int) {
    const ptrdiff_t first = outputs.begin(int(t)), size = outputs.size(int(t));
    for (ptrdiff_t o = 0; o < size; ++o)
      winograd_kernels().weights({bands.side, f.weights.first + (first + o) * f.weights.output, f.weights.input,
                                  f.weights.tap, f.from.channels, all + std::size_t(first) * each + o,
                                  ptrdiff_t(inputs) * size, size});
  });
  return all;
}

void filter_band(const Filtering& f, const TileBands& bands, const ChannelTiles& outputs, const float* weights,
                 std::size_t images, std::size_t block, int band, float* scratch, double* moments) {
  const std::size_t lanes = image_lanes();
  float* const transformed = scratch;
  float* const products = transformed + bands.transform_floats(f.from.channels);
  const ptrdiff_t tiles = bands.tiles(band), in_frequency = frequency_stride(f.from.channels, tiles);
  bands.transform(f.in, block, band, transformed, in_frequency);
  const std::size_t corner = std::size_t(bands.first_row(band)) * std::size_t(f.to.width);
  for (int t = 0; t < outputs.count; ++t) {
    const int size = outputs.size(t);
    const ptrdiff_t out_frequency = frequency_stride(size, tiles), each = ptrdiff_t(f.from.channels) * size;
    const auto o = std::size_t(outputs.begin(t));
    winograd_kernels().product(
        {bands.frequencies, weights,  each,          0,     size, 1,    transformed, in_frequency, 0, tiles, 1, 1,
         f.from.channels,   products, out_frequency, tiles, 1,    size, int(tiles),  false});
    weights += bands.frequencies * each;
    float* const out = f.out + (block * f.to.size() + o * f.to.pixels() + corner) * lanes;
    winograd_kernels().output({bands.side, products, out_frequency, size, bands.tile_rows(band), bands.tile_columns,
                               f.bias ? f.bias + o : nullptr, out, ptrdiff_t(f.to.pixels()), f.to.width,
                               bands.band_rows(band), f.to.width, f.add});
    if (moments)
      for (int i = 0; i < size; ++i)
        plane_kernels().moments(out + std::size_t(i) * f.to.pixels() * lanes,
                                std::size_t(bands.band_rows(band)) * std::size_t(f.to.width),
                                lane_weights(images, block), moments + 2 * (o + std::size_t(i)));
  }
}

void filter(const Filtering& f, std::size_t images, ConvolutionScratch& scratch) {
  const TileBands bands(f.from, f.to, f.padding);
  const ChannelTiles outputs(f.to.channels, winograd_kernels().outputs);
  const float* const weights = transformed_weights(f, outputs, bands, scratch);
  const auto count = std::size_t(bands.count);
  const std::size_t jobs = image_blocks(images) * count, sums = 2 * std::size_t(f.to.channels);
  const std::size_t floats =
      bands.transform_floats(f.from.channels) + bands.transform_floats(winograd_kernels().outputs);
  for (int worker = 0; worker < threads(); ++worker) scratch.frame(worker, floats);
  std::vector<double> moments(f.moments ? jobs * sums : 0, 0);
  parallel_for(jobs, [&](std::size_t at, int worker) {
    const std::size_t job = f.backward ? jobs - 1 - at : at;
    filter_band(f, bands, outputs, weights, images, job / count, int(job % count), scratch.frame(worker, 0),
                f.moments ? moments.data() + job * sums : nullptr);
  });
  if (f.moments) add_moments(moments, sums, f.moments);
}

/// The frequencies of a weight gradient, summed over chunks of blocks and collected. The sums are products of matrices,
/// [output][image and tile] times [image and tile][input], for which the transformed input is turned: inputs in the
/// lanes, a row of them for each image.
class FrequencyGradient {
 public:
  FrequencyGradient(const ConvolutionShape& shape, const ActivationView& in, const float* out_gradient,
                    std::size_t images, ConvolutionScratch& scratch)
      : shape_(shape),
        in_(in),
        out_gradient_(out_gradient),
        bands_(shape.in, shape.out, shape.padding),
        outputs_(shape.out.channels, winograd_kernels().outputs),
        ranges_(outputs_.count, std::max(1, kRangeChannels / outputs_.size(0))),
        lanes_(int(image_lanes())),
        input_sites_((shape.in.channels + lanes_ - 1) / lanes_),
        blocks_(image_blocks(images)),
        chunks_(std::clamp<std::size_t>(kJobs / std::size_t(ranges_.count), 1, blocks_)),
        scratch_(scratch),
        sums_(scratch.sums(chunks_ * chunk_floats())) {}

  void run() {
    const std::size_t floats =
        bands_.transform_floats(input_sites_ * lanes_) + bands_.transform_floats(winograd_kernels().outputs);
    for (int worker = 0; worker < threads(); ++worker) scratch_.frame(worker, floats);
    const auto ranges = std::size_t(ranges_.count);
    parallel_for(chunks_ * ranges, [&](std::size_t job, int worker) {
      sum_chunk(job / ranges, int(job % ranges), scratch_.frame(worker, 0));
    });
  }

  /// Adds the chunks up, in their order, and turns frequencies into taps.
  void collect(float* gradient) const {
    parallel_for(std::size_t(shape_.out.channels), [&](std::size_t o, int) {
      winograd_kernels().taps({bands_.side, sums_ + o * output_floats(), chunks_, ptrdiff_t(chunk_floats()),
                               ptrdiff_t(row_floats()), shape_.in.channels,
                               gradient + o * std::size_t(shape_.in.channels) * 9});
    });
  }

 private:
  /// Of the sums, [output][frequency][input].
  std::size_t row_floats() const { return std::size_t(input_sites_ * lanes_); }
  std::size_t output_floats() const { return std::size_t(bands_.frequencies) * row_floats(); }
  std::size_t chunk_floats() const { return std::size_t(shape_.out.channels) * output_floats(); }

  /// The blocks of one chunk, for one range of tiles of output channels.
  void sum_chunk(std::size_t chunk, int range, float* scratch) {
    float* const sums = sums_ + chunk * chunk_floats();
    const std::size_t first = blocks_ * chunk / chunks_, end = blocks_ * (chunk + 1) / chunks_;
    for (std::size_t block = first; block < end; ++block)
      for (int band = 0; band < bands_.count; ++band)
        sum_band(block, band, range, scratch, sums, block > first || band > 0);
  }

  void sum_band(std::size_t block, int band, int range, float* scratch, float* sums, bool add) {
    float* const in = scratch;
    float* const gradient = in + bands_.transform_floats(input_sites_ * lanes_);
    const ptrdiff_t tiles = bands_.tiles(band), square = tiles * lanes_;
    const ptrdiff_t in_frequency = frequency_stride(input_sites_ * lanes_, tiles);
    bands_.transform(in_, block, band, in, in_frequency);
    for (int f = 0; f < bands_.frequencies; ++f)
      for (int i = 0; i < input_sites_; ++i)
        winograd_kernels().turn({in + (f * in_frequency + i * square) * lanes_, tiles, int(tiles)});
    const std::size_t corner = std::size_t(bands_.first_row(band)) * std::size_t(shape_.out.width);
    for (int t = ranges_.begin(range); t < ranges_.begin(range + 1); ++t) {
      const int first = outputs_.begin(t), size = outputs_.size(t);
      const std::size_t plane = block * std::size_t(shape_.out.channels) + std::size_t(first);
      const ptrdiff_t gradient_frequency = frequency_stride(size, tiles);
      winograd_kernels().gradient(
          {bands_.side, out_gradient_ + (plane * shape_.out.pixels() + corner) * std::size_t(lanes_),
           ptrdiff_t(shape_.out.pixels()), shape_.out.width, size, bands_.band_rows(band), shape_.out.width,
           bands_.tile_rows(band), bands_.tile_columns, gradient, gradient_frequency});
      winograd_kernels().product({bands_.frequencies,
                                  gradient,
                                  gradient_frequency * lanes_,
                                  1,
                                  lanes_,
                                  square,
                                  in,
                                  in_frequency,
                                  tiles,
                                  1,
                                  square,
                                  lanes_,
                                  int(tiles),
                                  sums + std::size_t(first) * output_floats(),
                                  input_sites_,
                                  bands_.frequencies * input_sites_,
                                  1,
                                  size,
                                  input_sites_,
                                  add});
    }
  }

  const ConvolutionShape& shape_;
  ActivationView in_;
  const float* out_gradient_;
  TileBands bands_;
  ChannelTiles outputs_, ranges_;  ///< ranges are of tiles of outputs
  int lanes_, input_sites_;        ///< of the inputs in lanes, how many sites
  std::size_t blocks_, chunks_;
  ConvolutionScratch& scratch_;
  float* sums_;
};

}  // namespace

bool winograd_serves(const ConvolutionShape& shape) {
  return shape.kernel == 3 && shape.stride == 1 && shape.padding <= 2 && shape.out.height >= 2 &&
         shape.out.width >= 2 && std::min(shape.in.channels, shape.out.channels) >= kFewestChannels;
}

bool winograd_serves_weights(const ConvolutionShape& shape) {
  return winograd_serves(shape) && 2 * std::size_t(shape.in.channels) > image_lanes() &&
         std::size_t(shape.in.channels) * std::size_t(shape.out.channels) <= kMostWeights;
}

void winograd_convolve(const ConvolutionShape& shape, const ActivationView& in, const float* weights, const float* bias,
                       std::size_t images, float* out, double* moments, ConvolutionScratch& scratch) {
  const WeightsView view = {weights, 9 * ptrdiff_t(shape.in.channels), 9, 1};
  filter({in, shape.in, shape.out, shape.padding, view, out, false, false, bias, moments}, images, scratch);
}

void winograd_convolve_back(const ConvolutionShape& shape, const float* out_gradient, const float* weights,
                            std::size_t images, float* in_gradient, bool add, ConvolutionScratch& scratch) {
  // The same, with the channels exchanged and the kernel turned round.
  const WeightsView view = {weights + 8, 9, 9 * ptrdiff_t(shape.in.channels), -1};
  filter({{out_gradient}, shape.out, shape.in, 2 - shape.padding, view, in_gradient, true, add}, images, scratch);
}

void winograd_weight_gradient(const ConvolutionShape& shape, const ActivationView& in, const float* out_gradient,
                              std::size_t images, float* weights_gradient, ConvolutionScratch& scratch) {
  FrequencyGradient gradient(shape, in, out_gradient, images, scratch);
  gradient.run();
  gradient.collect(weights_gradient);
}

}  // namespace espalier
