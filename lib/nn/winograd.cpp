#include "nn/winograd.h"

#include <algorithm>

#include "base/parallel.h"
#include "nn/channel_tiles.h"
#include "nn/convolution_kernels.h"
#include "nn/plane_kernels.h"
#include "nn/winograd_kernels.h"

namespace espalier {

namespace {

using std::ptrdiff_t;

constexpr std::size_t kFrequencies = 16;
constexpr std::size_t kTransformBytes = 300
                                        << 10;  ///< of a band's transformed input, to stay in the second-level cache
constexpr int kFewestTiles = 4;                 ///< of a band: as many as a register tile has pixels
constexpr int kFewestGradientTiles = 16;        ///< of a band of weight gradients, to pay for folding its sums
constexpr int kFewestChannels = 4;              ///< on either side
constexpr std::size_t kMostWeights = 1 << 18;   ///< channels times channels whose frequencies are summed
constexpr std::size_t kJobs = 16;  ///< pieces of a weight gradient, about: chunks of images times ranges of channels
constexpr int kRangeChannels = 64;

/// G g G' for one 3 x 3 kernel g.
void transform_weights(const float (&g)[9], float* out, std::size_t apart) {
  float rows[4][3];
  for (int s = 0; s < 3; ++s) {
    rows[0][s] = g[s];
    rows[1][s] = 0.5f * (g[s] + g[3 + s] + g[6 + s]);
    rows[2][s] = 0.5f * (g[s] - g[3 + s] + g[6 + s]);
    rows[3][s] = g[6 + s];
  }
  for (std::size_t r = 0; r < 4; ++r) {
    out[(4 * r) * apart] = rows[r][0];
    out[(4 * r + 1) * apart] = 0.5f * (rows[r][0] + rows[r][1] + rows[r][2]);
    out[(4 * r + 2) * apart] = 0.5f * (rows[r][0] - rows[r][1] + rows[r][2]);
    out[(4 * r + 3) * apart] = rows[r][2];
  }
}

/// G' m G for the 16 frequencies m of one kernel's gradient.
void transform_back(const float (&m)[16], float* out) {
  float rows[3][4];
  for (int s = 0; s < 4; ++s) {
    rows[0][s] = m[s] + 0.5f * (m[4 + s] + m[8 + s]);
    rows[1][s] = 0.5f * (m[4 + s] - m[8 + s]);
    rows[2][s] = 0.5f * (m[4 + s] + m[8 + s]) + m[12 + s];
  }
  for (int r = 0; r < 3; ++r) {
    out[3 * r] = rows[r][0] + 0.5f * (rows[r][1] + rows[r][2]);
    out[3 * r + 1] = 0.5f * (rows[r][1] - rows[r][2]);
    out[3 * r + 2] = 0.5f * (rows[r][1] + rows[r][2]) + rows[r][3];
  }
}

/// Sites between two frequencies of so many channels and tiles. Multiples of 32, of 2 KB that is, would bring the
/// sixteen lines that a tile writes into one or two sets of the first-level cache.
ptrdiff_t frequency_stride(ptrdiff_t channels, ptrdiff_t tiles) {
  const ptrdiff_t sites = channels * tiles;
  return sites % 32 == 0 ? sites + 1 : sites;
}

/// The output image cut into bands of rows of tiles.
struct TileBands {
  ImageShape from;
  int padding, rows, columns;  ///< of the output
  int tile_columns, height, count;

  TileBands(const ImageShape& in, const ImageShape& out, int zeros, int fewest)
      : from(in), padding(zeros), rows(out.height), columns(out.width), tile_columns((columns + 1) / 2), height(0) {
    const int tile_rows = (rows + 1) / 2;
    const std::size_t row_bytes =
        kFrequencies * std::size_t(in.channels) * std::size_t(tile_columns) * image_lanes() * sizeof(float);
    const int in_cache = int(std::max<std::size_t>(1, kTransformBytes / row_bytes));
    const int enough = (fewest + tile_columns - 1) / tile_columns;
    const int most = std::clamp(in_cache, std::min(enough, tile_rows), tile_rows);
    count = (tile_rows + most - 1) / most;
    height = (tile_rows + count - 1) / count;
  }
  int first_row(int band) const { return 2 * band * height; }
  int band_rows(int band) const { return std::min(2 * height, rows - first_row(band)); }
  int tile_rows(int band) const { return (band_rows(band) + 1) / 2; }
  int tiles(int band) const { return tile_rows(band) * tile_columns; }
  std::size_t most_tiles() const { return std::size_t(height * tile_columns); }
  std::size_t transform_floats(std::size_t channels) const {
    return kFrequencies * std::size_t(frequency_stride(ptrdiff_t(channels), ptrdiff_t(most_tiles()))) * image_lanes();
  }

