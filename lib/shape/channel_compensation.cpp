#include "shape/channel_compensation.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string>

#include "base/error.h"
#include "base/parallel.h"
#include "base/random.h"
#include "nn/executor.h"
#include "tensor/blas.h"

extern "C" void dposv_(const char* half, const int* n, const int* right_sides, double* a, const int* lda, double* b,
                       const int* ldb, int* info);

namespace espalier {

namespace {

constexpr std::uint64_t kPixels = 0x434f'0000;
constexpr std::size_t kTile = 64;  // rows of a sum of products

/// The network up to a layer, of which it keeps what the layer reads and gives.
class Prefix {
 public:
  Prefix(const Architecture& architecture, const Parameters& parameters, std::size_t layer)
      : architecture_(cut(architecture, layer)),
        parameters_(copy(architecture_, parameters)),
        executor_(architecture_, parameters_) {
    executor_.keep(architecture.layers[layer].name);
    executor_.keep(architecture.layers[layer].inputs[0]);
  }
  void run(const float* images, std::size_t count) { executor_.forward(images, count); }
  Matrix outputs() const { return executor_.kept(0); }
  Matrix inputs() const { return executor_.kept(1); }
  ImageShape output_shape() const { return executor_.kept_shape(0); }
  ImageShape input_shape() const { return executor_.kept_shape(1); }

 private:
  /// A pool makes logits of any layer.
  static Architecture cut(const Architecture& architecture, std::size_t layer) {
    Architecture result{architecture.input, infer_shapes(architecture)[layer].channels, {}};
    result.layers.assign(architecture.layers.begin(), architecture.layers.begin() + std::ptrdiff_t(layer) + 1);
    Layer pool;
    pool.name = architecture.layers[layer].name + " pooled";
    for (const Layer& other : result.layers)
      if (other.name == pool.name) pool.name += "'";
    pool.kind = LayerKind::global_pool;
    pool.inputs = {architecture.layers[layer].name};
    result.layers.push_back(std::move(pool));
    return result;
  }
  static Parameters copy(const Architecture& architecture, const Parameters& from) {
    Parameters result(architecture);
    for (std::size_t p = 0; p < result.size(); ++p) result[p].values = from[p].values;
    return result;
  }

  Architecture architecture_;
  Parameters parameters_;
  Executor executor_;
};

/// Row-major, in double.
struct Table {
  std::size_t rows = 0, cols = 0;
  std::vector<double> values;
  Table(std::size_t r, std::size_t c) : rows(r), cols(c), values(r * c, 0.0) {}
  double* row(std::size_t i) { return values.data() + i * cols; }
  const double* row(std::size_t i) const { return values.data() + i * cols; }
};

/// Sums over the rows of patches x and of losses r = Y - Z, and of their products.
struct Sums {
  std::size_t rows = 0;
  std::vector<double> x, r;
  Table xx, rx;
  Sums(std::size_t inputs, std::size_t outputs)
      : x(inputs, 0.0), r(outputs, 0.0), xx(inputs, inputs), rx(outputs, inputs) {}
};

/// C += A'B, rows of C in tiles of their own.
void add_products(const Table& a, const Table& b, Table& c) {
  parallel_ranges(a.cols, kTile, [&](std::size_t begin, std::size_t end, int) {
    gemm(Op::transpose, Op::none, end - begin, b.cols, a.rows, 1.0, a.values.data() + begin, a.cols, b.values.data(),
         b.cols, 1.0, c.row(begin), c.cols);
  });
}

void add_rows(const Table& from, std::vector<double>& sum) {
  for (std::size_t i = 0; i < from.rows; ++i)
    for (std::size_t j = 0; j < from.cols; ++j) sum[j] += from.row(i)[j];
}

/// Means about which the sums are taken: none where nothing can take a constant.
void subtract_means(const std::vector<double>& a, const std::vector<double>& b, std::size_t rows, Table& products) {
  for (std::size_t i = 0; i < products.rows; ++i)
    for (std::size_t j = 0; j < products.cols; ++j) products.row(i)[j] -= a[i] * b[j] / double(rows);
}

/// Mends one layer of a masked network.
class Mender {
 public:
  Mender(const Architecture& architecture, const Parameters& parameters, NetworkShape& masked, std::size_t layer,
         const CompensationOptions& options)
      : architecture_(architecture),
        masked_(masked),
        layer_(layer),
        options_(options),
        before_(architecture, parameters, layer),
        after_(masked.architecture, masked.parameters, layer),
        in_(after_.input_shape()),
        out_(after_.output_shape()),
        kernel_(own().kind == LayerKind::linear ? 1 : std::size_t(own().kernel)) {
    find_norms();
  }

