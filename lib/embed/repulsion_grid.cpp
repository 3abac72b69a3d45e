#include "embed/repulsion_grid.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "base/parallel.h"

namespace espalier {

namespace {

/// Steps below this would make squares that single precision cannot hold.
constexpr double kSmallestStep = 1e-12;

/// Shapes to keep: a layout that hovers at a border of the ladder of lengths needs two to four. In three dimensions one
/// takes up to 150 MB.
constexpr std::size_t prepared_shapes(int dims) { return dims == 3 ? 2 : 8; }

/// A strip is 2^shift rows of the grid. Strips of equal parity never touch the same row, since a spline reaches 5 rows
/// at most beyond its own.
int strip_shift(int dims) { return dims == 1 ? 6 : dims == 2 ? 4 : 3; }

std::size_t round_up(std::size_t n, std::size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

/// A row stride of whole vectors, not a multiple of 1 KiB, or the rows of a column would share few places in the cache.
std::size_t row_stride(std::size_t n) {
  const std::size_t stride = round_up(n, 16);
  return stride % 256 ? stride : stride + 16;
}

/// The next rung of a ladder of even smooth lengths at least 6 % apart: a growing layout meets few lengths, and the
/// length depends on nothing but what is needed.
int ladder_length(std::size_t needed) {
  double rung = 64;
  for (;;) {
    int length = int(rung + 1) / 2 * 2;
    while (!is_smooth(length)) length += 2;
    if (std::size_t(length) >= needed) return length;
    rung = length * 1.06;
  }
}

std::vector<float> unit_roots(int length) {
  std::vector<float> roots;
  for (int k = 0; k <= length / 4; ++k) {
    const double angle = -2 * std::numbers::pi * k / length;
    roots.push_back(float(std::cos(angle)));
    roots.push_back(float(std::sin(angle)));
  }
  return roots;
}

}  // namespace

GridRepulsion::GridRepulsion(const GridOptions& options) : options_(options), spline_(options.points) {
  grid_.dims = options.dims;
  grid_.points = options.points;
  for (int power = 0; power < options.points; ++power)
    for (int node = 0; node < options.points; ++node) {
      grid_.weights[power][node] = float(spline_.coefficient(power, node));
      if (power > 0) grid_.slopes[power - 1][node] = float(power * spline_.coefficient(power, node));
    }
}

double GridRepulsion::evaluate(const float* layout, std::size_t n, float* gradient) {
  if (n == 0) return 0;
  find_bounds(layout, n);
  choose_shape();
  prepare();
  allocate();
  sort_sites(layout, n);
  spread();
  convolve();
  const double above_floor = read(gradient);
  return above_floor + prepared_.front().spectrum.floor() * double(n) * double(n - 1);
}

std::size_t GridRepulsion::nodes(const float* layout, std::size_t n) {
  find_bounds(layout, n);
  choose_shape();
  std::size_t product = 1;
  for (std::size_t c = 0; c < std::size_t(options_.dims); ++c) product *= nodes_[c];
  return product;
}

void GridRepulsion::find_bounds(const float* layout, std::size_t n) {
  const std::size_t dims = std::size_t(options_.dims), piece = 8192;
  std::vector<std::array<float, 6>> bounds((n + piece - 1) / piece);
  parallel_ranges(n, piece, [&](std::size_t begin, std::size_t end, int) {
    require_bounded(layout + begin * dims, end - begin, options_.dims);
    std::array<float, 6>& b = bounds[begin / piece];
    for (std::size_t c = 0; c < dims; ++c) {
      float low = layout[begin * dims + c], high = low;
      for (std::size_t i = begin; i < end; ++i) {
        low = std::min(low, layout[i * dims + c]);
        high = std::max(high, layout[i * dims + c]);
      }
      b[2 * c] = low;
      b[2 * c + 1] = high;
    }
  });
  for (std::size_t c = 0; c < dims; ++c) {
    low_[c] = std::numeric_limits<double>::infinity();
    high_[c] = -low_[c];
    for (const auto& b : bounds) {
      low_[c] = std::min(low_[c], double(b[2 * c]));
      high_[c] = std::max(high_[c], double(b[2 * c + 1]));
    }
  }
}

void GridRepulsion::choose_shape() {
  const std::size_t dims = std::size_t(options_.dims);
  double span = 0, step = options_.step;
  for (std::size_t c = 0; c < dims; ++c) span = std::max(span, high_[c] - low_[c]);
  while (span / step < options_.min_nodes && step / 2 >= kSmallestStep) step /= 2;
  while (span / step > options_.max_nodes) step *= 1.25;
  shape_ = {options_.dims, {1, 1, 1}, step};
  for (std::size_t c = 0; c < dims; ++c) {
    // Half a step before the first point, and room for rounding and for the zeros of a quintic's eight weights after.
    nodes_[c] = std::size_t((high_[c] - low_[c]) / step) + std::size_t(options_.points) + 3;
    // Twice the nodes keep copies of the period apart; the rest keeps the corner of the periodic kernel away.
    shape_.lengths[c] = ladder_length(2 * nodes_[c] + 8);
  }
}

void GridRepulsion::prepare() {
  const auto found =
      std::find_if(prepared_.begin(), prepared_.end(), [&](const Prepared& p) { return p.spectrum.shape() == shape_; });
  if (found != prepared_.end()) {
    prepared_.splice(prepared_.begin(), prepared_, found);
    return;
  }
  if (prepared_.size() == prepared_shapes(options_.dims)) prepared_.pop_back();
  Prepared next{
      KernelSpectrum(shape_, options_.a, spline_, convolution_kernels().lanes), {}, unit_roots(shape_.lengths[0])};
  for (std::size_t c = 0; c < std::size_t(options_.dims); ++c)
    next.plans.emplace_back(c == 0 ? shape_.lengths[0] / 2 : shape_.lengths[c]);
  prepared_.push_front(std::move(next));
}

void GridRepulsion::allocate() {
  const std::size_t lanes = std::size_t(convolution_kernels().lanes);
  const auto reserve = [](Buffer<float>& buffer, std::size_t size) {
    if (buffer.size() < size) buffer = Buffer<float>(size + size / 8, 0.0f);
  };
  const std::size_t last = row_stride(nodes_[std::size_t(options_.dims) - 1] + 2);
  grid_.stride_x = options_.dims == 1 ? 1 : options_.dims == 2 ? last : nodes_[1] * last;
  grid_.stride_y = last;
  columns_ = options_.dims == 1 ? lanes : grid_.stride_x;
  reserve(values_, nodes_[0] * grid_.stride_x + 16);
  grid_.values = values_.data();
  if (options_.dims == 1) reserve(line_, nodes_[0] * lanes);
  const std::size_t frequencies = round_up(std::size_t(shape_.lengths[0]) / 2 + 1, lanes);
  reserve(re_, frequencies * columns_);
  reserve(im_, frequencies * columns_);

  const int longest = std::max({shape_.lengths[0] / 2, shape_.lengths[1], shape_.lengths[2]});
  scratch_.resize(std::size_t(threads()));
  for (Scratch& scratch : scratch_) {
    for (Buffer<float>* buffer : {&scratch.x, &scratch.y})
      reserve(*buffer, 2 * lanes * round_up(std::size_t(longest), lanes));
    if (options_.dims == 3)
      for (Buffer<float>* buffer : {&scratch.re, &scratch.im})
        reserve(*buffer, round_up(std::size_t(shape_.lengths[1]), lanes) * last);
  }
}

/// A stable counting sort by strips along the first axis, chunk by chunk.
void GridRepulsion::sort_sites(const float* layout, std::size_t n) {
  const std::size_t dims = std::size_t(options_.dims), chunk = 4096;
  const int shift = strip_shift(options_.dims);
  const std::size_t strips = (nodes_[0] >> shift) + 1, chunks = (n + chunk - 1) / chunk;
  if (order_.size() != n) {
    order_ = Buffer<std::int32_t>(n);
    sites_ = Buffer<float>(n * dims);
  }
  std::array<float, 3> origin{};
  const float steps_per_unit = float(1 / shape_.step);
  for (std::size_t c = 0; c < dims; ++c) origin[c] = float(low_[c]);
  const auto site = [&](std::size_t i, std::size_t c) {
    return (layout[i * dims + c] - origin[c]) * steps_per_unit + 0.5f;
  };
  std::vector<std::size_t> place(chunks * strips, 0);
  parallel_ranges(n, chunk, [&](std::size_t begin, std::size_t end, int) {
    std::size_t* count = place.data() + begin / chunk * strips;
    for (std::size_t i = begin; i < end; ++i) ++count[int(site(i, 0)) >> shift];
  });
  strip_begin_.assign(strips + 1, n);
  std::size_t at = 0;
  for (std::size_t strip = 0; strip < strips; ++strip) {
    strip_begin_[strip] = at;
    for (std::size_t c = 0; c < chunks; ++c) at += std::exchange(place[c * strips + strip], at);
  }
  parallel_ranges(n, chunk, [&](std::size_t begin, std::size_t end, int) {
    std::size_t* next = place.data() + begin / chunk * strips;
    for (std::size_t i = begin; i < end; ++i) {
      const std::size_t to = next[int(site(i, 0)) >> shift]++;
      order_[to] = std::int32_t(i);
      for (std::size_t c = 0; c < dims; ++c) sites_[to * dims + c] = site(i, c);
    }
  });
}

void GridRepulsion::spread() {
  const std::size_t used = nodes_[0] * grid_.stride_x + 16, dims = std::size_t(options_.dims);
  parallel_ranges(used, std::size_t(1) << 15,
                  [&](std::size_t begin, std::size_t end, int) { std::fill_n(&values_[begin], end - begin, 0.0f); });
  const std::size_t strips = strip_begin_.size() - 1;
  for (std::size_t parity = 0; parity < 2; ++parity)
    parallel_for((strips + 1 - parity) / 2, [&](std::size_t chunk, int) {
      const std::size_t strip = 2 * chunk + parity, begin = strip_begin_[strip], end = strip_begin_[strip + 1];
      interpolation_kernels().spread(grid_, &sites_[begin * dims], end - begin);
    });
}

void GridRepulsion::convolve() {
  const ConvolutionKernels& kernels = convolution_kernels();
  const std::size_t lanes = std::size_t(kernels.lanes), frequencies = std::size_t(shape_.lengths[0]) / 2 + 1;
  const Prepared& prepared = prepared_.front();
  const float* spectrum = prepared.spectrum.values();
  // In one dimension the grid is a single column: it is moved to the first of kLanes columns, and back in the end.
  const bool line = options_.dims == 1;
  if (line)
    for (std::size_t x = 0; x < nodes_[0]; ++x) line_[x * columns_] = values_[x];
  const RealAxis first = {prepared.plans[0].steps(),
                          prepared.roots.data(),
                          line ? line_.data() : values_.data(),
                          nodes_[0],
                          columns_,
                          re_.data(),
                          im_.data(),
                          columns_};
  const auto fft_scratch = [&](int worker) {
    Scratch& scratch = scratch_[std::size_t(worker)];
    return FftScratch{scratch.x.data(), scratch.y.data()};
  };
  parallel_for(columns_ / lanes,
               [&](std::size_t block, int worker) { kernels.forward(first, block * lanes, fft_scratch(worker)); });
  if (line) {
    for (std::size_t k = 0; k < frequencies; ++k) {
      re_[k * columns_] *= spectrum[k];
      im_[k * columns_] *= spectrum[k];
    }
  } else if (options_.dims == 2) {
    const ComplexAxis y = {prepared.plans[1].steps(), nodes_[1]};
    const std::size_t entries = (std::size_t(shape_.lengths[1]) / 2 + 1) * lanes;
    parallel_for((frequencies + lanes - 1) / lanes, [&](std::size_t block, int worker) {
      const std::size_t offset = block * lanes * columns_;
      kernels.convolve_lines({y, &re_[offset], &im_[offset], columns_, spectrum + block * entries},
                             fft_scratch(worker));
    });
  } else {
    const ComplexAxis y = {prepared.plans[1].steps(), nodes_[1]}, z = {prepared.plans[2].steps(), nodes_[2]};
    const std::size_t entries =
        round_up(std::size_t(shape_.lengths[1]), lanes) * (std::size_t(shape_.lengths[2]) / 2 + 1);
    parallel_for(frequencies, [&](std::size_t k, int worker) {
      Scratch& scratch = scratch_[std::size_t(worker)];
      kernels.convolve_plane({y, z, &re_[k * columns_], &im_[k * columns_], grid_.stride_y, spectrum + k * entries,
                              scratch.re.data(), scratch.im.data()},
                             fft_scratch(worker));
    });
  }
  parallel_for(columns_ / lanes,
               [&](std::size_t block, int worker) { kernels.backward(first, block * lanes, fft_scratch(worker)); });
  if (line)
    for (std::size_t x = 0; x < nodes_[0]; ++x) values_[x] = line_[x * columns_];
}

double GridRepulsion::read(float* gradient) {
  const std::size_t n = order_.size(), chunk = 1024, dims = std::size_t(options_.dims);
  const KernelSpectrum& spectrum = prepared_.front().spectrum;
  const SelfTable self = {spectrum.self_places(), spectrum.self()};
  const float steps_per_unit = float(1 / shape_.step);
  return parallel_sum((n + chunk - 1) / chunk, [&](std::size_t c, int) {
    const std::size_t begin = c * chunk;
    return interpolation_kernels().read(grid_, self, &sites_[begin * dims], &order_[begin], std::min(chunk, n - begin),
                                        steps_per_unit, gradient);
  });
}

}  // namespace espalier