  /// Transforms the input of one band of one block.
  void transform(const ActivationView& view, std::size_t block, int band, float* out) const {
    winograd_kernels().input({view.sites + block * from.size() * image_lanes(), from.channels, from.height, from.width,
                              view.scale, view.shift, view.rectify, first_row(band) - padding, padding, tile_rows(band),
                              tile_columns, out, frequency_stride(from.channels, tiles(band))});
  }
};

/// One filtering over all blocks: the common core of both directions.
struct Filtering {
  ActivationView in;
  ImageShape from, to;
  int padding;
  float* out;
  bool add = false;
  const float* bias = nullptr;
  double* moments = nullptr;
};

/// Weights in the order in which the kernel reads them: [tile][frequency][input][output of the tile].
template <class Weight>
const float* transformed_weights(const Filtering& f, const ChannelTiles& tiles, ConvolutionScratch& scratch,
                                 Weight&& weight) {
  float* const all = scratch.weights(kFrequencies * std::size_t(f.to.channels) * std::size_t(f.from.channels));
  parallel_for(std::size_t(tiles.count), [&](std::size_t t, int) {
    const auto first = std::size_t(tiles.begin(int(t))), size = std::size_t(tiles.size(int(t)));
    const auto inputs = std::size_t(f.from.channels);
    float* const out = all + kFrequencies * first * inputs;
    for (std::size_t i = 0; i < inputs; ++i)
      for (std::size_t o = 0; o < size; ++o) {
        float g[9];
        for (std::size_t tap = 0; tap < 9; ++tap) g[tap] = weight(first + o, i, tap);
        transform_weights(g, out + i * size + o, inputs * size);
      }
  });
  return all;
}

void filter_band(const Filtering& f, const TileBands& bands, const ChannelTiles& outputs, const float* weights,
                 std::size_t images, std::size_t block, int band, float* scratch, double* moments) {
  const std::size_t lanes = image_lanes();
  float* const transformed = scratch;
  float* const products = transformed + bands.transform_floats(std::size_t(f.from.channels));
  bands.transform(f.in, block, band, transformed);
  const ptrdiff_t tiles = bands.tiles(band), in_frequency = frequency_stride(f.from.channels, tiles);
  const std::size_t corner = std::size_t(bands.first_row(band)) * std::size_t(f.to.width);
  for (int t = 0; t < outputs.count; ++t) {
    const int size = outputs.size(t);
    const ptrdiff_t out_frequency = frequency_stride(size, tiles);
    const auto o = std::size_t(outputs.begin(t));
    for (ptrdiff_t frequency = 0; frequency < ptrdiff_t(kFrequencies); ++frequency) {
      net_convolution_kernels().correlate(
          {transformed + frequency * in_frequency * ptrdiff_t(lanes), tiles, 0, f.from.channels, 1, 1, 1, weights,
           nullptr, products + frequency * out_frequency * ptrdiff_t(lanes), tiles, 0, 1, size, 1, int(tiles), false});
      weights += size * f.from.channels;
    }
    float* const out = f.out + (block * f.to.size() + o * f.to.pixels() + corner) * lanes;
    winograd_kernels().output({products, out_frequency, size, bands.tile_rows(band), bands.tile_columns,
                               f.bias ? f.bias + o : nullptr, out, ptrdiff_t(f.to.pixels()), f.to.width,
                               bands.band_rows(band), f.to.width, f.add});
    if (moments)
      for (int i = 0; i < size; ++i)
        plane_kernels().moments(out + std::size_t(i) * f.to.pixels() * lanes,
                                std::size_t(bands.band_rows(band)) * std::size_t(f.to.width),
                                lane_weights(images, block), moments + 2 * (o + std::size_t(i)));
  }
}

void filter(const Filtering& f, const ChannelTiles& outputs, const float* weights, std::size_t images,
            ConvolutionScratch& scratch) {
  const TileBands bands(f.from, f.to, f.padding, kFewestTiles);
  const auto count = std::size_t(bands.count);
  const std::size_t jobs = image_blocks(images) * count, sums = 2 * std::size_t(f.to.channels);
  const std::size_t floats = bands.transform_floats(std::size_t(f.from.channels)) +
                             bands.transform_floats(std::size_t(net_convolution_kernels().outputs));
  for (int worker = 0; worker < threads(); ++worker) scratch.frame(worker, floats);
  std::vector<double> moments(f.moments ? jobs * sums : 0, 0);
  parallel_for(jobs, [&](std::size_t job, int worker) {
    filter_band(f, bands, outputs, weights, images, job / count, int(job % count), scratch.frame(worker, 0),
                f.moments ? moments.data() + job * sums : nullptr);
  });
  if (f.moments) add_moments(moments, sums, f.moments);
}

/// The frequencies of a weight gradient, summed over chunks of blocks and collected.
class FrequencyGradient {
 public:
  FrequencyGradient(const ConvolutionShape& shape, const ActivationView& in, const float* out_gradient,
                    std::size_t images, ConvolutionScratch& scratch)
      : shape_(shape),
        in_(in),
        out_gradient_(out_gradient),
        bands_(shape.in, shape.out, shape.padding, kFewestGradientTiles),
        outputs_(shape.out.channels, net_convolution_kernels().weight_outputs),
        inputs_(shape.in.channels, 3),
        ranges_(outputs_.count, (kRangeChannels + outputs_.size(0) - 1) / outputs_.size(0)),
        blocks_(image_blocks(images)),
        chunks_(std::clamp<std::size_t>(kJobs / std::size_t(ranges_.count), 1, blocks_)),
        scratch_(scratch),
        sums_(scratch.sums(chunks_ * chunk_floats())) {}

