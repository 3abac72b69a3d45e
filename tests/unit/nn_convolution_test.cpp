#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/parallel.h"
#include "base/random.h"
#include "nn/convolution.h"

using namespace espalier;

namespace {

/// A convolution with everything that goes in, as plain arrays [image][channel][pixel].
struct Case {
  ConvolutionShape shape;
  std::size_t images;
  std::vector<float> x, w, b, dy;

  Case(int channels, int outputs, int height, int width, int kernel, int stride, int padding, std::size_t n)
      : images(n) {
    const auto windows = [&](int size) { return (size + 2 * padding - kernel) / stride + 1; };
    shape = {{channels, height, width}, {outputs, windows(height), windows(width)}, kernel, stride, padding};
    x = numbers(n * shape.in.size(), 1);
    w = numbers(std::size_t(outputs * channels * kernel * kernel), 2);
    b = numbers(std::size_t(outputs), 3);
    dy = numbers(n * shape.out.size(), 4);
  }
  static std::vector<float> numbers(std::size_t count, std::uint64_t stream) {
    const Random random(7, stream);
    std::vector<float> v(count);
    for (std::size_t i = 0; i < count; ++i) v[i] = float(random.normal(i));
    return v;
  }
  /// Calls body(y place, x place, w place) for every product.
  template <class Body>
  void products(Body&& body) const {
    const ImageShape &in = shape.in, &out = shape.out;
    const int k = shape.kernel;
    for (int n = 0; n < int(images); ++n)
      for (int o = 0; o < out.channels; ++o)
        for (int i = 0; i < out.height; ++i)
          for (int j = 0; j < out.width; ++j)
            for (int c = 0; c < in.channels; ++c)
              for (int r = 0; r < k; ++r)
                for (int s = 0; s < k; ++s) {
                  const int row = i * shape.stride + r - shape.padding, column = j * shape.stride + s - shape.padding;
                  if (row < 0 || column < 0 || row >= in.height || column >= in.width) continue;
                  body(std::size_t(((n * out.channels + o) * out.height + i) * out.width + j),
                       std::size_t(((n * in.channels + c) * in.height + row) * in.width + column),
                       std::size_t(((o * in.channels + c) * k + r) * k + s));
                }
  }
};

/// Between [image][site] and images in lanes; what lies beyond the batch is `rest`.
Buffer<float> to_lanes(const std::vector<float>& plain, std::size_t images, float rest) {
  const std::size_t lanes = image_lanes(), size = plain.size() / images;
  Buffer<float> out(image_blocks(images) * size * lanes, rest);
  for (std::size_t n = 0; n < images; ++n)
    for (std::size_t i = 0; i < size; ++i) out[(n / lanes * size + i) * lanes + n % lanes] = plain[n * size + i];
  return out;
}
std::vector<float> from_lanes(const Buffer<float>& sites, std::size_t images, std::size_t size) {
  const std::size_t lanes = image_lanes();
  std::vector<float> out(images * size);
  for (std::size_t n = 0; n < images; ++n)
    for (std::size_t i = 0; i < size; ++i) out[n * size + i] = sites[(n / lanes * size + i) * lanes + n % lanes];
  return out;
}

/// Largest difference over the largest value.
double deviation(const std::vector<float>& got, const std::vector<double>& expected) {
  double wrong = 0, largest = 1e-30;
  for (std::size_t i = 0; i < got.size(); ++i) {
    wrong = std::max(wrong, std::abs(got[i] - expected[i]));
    largest = std::max(largest, std::abs(expected[i]));
  }
  return wrong / largest;
}

std::vector<Case> cases() {
  std::vector<Case> list;
  for (const auto& [channels, outputs] : {std::pair{1, 13}, {3, 16}, {13, 27}, {27, 1}, {50, 6}})
    for (const int kernel : {1, 3, 5, 7})
      for (const int stride : {1, 2}) list.emplace_back(channels, outputs, 9, 8, kernel, stride, kernel / 2, 7);
  // Sizes as they come, so that bands, tiles and remainders meet in ways that nobody thought of.
  const Random random(31, 5);
  std::uint64_t drawn = 0;
  const auto draw = [&](int from, int to) { return from + int(random.below(drawn++, std::uint64_t(to - from + 1))); };
  while (list.size() < 120) {
    const int kernel = draw(1, 5), padding = draw(0, kernel - 1), height = draw(1, 15), width = draw(1, 15);
    if (std::min(height, width) + 2 * padding < kernel) continue;
    list.emplace_back(draw(1, 30), draw(1, 30), height, width, kernel, draw(1, 3), padding, std::size_t(draw(1, 40)));
  }
  list.emplace_back(16, 16, 32, 32, 3, 1, 1, 17);
  list.emplace_back(4, 5, 11, 3, 3, 3, 0, 100);
  list.emplace_back(2, 3, 6, 7, 1, 3, 0, 1);
  list.emplace_back(3, 2, 5, 5, 2, 1, 1, 3);
  list.emplace_back(130, 70, 2, 2, 3, 1, 1, 20);
  list.emplace_back(128, 10, 1, 1, 1, 1, 0, 100);
  list.emplace_back(7, 65, 1, 1, 1, 1, 0, 1);
  return list;
}

}  // namespace

