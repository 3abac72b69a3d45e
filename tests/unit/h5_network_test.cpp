#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "base/error.h"
#include "h5/images.h"
#include "h5/network.h"
#include "h5/training.h"
#include "h5_making.h"
#include "nn/executor.h"
#include "nn/stock.h"

using namespace espalier;
using making::TemporaryPath;

namespace {

StoredNetwork small_network() {
  StoredNetwork network;
  network.architecture = stock_architecture("resnet20", {3, 16, 16}, 4, 0.25);
  network.parameters = initial_parameters(network.architecture, 3);
  network.normalization = {{0.4f, 0.5f, 0.6f}, {0.1f, 0.2f, 0.3f}};
  network.names = {"a", "b", "c", "d"};
  return network;
}

void write(const std::string& path, const StoredNetwork& network) {
  H5File file = H5File::create(path);
  write_network(file, network);
  file.close();
}

/// What reading says after `change` was made to the file.
template <class Change>
std::string complaint(Change&& change) {
  const TemporaryPath place;
  {
    H5File file = H5File::create(place.path);
    write_network(file, small_network());
    change(file);
    file.close();
  }
  try {
    read_network(H5File::open(place.path));
  } catch (const DataError& error) {
    return error.what();
  }
  return "nothing";
}

bool mentions(const std::string& text, const char* words) { return text.find(words) != std::string::npos; }

}  // namespace

TEST_CASE("a network file holds the network: architecture, parameters, normalisation, names") {
  const TemporaryPath place;
  const StoredNetwork network = small_network();
  write(place.path, network);
  const StoredNetwork read = read_network(H5File::open(place.path));
  CHECK(to_json(read.architecture) == to_json(network.architecture));
  CHECK(read.names == network.names);
  CHECK(read.normalization.mean == network.normalization.mean);
  CHECK(read.normalization.deviation == network.normalization.deviation);
  REQUIRE(read.parameters.size() == network.parameters.size());
  for (std::size_t p = 0; p < read.parameters.size(); ++p)
    CHECK(std::memcmp(read.parameters[p].values.data(), network.parameters[p].values.data(),
                      read.parameters[p].values.size() * sizeof(float)) == 0);
}

TEST_CASE("what is wrong with a network file is named") {
  const std::string weight = "/network/parameters/layer2.0.conv1.weight";
  CHECK(mentions(complaint([&](H5File& f) { f.remove(weight); }), "has no parameter layer2.0.conv1.weight"));
  CHECK(mentions(complaint([&](H5File& f) {
                   const std::vector<float> few(8);
                   f.write(weight, {8}, std::span<const float>(few));
                 }),
                 "layer2.0.conv1.weight is 8, the architecture needs 8 x 4 x 3 x 3"));
  CHECK(mentions(complaint([&](H5File& f) {
                   std::vector<float> nan(8 * 4 * 9, std::numeric_limits<float>::quiet_NaN());
                   f.write(weight, {8, 4, 3, 3}, std::span<const float>(nan));
                 }),
                 "layer2.0.conv1.weight has nan at 0"));
  CHECK(mentions(complaint([&](H5File& f) {
                   const std::vector<float> more(3);
                   f.write("/network/parameters/extra.weight", {3}, std::span<const float>(more));
                 }),
                 "extra.weight is no parameter of the architecture"));
  CHECK(mentions(complaint([&](H5File& f) { f.set_attribute("/network", "architecture", std::string("{}")); }),
                 "needs \"input\""));
  CHECK(mentions(complaint([&](H5File& f) {
                   const std::vector<double> none = {0, 1, 1};
                   f.set_attribute("/network", "std", std::span<const double>(none));
                 }),
                 "std of 0"));
  CHECK(mentions(complaint([&](H5File& f) {
                   const std::vector<std::string> few = {"a", "b"};
                   f.set_attribute("/network", "labels", std::span<const std::string>(few));
                 }),
                 "names of 2 classes, the architecture has 4"));
  CHECK(mentions(complaint([&](H5File& f) { f.remove("/network"); }), "holds no /network"));
}

TEST_CASE("a state dict is read by PyTorch's names, counters and module prefixes aside") {
  const TemporaryPath place;
  const StoredNetwork network = small_network();
  const std::string& path = place.path;
  H5File file = H5File::create(path);
  for (const Parameter& p : network.parameters)
    file.write("/module." + p.info.name, p.info.shape, std::span<const float>(p.values));
  const std::vector<std::int64_t> counter = {7};
  file.write("/module.bn1.num_batches_tracked", {1}, std::span<const std::int64_t>(counter));
  file.close();
  const StoredNetwork read = read_state_dict(H5File::open(path), network.architecture);
  for (std::size_t p = 0; p < read.parameters.size(); ++p)
    CHECK(read.parameters[p].values[0] == network.parameters[p].values[0]);
}

TEST_CASE("a layer may be called as PyTorch calls its prefix") {
  const TemporaryPath place;
  StoredNetwork network;
  network.architecture = parse_architecture(
      R"({"input": [2, 1, 1], "classes": 2, "layers": [{"name": "module.x", "kind": "linear", "channels": 2}]})", "");
  network.parameters = initial_parameters(network.architecture, 3);
  network.normalization = {{0, 0}, {1, 1}};
  write(place.path, network);
  CHECK(read_network(H5File::open(place.path)).parameters[0].values[0] == network.parameters[0].values[0]);
}