  void run() {
    const std::size_t floats = bands_.transform_floats(std::size_t(shape_.in.channels)) +
                               bands_.transform_floats(std::size_t(shape_.out.channels));
    for (int worker = 0; worker < threads(); ++worker) scratch_.frame(worker, floats);
    const auto ranges = std::size_t(ranges_.count);
    parallel_for(chunks_ * ranges, [&](std::size_t job, int worker) {
      sum_chunk(job / ranges, int(job % ranges), scratch_.frame(worker, 0));
    });
  }

  /// Adds the chunks up, in their order, and turns frequencies into taps.
  void collect(float* gradient) const {
    parallel_for(std::size_t(outputs_.count), [&](std::size_t output, int) {
      for (int input = 0; input < inputs_.count; ++input) {
        float together[kFrequencies][64] = {};
        const int outputs = outputs_.size(int(output)), inputs = inputs_.size(input);
        for (std::size_t frequency = 0; frequency < kFrequencies; ++frequency)
          for (std::size_t chunk = 0; chunk < chunks_; ++chunk)
            net_convolution_kernels().fold(sums_ + chunk * chunk_floats() + place(frequency, int(output), input),
                                           outputs, inputs, together[frequency]);
        for (int o = 0; o < outputs; ++o)
          for (int i = 0; i < inputs; ++i) {
            float m[kFrequencies];
            for (std::size_t f = 0; f < kFrequencies; ++f) m[f] = together[f][o * inputs + i];
            const auto row = std::size_t(outputs_.begin(int(output)) + o),
                       column = std::size_t(inputs_.begin(input) + i);
            transform_back(m, gradient + (row * std::size_t(shape_.in.channels) + column) * 9);
          }
      }
    });
  }

 private:
  std::size_t chunk_floats() const {
    return kFrequencies * std::size_t(outputs_.count) * std::size_t(inputs_.count) * tile_floats();
  }
  static std::size_t tile_floats() { return std::size_t(net_convolution_kernels().sums_size); }
  std::size_t place(std::size_t frequency, int output, int input) const {
    return ((std::size_t(output) * kFrequencies + frequency) * std::size_t(inputs_.count) + std::size_t(input)) *
           tile_floats();
  }

  /// The blocks of one chunk, for one range of tiles of output channels.
  void sum_chunk(std::size_t chunk, int range, float* scratch) {
    float* const sums = sums_ + chunk * chunk_floats();
    const std::size_t first = place(0, ranges_.begin(range), 0), end = place(0, ranges_.begin(range + 1), 0);
    std::fill_n(sums + first, end - first, 0.0f);
    for (std::size_t block = blocks_ * chunk / chunks_; block < blocks_ * (chunk + 1) / chunks_; ++block)
      for (int band = 0; band < bands_.count; ++band) sum_band(block, band, range, scratch, sums);
  }