TEST_CASE("convolution and both its gradients are those of plain loops in double precision") {
  ConvolutionScratch scratch;
  for (const Case& c : cases()) {
    CAPTURE(c.shape.in.channels);
    CAPTURE(c.shape.out.channels);
    CAPTURE(c.shape.kernel);
    CAPTURE(c.shape.stride);
    CAPTURE(c.images);
    std::vector<double> y(c.dy.size()), dx(c.x.size()), dw(c.w.size());
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = c.b[i / c.shape.out.pixels() % std::size_t(c.shape.out.channels)];
    c.products([&](std::size_t to, std::size_t from, std::size_t weight) {
      y[to] += double(c.x[from]) * c.w[weight];
      dx[from] += double(c.dy[to]) * c.w[weight];
      dw[weight] += double(c.dy[to]) * c.x[from];
    });
    const Buffer<float> x = to_lanes(c.x, c.images, 3.0f), dy = to_lanes(c.dy, c.images, 0.0f);
    Buffer<float> out(dy.size(), 9.0f), back(x.size(), 9.0f);
    std::vector<double> moments(2 * std::size_t(c.shape.out.channels));
    convolve(c.shape, {x.data()}, c.w.data(), c.b.data(), c.images, out.data(), moments.data(), scratch);
    CHECK(deviation(from_lanes(out, c.images, c.shape.out.size()), y) < 2e-6);
    double sum = 0, squares = 0;  // of channel 0
    for (std::size_t i = 0; i < y.size(); ++i)
      if (i / c.shape.out.pixels() % std::size_t(c.shape.out.channels) == 0) sum += y[i], squares += y[i] * y[i];
    CHECK(moments[0] == doctest::Approx(sum).epsilon(1e-4));
    CHECK(moments[1] == doctest::Approx(squares).epsilon(1e-5));

    Buffer<float> again(dy.size(), 9.0f);
    convolve(c.shape, {x.data()}, c.w.data(), c.b.data(), c.images, again.data(), nullptr, scratch);
    CHECK(deviation(from_lanes(again, c.images, c.shape.out.size()), y) < 2e-6);

    convolve_back(c.shape, dy.data(), c.w.data(), c.images, back.data(), false, scratch);
    CHECK(deviation(from_lanes(back, c.images, c.shape.in.size()), dx) < 2e-6);
    convolve_back(c.shape, dy.data(), c.w.data(), c.images, back.data(), true, scratch);
    for (double& value : dx) value *= 2;
    CHECK(deviation(from_lanes(back, c.images, c.shape.in.size()), dx) < 2e-6);

    std::vector<float> weights(dw.size()), bias(c.b.size());
    weight_gradient(c.shape, {x.data()}, dy.data(), c.images, weights.data(), bias.data(), scratch);
    CHECK(deviation(weights, dw) < 2e-6);
    double db = 0;
    for (std::size_t i = 0; i < y.size(); ++i)
      if (i / c.shape.out.pixels() % std::size_t(c.shape.out.channels) == 0) db += c.dy[i];
    CHECK(bias[0] == doctest::Approx(db).epsilon(1e-4).scale(1));
  }
}

