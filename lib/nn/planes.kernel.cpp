#include "base/simd.h"
#include "nn/plane_kernels.h"

namespace espalier::ESPALIER_KERNEL {

namespace {

using Double = double __attribute__((vector_size(kLanes * 8)));

ESPALIER_INLINE Double widen(Float x) { return __builtin_convertvector(x, Double); }

/// A view with its numbers in every lane.
struct Seen {
  const float* sites;
  Float scale, shift;
  bool rectify;
};

ESPALIER_INLINE Seen see(const PlaneView& view) {
  return {view.sites, splat(view.scale), splat(view.shift), view.rectify};
}
/// Before the rectifier, and after it.
ESPALIER_INLINE Float plain(const Seen& view, std::size_t i) {
  return load(view.sites + i * kLanes) * view.scale + view.shift;
}
ESPALIER_INLINE Float value(const Seen& view, std::size_t i) {
  const Float x = plain(view, i);
  return view.rectify ? maximum(Float{}, x) : x;  // in this order NaN stays NaN
}

/// Floats add up at most this many terms before they go to doubles.
constexpr std::size_t kRun = 64;

/// Within a run the sums are of differences to the run's first site: of values far from zero, and near to each other,
/// the squares alone would lose what they differ by.
void moments(const float* x, std::size_t sites, const float* weights, double* sums) {
  const Float weight = load(weights);
  Double sum{}, squares{};
  for (std::size_t begin = 0; begin < sites; begin += kRun) {
    const std::size_t end = begin + kRun < sites ? begin + kRun : sites;
    const Float origin = load(x + begin * kLanes) * weight;
    Float run{}, run_squares{};
    for (std::size_t i = begin; i < end; ++i) {
      const Float y = load(x + i * kLanes) * weight - origin;
      run += y;
      run_squares += y * y;
    }
    const Double from = widen(origin), differences = widen(run);
    const double count = double(end - begin);
    sum += differences + count * from;
    squares += widen(run_squares) + from * (2 * differences + count * from);
  }
  for (int lane = 0; lane < kLanes; ++lane) {
    sums[0] += sum[lane];
    sums[1] += squares[lane];
  }
}

void combine(const PlaneView& first, const PlaneView& second, std::size_t sites, float* out) {
  const Seen x = see(first), y = see(second);
  if (second.sites)
    for (std::size_t i = 0; i < sites; ++i) store(out + i * kLanes, value(x, i) + value(y, i));
  else
    for (std::size_t i = 0; i < sites; ++i) store(out + i * kLanes, value(x, i));
}

void accumulate(float* x, const float* y, std::size_t sites) {
  for (std::size_t i = 0; i < sites * kLanes; i += kLanes) store(x + i, load(x + i) + load(y + i));
}

void rectify_gradient(float* gradient, const PlaneView& view, std::size_t sites) {
  const Seen x = see(view);
  for (std::size_t i = 0; i < sites; ++i) {
    const Float d = load(gradient + i * kLanes);
    store(gradient + i * kLanes, plain(x, i) > Float{} ? d : Float{});
  }
}

ESPALIER_INLINE Float gradient_before(const float* gradient, const Seen& x, std::size_t i) {
  const Float d = load(gradient + i * kLanes);
  if (!x.rectify) return d;
  return plain(x, i) > Float{} ? d : Float{};
}

void norm_gradient_sums(const float* gradient, const PlaneView& view, float mean, std::size_t sites, double* sums) {
  const Seen x = see(view);
  const Float middle = splat(mean);
  Double sum{}, products{};
  for (std::size_t begin = 0; begin < sites; begin += kRun) {
    const std::size_t end = begin + kRun < sites ? begin + kRun : sites;
    Float run{}, run_products{};
    for (std::size_t i = begin; i < end; ++i) {
      const Float d = gradient_before(gradient, x, i);
      run += d;
      run_products += d * (load(view.sites + i * kLanes) - middle);
    }
    sum += widen(run);
    products += widen(run_products);
  }
  for (int lane = 0; lane < kLanes; ++lane) {
    sums[0] += sum[lane];
    sums[1] += products[lane];
  }
}

void norm_gradient(const float* gradient, const PlaneView& view, const float* factors, const float* weights,
                   std::size_t sites, float* out) {
  const Seen x = see(view);
  const Float weight = load(weights), of_d = splat(factors[0]) * weight, of_x = splat(factors[1]) * weight,
              constant = splat(factors[2]) * weight;
  for (std::size_t i = 0; i < sites; ++i)
    store(out + i * kLanes, gradient_before(gradient, x, i) * of_d + (load(view.sites + i * kLanes) * of_x + constant));
}

/// Calls body(site of the input) for the pixels of window (i, j) that lie in the image.
template <class Body>
ESPALIER_INLINE void for_window(const Window& w, int i, int j, Body&& body) {
  const int top = i * w.stride - w.padding, left = j * w.stride - w.padding;
  for (int r = top < 0 ? 0 : top; r < top + w.height && r < w.in_height; ++r)
    for (int c = left < 0 ? 0 : left; c < left + w.width && c < w.in_width; ++c)
      body(std::size_t(r) * std::size_t(w.in_width) + std::size_t(c));
}

void max_pool(const PlaneView& view, const Window& w, float* out) {
  const Seen x = see(view);
  for (int i = 0; i < w.out_height; ++i)
    for (int j = 0; j < w.out_width; ++j, out += kLanes) {
      Float largest = splat(-__builtin_inff());
      for_window(
          w, i, j, [&](std::size_t at) __attribute__((always_inline)) { largest = maximum(largest, value(x, at)); });
      store(out, largest);
    }
}

void average_pool(const PlaneView& view, const Window& w, float* out) {
  const Seen x = see(view);
  const Float share = splat(1.0f / float(w.height * w.width));
  for (int i = 0; i < w.out_height; ++i)
    for (int j = 0; j < w.out_width; ++j, out += kLanes) {
      Float sum{};
      for_window(
          w, i, j, [&](std::size_t at) __attribute__((always_inline)) { sum += value(x, at); });
      store(out, sum * share);
    }
}

void max_pool_gradient(const PlaneView& view, const Window& w, const float* out, const float* out_gradient,
                       float* gradient) {
  const Seen x = see(view);
  for (int i = 0; i < w.out_height; ++i)
    for (int j = 0; j < w.out_width; ++j, out += kLanes, out_gradient += kLanes) {
      const Float largest = load(out);
      Float left = load(out_gradient);  // 0 in lanes that have handed it on
      for_window(
          w, i, j, [&](std::size_t at) __attribute__((always_inline)) {
            const Float given = value(x, at) == largest ? left : Float{};
            store(gradient + at * kLanes, load(gradient + at * kLanes) + given);
            left = left - given;
          });
    }
}

void average_pool_gradient(const Window& w, const float* out_gradient, float* gradient) {
  const Float share = splat(1.0f / float(w.height * w.width));
  for (int i = 0; i < w.out_height; ++i)
    for (int j = 0; j < w.out_width; ++j, out_gradient += kLanes) {
      const Float given = load(out_gradient) * share;
      for_window(
          w, i, j, [&](std::size_t at) __attribute__((always_inline)) {
            store(gradient + at * kLanes, load(gradient + at * kLanes) + given);
          });
    }
}

}  // namespace

extern const PlaneKernels plane_kernel_table;
const PlaneKernels plane_kernel_table = {
    kLanes,        moments,  combine,      accumulate,        rectify_gradient,     norm_gradient_sums,
    norm_gradient, max_pool, average_pool, max_pool_gradient, average_pool_gradient};

}  // namespace espalier::ESPALIER_KERNEL
