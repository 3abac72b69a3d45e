#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "nn/executor.h"
#include "nn/trainer.h"
#include "shape/planting.h"
#include "shape_networks.h"

using namespace espalier;
using namespace shape_networks;

namespace {

std::vector<Net> small_networks() {
  return {{"resnet20", random_network(stock_architecture("resnet20", {3, 8, 8}, 4, 0.2), 5)},
          {"graph", random_network(parse_architecture(kGraph, "graph"), 6)}};
}

double mean_loss(const NetworkShape& net, const ScoringSamples& samples) {
  double sum = 0;
  for (const float loss : sample_losses(net, samples, 64, {})) sum += loss;
  return sum / double(samples.count());
}

/// Entries of a parameter that lie in old rows and new columns.
std::vector<std::size_t> readers_of(const Parameter& grown, const Parameter& old) {
  std::vector<std::size_t> places;
  if (grown.info.shape.size() < 2) return places;
  const std::size_t columns = grown.info.shape[1], kernel = grown.info.size() / grown.info.shape[0] / columns;
  for (std::size_t o = 0; o < old.info.shape[0]; ++o)
    for (std::size_t i = old.info.shape[1]; i < columns; ++i)
      for (std::size_t k = 0; k < kernel; ++k) places.push_back((o * columns + i) * kernel + k);
  return places;
}

/// The norm of the gradient by what reads the planted channels, from differences of the loss in evaluation.
double plain_gradient(const GrownNetwork& grown, const NetworkShape& old, const ScoringSamples& samples) {
  NetworkShape moved = grown.network;
  const double h = 0.01;
  double squares = 0;
  for (std::size_t p = 0; p < moved.parameters.size(); ++p)
    for (const std::size_t i : readers_of(moved.parameters[p], old.parameters[p])) {
      float& x = moved.parameters[p].values[i];
      const float middle = x;
      x = float(middle + h);
      const double above = mean_loss(moved, samples);
      x = float(middle - h);
      const double below = mean_loss(moved, samples);
      x = middle;
      squares += std::pow((above - below) / (2 * h), 2);
    }
  return std::sqrt(squares);
}

/// The largest change of a logit, evaluation against evaluation.
double change_of_logits(const NetworkShape& a, const NetworkShape& b, const ScoringSamples& samples) {
  Parameters of_a = a.parameters, of_b = b.parameters;
  Executor one(a.architecture, of_a), other(b.architecture, of_b);
  const Matrix& x = one.forward(samples.pixels.data(), samples.count());
  const Matrix& y = other.forward(samples.pixels.data(), samples.count());
  double largest = 0;
  for (std::size_t i = 0; i < samples.count(); ++i)
    for (int c = 0; c < a.architecture.classes; ++c)
      largest = std::max(largest, std::fabs(double(x.row(i)[c]) - y.row(i)[c]));
  return largest;
}

ImageSet images_for(const Architecture& architecture, std::size_t count) {
  ImageSet set;
  set.count = count;
  set.channels = architecture.input.channels;
  set.height = architecture.input.height;
  set.width = architecture.input.width;
  set.classes = architecture.classes;
  Buffer<float> pixels(count * set.image_size());
  const Random random(7, 7);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = float(random.uniform(i));
  set.pixels = std::move(pixels);
  for (std::size_t n = 0; n < count; ++n) set.labels.push_back(int(n) % set.classes);
  return set;
}

/// Trains what is planted for a few steps.
void train(GrownNetwork& grown, OldStatistics statistics, Teacher* teacher = nullptr) {
  const ImageSet images = images_for(grown.network.architecture, 40);
  std::vector<std::int32_t> rows;
  for (std::int32_t r = 0; r < 40; ++r) rows.push_back(r);
  TrainingOptions options;
  options.epochs = 2;
  options.batch = 16;
  options.rate.rate = 0.05;
  options.update.nesterov = true;
  options.loss.distillation = 0.5;
  Trainer trainer(grown.network.architecture, grown.network.parameters,
                  {images, measure_normalization(images, rows), rows, {}, {}}, options, teacher,
                  train_planted(grown, statistics));
  CHECK(trainer.run({}));
}

bool same_bits(float a, float b) { return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b); }

std::size_t differences(const Buffer<float>& a, const Buffer<float>& b, const std::vector<bool>& where, bool marked) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) count += where[i] == marked && !same_bits(a[i], b[i]);
  return count;
}

bool same_bytes(const Parameters& a, const Parameters& b) {
  bool same = a.size() == b.size();
  for (std::size_t p = 0; same && p < a.size(); ++p)
    same = std::equal(a[p].values.begin(), a[p].values.end(), b[p].values.begin(), b[p].values.end(), same_bits);
  return same;
}

}  // namespace