TEST_CASE("a convolution reads its input normalised and rectified, with zeros around it") {
  ConvolutionScratch scratch;
  const Case c(5, 7, 6, 6, 3, 1, 1, 5);
  const std::vector<float> scale = {1, -2, 0.5f, 3, 0}, shift = {0.5f, 1, -1, 0, 2};
  std::vector<float> seen = c.x;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const std::size_t channel = i / c.shape.in.pixels() % 5;
    seen[i] = std::max(0.0f, seen[i] * scale[channel] + shift[channel]);
  }
  const Buffer<float> x = to_lanes(c.x, c.images, 0), z = to_lanes(seen, c.images, 0), dy = to_lanes(c.dy, c.images, 0);
  Buffer<float> viewed(dy.size()), direct(dy.size());
  const ActivationView view = {x.data(), scale.data(), shift.data(), true};
  convolve(c.shape, view, c.w.data(), nullptr, c.images, viewed.data(), nullptr, scratch);
  convolve(c.shape, {z.data()}, c.w.data(), nullptr, c.images, direct.data(), nullptr, scratch);
  const std::vector<float> a = from_lanes(viewed, c.images, c.shape.out.size());
  const std::vector<float> b = from_lanes(direct, c.images, c.shape.out.size());
  for (std::size_t i = 0; i < a.size(); ++i) REQUIRE(a[i] == doctest::Approx(b[i]).epsilon(1e-5).scale(1));
  std::vector<float> dw(c.w.size()), dw_direct(c.w.size());
  weight_gradient(c.shape, view, dy.data(), c.images, dw.data(), nullptr, scratch);
  weight_gradient(c.shape, {z.data()}, dy.data(), c.images, dw_direct.data(), nullptr, scratch);
  for (std::size_t i = 0; i < dw.size(); ++i) REQUIRE(dw[i] == doctest::Approx(dw_direct[i]).epsilon(1e-5).scale(1));
}

TEST_CASE("convolutions are the same bytes with 1, 2 and 4 threads") {
  const int before = threads();
  for (const Case& c : {Case(16, 33, 12, 12, 3, 1, 1, 70), Case(150, 140, 3, 3, 3, 1, 1, 40)}) {
    std::vector<std::vector<float>> results;
    for (const int count : {1, 2, 4}) {
      set_threads(count);
      ConvolutionScratch scratch;
      const Buffer<float> x = to_lanes(c.x, c.images, 0), dy = to_lanes(c.dy, c.images, 0);
      Buffer<float> out(dy.size()), back(x.size());
      std::vector<float> all(c.w.size());
      convolve(c.shape, {x.data()}, c.w.data(), nullptr, c.images, out.data(), nullptr, scratch);
      convolve_back(c.shape, dy.data(), c.w.data(), c.images, back.data(), false, scratch);
      weight_gradient(c.shape, {x.data()}, dy.data(), c.images, all.data(), nullptr, scratch);
      all.insert(all.end(), out.begin(), out.end());
      all.insert(all.end(), back.begin(), back.end());
      results.push_back(std::move(all));
    }
    CHECK(std::memcmp(results[0].data(), results[1].data(), results[0].size() * sizeof(float)) == 0);
    CHECK(std::memcmp(results[0].data(), results[2].data(), results[0].size() * sizeof(float)) == 0);
  }
  set_threads(before);
}
