#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/error.h"
#include "h5/network.h"
#include "h5_making.h"
#include "nn/stock.h"
#include "plot/heatmap.h"
#include "plot/kernels.h"
#include "plot/widths.h"

using namespace espalier;

namespace {

/// A small residual net; of layer1.0.conv1 input 1, output 2 and the kernel (0, 0) are zero.
StoredNetwork network_with_zeros() {
  StoredNetwork network;
  network.architecture = stock_architecture("resnet20", {3, 16, 16}, 10, 0.25);
  network.parameters = initial_parameters(network.architecture, 4);
  Parameter& weights = *network.parameters.find("layer1.0.conv1.weight");
  const std::size_t in = weights.info.shape[1], taps = 9;
  for (std::size_t k = 0; k < weights.info.shape[0] * in; ++k)
    if (k / in == 2 || k % in == 1 || k == 0) std::fill_n(weights.values.data() + k * taps, taps, 0.0f);
  network.normalization = {{0, 0, 0}, {1, 1, 1}};
  return network;
}

std::vector<KernelNorms> norms_of(const StoredNetwork& network, const NormSelection& selection = {}) {
  return kernel_norms(network.architecture, network.parameters, selection, "net.h5");
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("norms of kernels are the roots of sums of squares, as a plain loop adds them") {
  const StoredNetwork network = network_with_zeros();
  NormSelection selection;
  selection.linear = true;
  const std::vector<KernelNorms> all = norms_of(network, selection);
  REQUIRE(all.size() == 20);
  for (const KernelNorms& layer : all) {
    const Parameter& weights = *network.parameters.find(layer.layer + ".weight");
    const auto& shape = weights.info.shape;
    REQUIRE(layer.norms.rows() == shape[0]);
    REQUIRE(layer.norms.cols() == shape[1]);
    const std::size_t taps = layer.kernel * layer.kernel;
    CHECK(shape[0] * shape[1] * taps == weights.values.size());
    for (std::size_t o = 0; o < shape[0]; ++o)
      for (std::size_t i = 0; i < shape[1]; ++i) {
        double sum = 0;
        for (std::size_t t = 0; t < taps; ++t)
          sum += std::pow(double(weights.values.data()[(o * shape[1] + i) * taps + t]), 2);
        CHECK(layer.norms(o, i) == doctest::Approx(std::sqrt(sum)).epsilon(1e-6));
      }
  }
}

TEST_CASE("zero kernels, and rows and columns that are zero all through, are counted") {
  const StoredNetwork network = network_with_zeros();
  const Matrix norms = norms_of(network, {{"layer1.0.conv1"}, false})[0].norms;
  REQUIRE(norms.rows() == 4);
  REQUIRE(norms.cols() == 4);
  const ZeroCounts counts = count_zeros(norms, 0);
  CHECK(counts.kernels == 16);
  CHECK(counts.zero_kernels == 8);  // 4 + 4 - 1 + 1
  CHECK(counts.zero_outputs == 1);
  CHECK(counts.zero_inputs == 1);
  CHECK(count_zeros(norms, 1e9).zero_kernels == 16);
  CHECK(count_zeros(norms, double(norms(1, 2))).zero_kernels >= 9);
}

TEST_CASE("layers are drawn in the order in which they are named; others are refused by name") {
  const StoredNetwork network = network_with_zeros();
  const std::vector<KernelNorms> two = norms_of(network, {{"linear", "conv1"}, false});
  REQUIRE(two.size() == 2);
  CHECK(two[0].layer == "linear");
  CHECK(two[0].kernel == 1);
  CHECK(two[1].layer == "conv1");
  CHECK(norms_of(network).size() == 19);
  CHECK_THROWS_WITH_AS(norms_of(network, {{"conv9"}, false}), "net.h5: has no layer 'conv9'", DataError);
  CHECK_THROWS_WITH_AS(norms_of(network, {{"bn1"}, false}), "net.h5: layer 'bn1' is no convolution and not linear",
                       DataError);
}

TEST_CASE("a field has the colour of zeros where norms count as zero, and the scale's elsewhere") {
  Matrix values(2, 2);
  values(0, 0) = 0;
  values(0, 1) = 0.5f;
  values(1, 0) = 1;
  values(1, 1) = 2;
  const HeatScale scale{{0, 2, false}, 0.5};
  const Pixels pixels = heat_pixels(values, scale);
  CHECK(pixels.width == 2);
  const auto colour = [&](std::size_t k) {
    return Colour{pixels.rgba[4 * k], pixels.rgba[4 * k + 1], pixels.rgba[4 * k + 2]};
  };
  CHECK(colour(0) == kZeroColour);
  CHECK(colour(1) == kZeroColour);
  CHECK(colour(2) == scale_colour(0.5));
  CHECK(colour(3) == scale_colour(1));
  const Pixels large = heat_pixels(values, scale, 3);
  REQUIRE(large.width == 6);
  REQUIRE(large.height == 6);
  for (std::size_t y = 0; y < 6; ++y)
    for (std::size_t x = 0; x < 6; ++x)
      CHECK(large.rgba[4 * (6 * y + x) + 1] == pixels.rgba[4 * (2 * (y / 3) + x / 3) + 1]);
}

TEST_CASE("the colour of zeros is far from every colour of the scale") {
  for (int i = 0; i <= 100; ++i) CHECK(lab_distance(to_lab(kZeroColour), to_lab(scale_colour(i / 100.0))) > 30);
}

TEST_CASE("cells are whole pixels, as many as fit, unless there is less than one for each") {
  CHECK(cell_side(4, 3, 30, 0.1) == doctest::Approx(7.5));
  CHECK(cell_side(7, 16, 30, 0.1) == doctest::Approx(1.8));  // 18.75 pixels
  CHECK(cell_side(300, 10, 30, 0.1) == doctest::Approx(0.1));
  CHECK(cell_side(600, 600, 30, 0.1) == doctest::Approx(0.05));
}

TEST_CASE("a few large kernels do not leave the colours of the others alike") {
  std::vector<double> norms;
  for (int k = 1; k <= 1000; ++k) norms.push_back(k / 1000.0);
  CHECK(scale_end(norms) == 1);  // no gap
  for (int k = 0; k < 5; ++k) norms[std::size_t(k) * 100] = 8;
  CHECK(scale_end(norms) < 1);
  CHECK(scale_end(norms) > 0.98);
  for (int k = 0; k < 20; ++k) norms[std::size_t(k) * 50] = 8;  // more than 1 % are no exception
  CHECK(scale_end(norms) == 8);
  CHECK(scale_end({3}) == 3);
  CHECK(scale_end({3, 0.1, 0.1}) == 3);
}

TEST_CASE("kernels are the same bytes every time, before and after the network was a file") {
  const StoredNetwork network = network_with_zeros();
  const making::TemporaryPath path;
  {
    H5File file = H5File::create(path.path);
    write_network(file, network);
    file.close();
  }
  const StoredNetwork read = read_network(H5File::open(path.path));
  for (const PictureFormat format : {PictureFormat::png, PictureFormat::svg, PictureFormat::pdf}) {
    KernelOptions options;
    options.format = format;
    options.dpi = 100;
    const auto picture = draw_kernels(norms_of(network), options);
    CHECK(picture == draw_kernels(norms_of(read), options));
    options.relative = true;
    CHECK(picture != draw_kernels(norms_of(network), options));
  }
}

TEST_CASE("a network of zeros is drawn, on any scale") {
  const KernelNorms zeros{"conv", 3, Matrix(4, 4, 0.0f)};
  for (const Scale scale : {Scale::automatic, Scale::logarithmic})
    for (const bool relative : {false, true})
      for (const double zero : {0.0, 1e-3}) {
        KernelOptions options;
        options.dpi = 50;
        options.scale = scale;
        options.relative = relative;
        options.zero = zero;
        CHECK(draw_kernels(std::vector{zeros}, options).size() > 500);
      }
}

TEST_CASE("fields without room are refused as a wrong option") {
  const StoredNetwork network = network_with_zeros();
  KernelOptions options;
  options.width = 40;
  options.columns = 8;
  CHECK_THROWS_AS(draw_kernels(norms_of(network), options), UsageError);
}

TEST_CASE("widths are set side by side by the names of layers") {
  const NetworkWidths first{"a", {{"conv1", 16}, {"conv2", 32}, {"linear", 10}}, 100, 1000};
  const NetworkWidths second{"b", {{"conv1", 8}, {"new", 5}, {"linear", 10}}, 50, 250};
  const std::vector<LayerWidths> both = compare_widths(std::vector{first, second});
  REQUIRE(both.size() == 4);
  CHECK(both[0].layer == "conv1");
  CHECK(both[0].channels == std::vector<std::size_t>{16, 8});
  CHECK(both[1].channels == std::vector<std::size_t>{32, 0});
  CHECK(both[2].channels == std::vector<std::size_t>{10, 10});
  CHECK(both[3].layer == "new");
  CHECK(both[3].channels == std::vector<std::size_t>{0, 5});
  PictureOptions options;
  options.dpi = 50;
  CHECK(draw_widths(std::vector{first, second}, options) == draw_widths(std::vector{first, second}, options));
  options.width = 20;
  CHECK_THROWS_AS(draw_widths(std::vector{first, second}, options), UsageError);
}

TEST_CASE("a network's widths, parameters and multiplications are those of its layers") {
  const Architecture architecture = stock_architecture("resnet20", {3, 32, 32}, 10);
  const NetworkWidths widths = widths_of(architecture, "net.h5");
  REQUIRE(widths.layers.size() == 20);
  CHECK(widths.layers[0].channels == 16);
  CHECK(widths.layers[18].channels == 64);
  CHECK(widths.layers[19].name == "linear");
  CHECK(widths.parameters == count_parameters(architecture));
  CHECK(widths.macs == count_macs(architecture));
}