  void mend(std::span<const float> images, const Control& control) {
    const bool fits = options_.kind == Compensation::least_squares;
    if (!fits && !takes_constants()) return;
    Sums sums(fits ? std::size_t(in_.channels) * kernel_ * kernel_ : 0, std::size_t(out_.channels));
    const std::size_t size = architecture_.input.size(), count = images.size() / size;
    for (std::size_t first = 0; first < count; first += options_.batch) {
      throw_if_stopped(control);
      const std::size_t n = std::min(options_.batch, count - first);
      before_.run(images.data() + first * size, n);
      after_.run(images.data() + first * size, n);
      fits ? add_patches(first, n, sums) : add_means(n, sums);
    }
    const Table change = fits ? fit(sums) : Table(std::size_t(out_.channels), 0);
    apply(sums, change);
  }

 private:
  const Layer& own() const { return architecture_.layers[layer_]; }
  bool takes_constants() const { return own().bias || !norms_.empty(); }

  /// Norms that read the layer, if nothing else does.
  void find_norms() {
    for (std::size_t l = layer_ + 1; l < architecture_.layers.size(); ++l)
      for (const std::string& input : architecture_.layers[l].inputs) {
        if (input != own().name) continue;
        if (architecture_.layers[l].kind != LayerKind::batch_norm) {
          norms_.clear();
          return;
        }
        norms_.push_back(l);
      }
    if (layer_ + 1 == architecture_.layers.size()) norms_.clear();
  }

  /// Sums of the losses at all pixels; a channel's are added up alone, in the order of the images.
  void add_means(std::size_t n, Sums& sums) {
    const Matrix y = before_.outputs(), z = after_.outputs();
    const std::size_t pixels = out_.pixels();
    parallel_for(sums.r.size(), [&](std::size_t c, int) {
      for (std::size_t image = 0; image < n; ++image)
        for (std::size_t i = c * pixels; i < (c + 1) * pixels; ++i) sums.r[c] += double(y(image, i)) - z(image, i);
    });
    sums.rows += n * pixels;
  }

  std::vector<std::size_t> pick_pixels(std::size_t image) const {
    std::vector<std::size_t> picked(std::min(options_.pixels, out_.pixels()));
    const Random random(options_.seed, kPixels + (std::uint64_t(layer_) << 32) + image);
    for (std::size_t i = 0; i < picked.size(); ++i)
      picked[i] = picked.size() == out_.pixels() ? i : std::size_t(random.below(i, out_.pixels()));
    return picked;
  }

  void copy_patch(const float* x, std::size_t pixel, double* to) const {
    const bool linear = own().kind == LayerKind::linear;
    const int stride = linear ? 1 : own().stride, padding = linear ? 0 : own().padding, width = out_.width;
    const int top = int(pixel) / width * stride - padding, left = int(pixel) % width * stride - padding;
    for (int c = 0; c < in_.channels; ++c, x += in_.pixels())
      for (int r = top; r < top + int(kernel_); ++r)
        for (int s = left; s < left + int(kernel_); ++s)
          *to++ = r < 0 || s < 0 || r >= in_.height || s >= in_.width ? 0 : x[r * in_.width + s];
  }

  void add_patches(std::size_t first, std::size_t n, Sums& sums) {
    const Matrix y = before_.outputs(), z = after_.outputs(), inputs = after_.inputs();
    const std::size_t each = std::min(options_.pixels, out_.pixels()), pixels = out_.pixels();
    Table x(n * each, sums.x.size()), r(n * each, sums.r.size());
    parallel_for(n, [&](std::size_t image, int) {
      std::size_t row = image * each;
      for (const std::size_t pixel : pick_pixels(first + image)) {
        copy_patch(inputs.row(image), pixel, x.row(row));
        for (std::size_t o = 0; o < r.cols; ++o)
          r.row(row)[o] = double(y(image, o * pixels + pixel)) - z(image, o * pixels + pixel);
        ++row;
      }
    });
    add_rows(x, sums.x);
    add_rows(r, sums.r);
    add_products(x, x, sums.xx);
    add_products(r, x, sums.rx);
    sums.rows += x.rows;
  }