  void sum_band(std::size_t block, int band, int range, float* scratch, float* sums) {
    const std::size_t lanes = image_lanes();
    float* const in = scratch;
    float* const out = in + bands_.transform_floats(std::size_t(shape_.in.channels));
    bands_.transform(in_, block, band, in);
    const ptrdiff_t tiles = bands_.tiles(band);
    const std::size_t corner = std::size_t(bands_.first_row(band)) * std::size_t(shape_.out.width);
    const int first = outputs_.begin(ranges_.begin(range)), channels = outputs_.begin(ranges_.begin(range + 1)) - first;
    winograd_kernels().gradient(
        {out_gradient_ + (block * shape_.out.size() + std::size_t(first) * shape_.out.pixels() + corner) * lanes,
         ptrdiff_t(shape_.out.pixels()), shape_.out.width, channels, bands_.band_rows(band), shape_.out.width,
         bands_.tile_rows(band), bands_.tile_columns, out, frequency_stride(channels, tiles)});
    for (int f = 0; f < int(kFrequencies); ++f)
      for (int o = ranges_.begin(range); o < ranges_.begin(range + 1); ++o)
        for (int i = 0; i < inputs_.count; ++i) {
          const ptrdiff_t from = f * frequency_stride(shape_.in.channels, tiles) + tiles * inputs_.begin(i);
          const ptrdiff_t gradient = f * frequency_stride(channels, tiles) + tiles * (outputs_.begin(o) - first);
          net_convolution_kernels().correlate_weights({in + from * ptrdiff_t(lanes), 0, tiles, inputs_.size(i), 1,
                                                       out + gradient * ptrdiff_t(lanes), tiles, 0, 1, outputs_.size(o),
                                                       1, int(tiles), sums + place(std::size_t(f), o, i)});
        }
  }

  const ConvolutionShape& shape_;
  ActivationView in_;
  const float* out_gradient_;
  TileBands bands_;
  ChannelTiles outputs_, inputs_, ranges_;  ///< ranges are of tiles of outputs
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
  const int tiles = ((shape.out.height + 1) / 2) * ((shape.out.width + 1) / 2);
  return winograd_serves(shape) && tiles >= kFewestGradientTiles &&
         std::size_t(shape.in.channels) * std::size_t(shape.out.channels) <= kMostWeights;
}

void winograd_convolve(const ConvolutionShape& shape, const ActivationView& in, const float* weights, const float* bias,
                       std::size_t images, float* out, double* moments, ConvolutionScratch& scratch) {
  const Filtering f{in, shape.in, shape.out, shape.padding, out, false, bias, moments};
  const ChannelTiles tiles(shape.out.channels, net_convolution_kernels().outputs);
  const auto inputs = std::size_t(shape.in.channels);
  filter(f, tiles,
         transformed_weights(
             f, tiles, scratch,
             [&](std::size_t o, std::size_t i, std::size_t tap) { return weights[(o * inputs + i) * 9 + tap]; }),
         images, scratch);
}

void winograd_convolve_back(const ConvolutionShape& shape, const float* out_gradient, const float* weights,
                            std::size_t images, float* in_gradient, bool add, ConvolutionScratch& scratch) {
  // The same, with the channels exchanged and the kernel turned round.
  const Filtering f{{out_gradient}, shape.out, shape.in, 2 - shape.padding, in_gradient, add};
  const ChannelTiles tiles(shape.in.channels, net_convolution_kernels().outputs);
  const auto inputs = std::size_t(shape.in.channels);
  filter(f, tiles,
         transformed_weights(
             f, tiles, scratch,
             [&](std::size_t o, std::size_t i, std::size_t tap) { return weights[(i * inputs + o) * 9 + 8 - tap]; }),
         images, scratch);
}

void winograd_weight_gradient(const ConvolutionShape& shape, const ActivationView& in, const float* out_gradient,
                              std::size_t images, float* weights_gradient, ConvolutionScratch& scratch) {
  FrequencyGradient gradient(shape, in, out_gradient, images, scratch);
  gradient.run();
  gradient.collect(weights_gradient);
}

}  // namespace espalier