TEST_CASE("the gradient by what reads planted channels is that of finite differences, norms in evaluation") {
  for (const Net& net : small_networks()) {
    const ScoringSamples samples = samples_for(net.shape.architecture, 6);
    const ChannelLayout layout = find_channels(net.shape.architecture);
    for (std::size_t space = 0; space < layout.spaces.size(); ++space) {
      CAPTURE(net.name);
      CAPTURE(layout.spaces[space].name);
      const GrownNetwork grown = plant_channels(net.shape, layout, space, 2, {}, samples);
      const double plain = plain_gradient(grown, net.shape, samples), computed = planted_gradient(grown, samples);
      CHECK(plain > 0);
      CHECK(std::fabs(computed - plain) < 0.03 * plain);
    }
  }
}

TEST_CASE("zero and gradmax leave the function as it is, random does not") {
  for (const Net& net : small_networks()) {
    const ScoringSamples samples = samples_for(net.shape.architecture, 20);
    const ChannelLayout layout = find_channels(net.shape.architecture);
    for (std::size_t space = 0; space < layout.spaces.size(); ++space) {
      CAPTURE(net.name);
      CAPTURE(layout.spaces[space].name);
      const auto change = [&](PlantInit init) {
        const GrownNetwork grown = plant_channels(net.shape, layout, space, 3, {init, 2, 11}, samples);
        return change_of_logits(net.shape, grown.network, samples);
      };
      CHECK(change(PlantInit::zero) < 1e-6);
      CHECK(change(PlantInit::gradmax) < 1e-6);
      CHECK(change(PlantInit::random) > 1e-3);
    }
  }
}

TEST_CASE("gradmax takes the draw of the largest gradient") {
  const Net net = small_networks()[0];
  const ScoringSamples samples = samples_for(net.shape.architecture, 12);
  const ChannelLayout layout = find_channels(net.shape.architecture);
  const auto gradient = [&](PlantInit init, int draws) {
    return planted_gradient(plant_channels(net.shape, layout, 3, 1, {init, draws, 4}, samples), samples);
  };
  CHECK(gradient(PlantInit::gradmax, 1) == gradient(PlantInit::zero, 1));
  double last = 0;
  for (int draws = 1; draws <= 10; ++draws) {
    const double largest = gradient(PlantInit::gradmax, draws);
    CHECK(largest >= last);
    last = largest;
  }
  CHECK(last > 1.05 * gradient(PlantInit::zero, 1));
}

TEST_CASE("training what is planted leaves every older byte, statistics too unless they may move") {
  for (const Net& net : small_networks()) {
    const ScoringSamples samples = samples_for(net.shape.architecture, 4);
    const ChannelLayout layout = find_channels(net.shape.architecture);
    for (std::size_t space = 0; space < layout.spaces.size(); ++space)
      for (const OldStatistics statistics : {OldStatistics::keep, OldStatistics::update}) {
        CAPTURE(net.name);
        CAPTURE(layout.spaces[space].name);
        const GrownNetwork before = plant_channels(net.shape, layout, space, 2, {}, samples);
        GrownNetwork grown = before;
        train(grown, statistics);
        std::size_t learned = 0, moved = 0;
        for (std::size_t p = 0; p < grown.is_new.size(); ++p) {
          const Parameter &now = grown.network.parameters[p], &then = before.network.parameters[p];
          CAPTURE(now.info.name);
          learned += differences(now.values, then.values, grown.is_new[p], true);
          const std::size_t old = differences(now.values, then.values, grown.is_new[p], false);
          if (now.info.trained || statistics == OldStatistics::keep)
            CHECK(old == 0);
          else
            moved += old;
        }
        CHECK(learned > 0);
        CHECK((moved > 0) == (statistics == OldStatistics::update));
      }
  }
}

TEST_CASE("a teacher that remembers its logits teaches the same bytes as one that is asked again") {
  const Net net = small_networks()[0];
  const ScoringSamples samples = samples_for(net.shape.architecture, 4);
  const ChannelLayout layout = find_channels(net.shape.architecture);
  const NetworkShape large = random_network(stock_architecture("resnet20", {3, 8, 8}, 4, 0.4), 8);
  Teacher teacher{large.architecture, large.parameters, {{0.5f, 0.5f, 0.5f}, {0.3f, 0.3f, 0.3f}}, false, {}};
  const auto taught = [&](std::size_t space) {
    GrownNetwork grown = plant_channels(net.shape, layout, space, 1, {}, samples);
    train(grown, OldStatistics::keep, &teacher);
    return grown.network.parameters;
  };
  const Parameters first = taught(0), second = taught(2);
  CHECK(teacher.remembered.empty());
  teacher.remembers = true;
  CHECK(same_bytes(taught(0), first));
  CHECK(teacher.remembered.size() == 6);
  // Now the teacher itself is out of the play.
  for (Parameter& p : teacher.parameters)
    for (float& x : p.values) x = 0;
  CHECK(same_bytes(taught(2), second));
  teacher.remembered.clear();
  CHECK(!same_bytes(taught(2), second));
}