TEST_CASE("labels that a network's classes do not fit are refused") {
  LabelledImages data;
  data.labelled = true;
  data.images.classes = 3;
  data.images.names = {"ape", "bee", "cow"};
  CHECK_THROWS_WITH_AS(set_classes(data, 4, {}, "x.h5"), "x.h5: names 3 classes, the network has 4", DataError);
  CHECK_THROWS_WITH_AS(set_classes(data, 3, {"ape", "cow", "bee"}, "x.h5"),
                       "x.h5: names class 1 bee, the network cow: the same classes in another order", DataError);
  CHECK_NOTHROW(set_classes(data, 3, {"ape", "bee", "cow"}, "x.h5"));
  CHECK_NOTHROW(set_classes(data, 3, {"monkey", "insect", "cattle"}, "x.h5"));
  data.images.names.clear();
  CHECK_THROWS_WITH_AS(set_classes(data, 2, {}, "x.h5"), "x.h5: has a label 2, the network has 2 classes", DataError);
}

TEST_CASE("a label that no network has a class for is refused before a network is made for it") {
  const TemporaryPath place;
  {
    making::File file(place.path);
    file.floats("/data", {2, 1, 2, 2}, std::vector<float>(8, 1));
    file.ints("/labels", {0, 3000000});
  }
  CHECK_THROWS_AS(read_images(SampleFile::open(place.path, {}, {}), true), DataError);
}

TEST_CASE("a training that was stopped comes back as it was") {
  const TemporaryPath place;
  const StoredNetwork network = small_network();
  TrainingState state;
  state.epoch = 3;
  state.step = 17;
  state.correct = 5;
  state.seen = 9;
  state.loss_sum = 1.25;
  state.best_epoch = 2;
  state.best_accuracy = 0.5;
  state.update = initial_update_state(network.parameters, UpdateRule::adamw);
  state.update.updates = 99;
  state.update.first[0][1] = 2.5f;
  state.update.second[0][2] = 3.5f;
  for (const Parameter& p : network.parameters) state.best.push_back(p.values);
  state.columns = {"zero_weights", "zero_kernels"};
  state.log = {{1, 0.1, 2.3, 0.1, NAN, NAN, 2.2, 0.2, {0.25, 0.5}}};
  const CheckpointKey key{"net-train --arch x", 42, "avx2"};
  const std::string& path = place.path;
  write_training(path, key, network, state, 2);

  const std::optional<SavedTraining> read = read_training(path, key, network.architecture, {});
  REQUIRE(read);
  CHECK(read->stage == 2);
  CHECK(read->network.parameters[0].values[0] == network.parameters[0].values[0]);
  const TrainingState& got = read->state;
  CHECK(got.epoch == 3);
  CHECK(got.step == 17);
  CHECK(got.update.updates == 99);
  CHECK(got.update.first[0][1] == 2.5f);
  CHECK(got.update.second[0][2] == 3.5f);
  CHECK(got.best.size() == network.parameters.size());
  CHECK(got.columns == state.columns);
  CHECK(log_table(got).find("test_accuracy\tzero_weights\tzero_kernels\n") != std::string::npos);
  CHECK(log_table(got).find("1\t0.1\t2.3\t0.1\t-\t-\t2.2\t0.2\t0.25\t0.5\n") != std::string::npos);
  CHECK_FALSE(read_training(path + ".none", key, network.architecture, {}));
  CHECK_THROWS_AS(read_training(path, {"net-train --arch y", 42, "avx2"}, network.architecture, {}), DataError);
  CHECK_THROWS_AS(read_training(path, {"net-train --arch x", 43, "avx2"}, network.architecture, {}), DataError);
  Architecture other = network.architecture;
  other.layers[0].name += "x";
  CHECK_THROWS_AS(read_training(path, key, other, {}), DataError);
}

TEST_CASE("the published ResNet-20 gives the reference's logits") {
  const char* root = std::getenv("ESPALIER_DATA");
  const std::string folder = root ? root : "data/cache";
  std::ifstream batch(folder + "/cifar-10/cifar-10-batches-bin/test_batch.bin", std::ios::binary);
  std::ifstream weights(folder + "/resnet-cifar10/resnet20.h5");
  if (!batch || !weights) {
    MESSAGE("skipped: no cifar-10 and resnet-cifar10 under ESPALIER_DATA");
    return;
  }
  constexpr std::size_t kImages = 100, kPixels = 3072;
  const float mean[] = {0.485f, 0.456f, 0.406f}, deviation[] = {0.229f, 0.224f, 0.225f};
  std::vector<float> images;
  for (std::size_t i = 0; i < kImages; ++i) {
    char record[1 + kPixels];
    batch.read(record, sizeof record);
    for (std::size_t p = 0; p < kPixels; ++p)
      images.push_back((float(std::uint8_t(record[1 + p])) / 255 - mean[p / 1024]) / deviation[p / 1024]);
  }
  const Architecture architecture = stock_architecture("resnet20", {3, 32, 32}, 10);
  StoredNetwork network = read_state_dict(H5File::open(folder + "/resnet-cifar10/resnet20.h5"), architecture);
  Executor executor(network.architecture, network.parameters);
  const Matrix logits = executor.forward(images.data(), kImages);
  const H5File reference = H5File::open(folder + "/resnet-cifar10/resnet20-reference.h5");
  const std::vector<double> expected = reference.read_doubles("/logits_f64");
  double wrong = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) wrong = std::max(wrong, std::abs(logits.data()[i] - expected[i]));
  CHECK(wrong < 1e-4);
  MESSAGE("largest difference " << wrong);
}