  /// D, outputs x inputs. An input that is 0 throughout has sums of 0 and keeps its weights exactly.
  Table fit(const Sums& sums) const {
    Table a = sums.xx, b = sums.rx;
    if (takes_constants()) {
      subtract_means(sums.x, sums.x, sums.rows, a);
      subtract_means(sums.r, sums.x, sums.rows, b);
    }
    double trace = 0;
    for (std::size_t i = 0; i < a.rows; ++i) trace += a.row(i)[i];
    if (!std::isfinite(trace)) refuse();
    if (!(trace > 0)) return Table(b.rows, b.cols);
    for (std::size_t i = 0; i < a.rows; ++i) a.row(i)[i] += options_.ridge * trace / double(a.rows);
    const int n = int(a.rows), right_sides = int(b.rows);
    int info = 0;
    prepare_blas();
    // Symmetric, so that row-major and column-major are the same; a row of b is a column of LAPACK's.
    dposv_("L", &n, &right_sides, a.values.data(), &n, b.values.data(), &n, &info);
    if (info != 0) refuse();
    return b;
  }

  void apply(const Sums& sums, const Table& change) {
    float* const weight = masked_.parameters.values(own().name, "weight");
    const std::size_t row = masked_.parameters.find(own().name + ".weight")->values.size() / change.rows;
    for (std::size_t o = 0; o < change.rows; ++o) {
      float* const w = weight + o * row;
      if (std::all_of(w, w + row, [](float v) { return v == 0; })) continue;  // silent itself
      double constant = sums.r[o];
      for (std::size_t i = 0; i < change.cols; ++i) constant -= change.row(o)[i] * sums.x[i];
      constant /= double(sums.rows);
      if (!std::isfinite(constant)) refuse();
      for (std::size_t i = 0; i < change.cols; ++i) w[i] = float(w[i] + change.row(o)[i]);
      if (own().bias)
        masked_.parameters.values(own().name, "bias")[o] += float(constant);
      else
        for (const std::size_t norm : norms_)
          masked_.parameters.values(architecture_.layers[norm].name, "running_mean")[o] -= float(constant);
    }
  }

  [[noreturn]] void refuse() const {
    throw DataError("", "", "layer '{}' gives values that are not finite: nothing can be fitted to them", own().name);
  }

  const Architecture& architecture_;
  NetworkShape& masked_;
  std::size_t layer_;
  const CompensationOptions& options_;
  Prefix before_, after_;
  ImageShape in_, out_;
  std::size_t kernel_;
  std::vector<std::size_t> norms_;
};

}  // namespace

std::vector<int> find_bereft_readers(const ChannelLayout& layout, const ChannelMarks& removed) {
  std::set<int> readers;
  for (std::size_t s = 0; s < removed.size(); ++s)
    if (std::find(removed[s].begin(), removed[s].end(), true) != removed[s].end())
      readers.insert(layout.spaces[s].readers.begin(), layout.spaces[s].readers.end());
  return {readers.begin(), readers.end()};
}

void compensate(const Architecture& architecture, const Parameters& parameters, NetworkShape& masked,
                std::span<const int> layers, std::span<const float> images, const CompensationOptions& options,
                const Control& control) {
  if (images.size() < architecture.input.size()) throw BugError("compensation on no images");
  if (!(options.ridge > 0) || options.pixels == 0 || options.batch == 0)
    throw BugError("compensation with a ridge of {}, {} pixels, {} images at a time", options.ridge, options.pixels,
                   options.batch);
  std::vector<int> ordered(layers.begin(), layers.end());
  std::sort(ordered.begin(), ordered.end());
  for (std::size_t i = 0; i < ordered.size(); ++i) {
    const auto layer = std::size_t(ordered[i]);
    const LayerKind kind = layer < architecture.layers.size() ? architecture.layers[layer].kind : LayerKind::relu;
    if (kind != LayerKind::convolution && kind != LayerKind::linear)
      throw BugError("compensation in layer {}, which has no weights", ordered[i]);
    control.report("compensation", double(i), double(ordered.size()));
    Mender(architecture, parameters, masked, layer, options).mend(images, control);
  }
  control.report("compensation", double(ordered.size()), double(ordered.size()));
}

}  // namespace espalier
