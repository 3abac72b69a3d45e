#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <numeric>
#include <set>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "base/random.h"
#include "nn/stock.h"
#include "nn/trainer.h"

using namespace espalier;

namespace {

/// Bytes whose class shows in which quarter of the image is bright.
ImageSet quarters(std::size_t n) {
  ImageSet images;
  images.count = n;
  images.channels = 3;
  images.height = images.width = 8;
  images.classes = 4;
  Buffer<std::uint8_t> pixels(n * images.image_size());
  const Random random(4, 4);
  for (std::size_t i = 0; i < n; ++i) {
    const int label = int(i % 4);
    images.labels.push_back(label);
    for (std::size_t p = 0; p < images.image_size(); ++p) {
      const int row = int(p % 64) / 8, column = int(p % 8);
      const bool bright = row / 4 == label / 2 && column / 4 == label % 2;
      pixels[i * images.image_size() + p] =
          std::uint8_t((bright ? 140 : 60) + int(random.below(i * images.image_size() + p, 50)));
    }
  }
  images.pixels = std::move(pixels);
  return images;
}

std::vector<std::int32_t> all_rows(std::size_t n) {
  std::vector<std::int32_t> rows(n);
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

TrainingOptions quick() {
  TrainingOptions options;
  options.epochs = 4;
  options.batch = 16;
  options.rate = {};
  options.rate.rate = 0.05;
  options.augment.crop = 1;
  options.augment.flip = false;
  return options;
}

std::vector<float> bytes_of(const Parameters& parameters) {
  std::vector<float> all;
  for (const Parameter& p : parameters) all.insert(all.end(), p.values.begin(), p.values.end());
  return all;
}

}  // namespace

TEST_CASE("images are loaded normalised: mean 0 and deviation 1 in each channel") {
  const ImageSet images = quarters(40);
  const std::vector<std::int32_t> rows = all_rows(40);
  const Normalization normal = measure_normalization(images, rows);
  std::vector<float> x(40 * images.image_size());
  load_images(images, normal, rows, x.data());
  for (std::size_t c = 0; c < 3; ++c) {
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < 40; ++i)
      for (std::size_t p = 0; p < 64; ++p) {
        const double v = x[(i * 3 + c) * 64 + p];
        sum += v;
        squares += v * v;
      }
    CHECK(sum / 2560 == doctest::Approx(0).scale(1).epsilon(1e-5));
    CHECK(squares / 2560 == doctest::Approx(1).epsilon(1e-4));
  }
}

TEST_CASE("images all alike, or of numbers too small to divide by, are loaded finite") {
  for (const float size : {0.0f, 7.0f, 1e-42f, 3e38f}) {
    ImageSet images = quarters(8);
    Buffer<float> pixels(8 * images.image_size());
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = size == 7 ? size : size * (float(i % 3) / 2);
    images.pixels = std::move(pixels);
    const std::vector<std::int32_t> rows = all_rows(8);
    std::vector<float> x(8 * images.image_size());
    load_images(images, measure_normalization(images, rows), rows, x.data());
    for (const float v : x) REQUIRE(std::abs(v) < 4);
  }
}

TEST_CASE("what chance does to an image depends on seed, epoch and row alone") {
  const ImageSet images = quarters(50);
  const Normalization normal = measure_normalization(images, all_rows(50));
  const AugmentOptions augment{.crop = 2, .flip = true, .cutout = 3};
  const std::size_t size = images.image_size();
  const std::vector<std::int32_t> some = {7, 31, 8}, one = {31};
  std::vector<float> a(3 * size), b(size), c(size), d(size);
  load_augmented(images, normal, augment, 1, 5, some, a.data());
  load_augmented(images, normal, augment, 1, 5, one, b.data());
  load_augmented(images, normal, augment, 1, 6, one, c.data());
  load_augmented(images, normal, augment, 2, 5, one, d.data());
  CHECK(std::equal(b.begin(), b.end(), a.begin() + std::ptrdiff_t(size)));
  CHECK(b != c);
  CHECK(b != d);
}

TEST_CASE("a shifted image is the image moved, with the mean around it") {
  const ImageSet images = quarters(60);
  const Normalization normal = measure_normalization(images, all_rows(60));
  std::vector<float> plain(images.image_size()), moved(images.image_size());
  std::set<std::pair<int, int>> shifts;
  for (std::int32_t row = 0; row < 60; ++row) {
    const std::vector<std::int32_t> one = {row};
    load_images(images, normal, one, plain.data());
    load_augmented(images, normal, {.crop = 1, .flip = false}, 9, 0, one, moved.data());
    int matches = 0;
    for (int down = -1; down <= 1; ++down)
      for (int right = -1; right <= 1; ++right) {
        bool same = true;
        for (int i = 0; i < 8 && same; ++i)
          for (int j = 0; j < 8 && same; ++j) {
            const int r = i - down, c = j - right;
            const bool inside = r >= 0 && r < 8 && c >= 0 && c < 8;
            same = moved[std::size_t(i * 8 + j)] == (inside ? plain[std::size_t(r * 8 + c)] : 0);
          }
        if (same) ++matches, shifts.insert({down, right});
      }
    CHECK(matches == 1);
  }
  CHECK(shifts.size() == 9);  // every shift occurs
}

TEST_CASE("an order is a permutation, and each epoch has its own") {
  const std::vector<std::int32_t> rows = all_rows(100);
  std::vector<std::int32_t> a = shuffled(rows, 1, 0);
  CHECK(a != rows);
  CHECK(a != shuffled(rows, 1, 1));
  CHECK(a == shuffled(rows, 1, 0));
  std::sort(a.begin(), a.end());
  CHECK(a == rows);
}

TEST_CASE("rows held out are a share of every class") {
  const ImageSet images = quarters(80);
  const Holdout holdout = hold_out(images, all_rows(80), 0.25, 3);
  CHECK(holdout.training.size() == 60);
  CHECK(holdout.validation.size() == 20);
  std::vector<int> of_class(4);
  for (const std::int32_t row : holdout.validation) ++of_class[std::size_t(images.labels[std::size_t(row)])];
  CHECK(of_class == std::vector<int>{5, 5, 5, 5});
  std::vector<std::int32_t> both = holdout.training;
  both.insert(both.end(), holdout.validation.begin(), holdout.validation.end());
  std::sort(both.begin(), both.end());
  CHECK(both == all_rows(80));
}

TEST_CASE("rates follow their courses") {
  RateOptions rate;
  rate.rate = 1;
  CHECK(learning_rate(rate, 0, 10) == doctest::Approx(0.04));
  CHECK(learning_rate(rate, 3, 10) == doctest::Approx(1));
  CHECK(learning_rate(rate, 6.5, 10) == doctest::Approx(0.5 * (1 + 1e-3)));
  CHECK(learning_rate(rate, 10, 10) == doctest::Approx(1e-3));
  rate.course = RateCourse::step;
  rate.drops = {4, 8};
  CHECK(learning_rate(rate, 3.99, 10) == 1);
  CHECK(learning_rate(rate, 4, 10) == doctest::Approx(0.1));
  CHECK(learning_rate(rate, 9, 10) == doctest::Approx(0.01));
  rate.course = RateCourse::cosine;
  rate.warmup = 2;
  CHECK(learning_rate(rate, 1, 10) == doctest::Approx(0.52));
  CHECK(learning_rate(rate, 2, 10) == doctest::Approx(1));
  CHECK(learning_rate(rate, 6, 10) == doctest::Approx(0.5 * (1 + 1e-3)));
}

TEST_CASE("updates are those of the formulas, worked by hand") {
  const Architecture one = parse_architecture(
      R"({"input": [1, 1, 1], "classes": 1, "layers": [{"name": "l", "kind": "linear", "channels": 1}]})", "test");
  Parameters w(one), g(one);
  w[0].values[0] = 2;
  g[0].values[0] = 0.5f;
  UpdateOptions options;
  options.weight_decay = 0.1;
  UpdateState state = initial_update_state(w, UpdateRule::sgd);
  update_parameters(w, g, state, options, 0.1);  // v = 0.5 + 0.2 = 0.7
  CHECK(w[0].values[0] == doctest::Approx(1.93));
  update_parameters(w, g, state, options, 0.1);  // v = 0.63 + 0.5 + 0.193
  CHECK(w[0].values[0] == doctest::Approx(1.93 - 0.1323));
  options.nesterov = true;
  w[0].values[0] = 2;
  state = initial_update_state(w, UpdateRule::sgd);
  update_parameters(w, g, state, options, 0.1);  // 0.7 + 0.9 * 0.7
  CHECK(w[0].values[0] == doctest::Approx(2 - 0.133));
  options.rule = UpdateRule::adamw;
  w[0].values[0] = 2;
  state = initial_update_state(w, UpdateRule::adamw);
  update_parameters(w, g, state, options, 0.1);  // a first step of adam is the sign of the gradient
  CHECK(w[0].values[0] == doctest::Approx(2 - 0.1 * (0.1 * 2 + 1)));
}

TEST_CASE("a small set is learned, and a run stopped anywhere goes on to the same bytes") {
  const ImageSet images = quarters(120);
  const Normalization normal = measure_normalization(images, all_rows(120));
  const Architecture architecture = stock_architecture("resnet20", {3, 8, 8}, 4, 0.25);
  const Holdout rows = hold_out(images, all_rows(120), 0.2, 0);
  Parameters whole = initial_parameters(architecture, 0);
  Trainer trainer(architecture, whole, {images, normal, rows.training, rows.validation, {}}, quick());
  CHECK(trainer.run({}));
  CHECK(trainer.state().log.size() == 4);
  CHECK(trainer.state().log.back().training_accuracy > 0.9);
  CHECK(std::isnan(trainer.state().log.back().test_loss));
  CHECK(trainer.state().best_epoch > 0);

  Parameters parts = initial_parameters(architecture, 0);
  TrainingState state;
  state.update = initial_update_state(parts, UpdateRule::sgd);
  int runs = 0;
  for (bool done = false; !done; ++runs) {
    REQUIRE(runs < 100);
    std::atomic<bool> stop{false};
    int steps = 0;
    Control control;
    control.stop = &stop;
    control.progress = [&](std::string_view, double, double, std::string_view) { stop = ++steps == 3; };
    Trainer piece(architecture, parts, {images, normal, rows.training, rows.validation, {}}, quick());
    piece.restore(std::move(state));
    done = piece.run(control);
    state = piece.state();
  }
  CHECK(runs > 5);
  CHECK(bytes_of(parts) == bytes_of(whole));
  CHECK(state.log.back().training_loss == trainer.state().log.back().training_loss);
}

TEST_CASE("a loss that is not finite ends the training, naming the step") {
  const ImageSet images = quarters(32);
  const Normalization normal = measure_normalization(images, all_rows(32));
  const Architecture architecture = stock_architecture("alexnet-mini", {3, 32, 32}, 4, 0.25);
  ImageSet large = images;
  large.height = large.width = 32;
  Buffer<float> pixels(32 * large.image_size(), 1e20f);
  large.pixels = std::move(pixels);
  Parameters parameters = initial_parameters(architecture, 0);
  Trainer trainer(architecture, parameters, {large, {{0, 0, 0}, {1e-18f, 1, 1}}, all_rows(32), {}, {}}, quick());
  CHECK_THROWS_WITH_AS(trainer.run({}), doctest::Contains("epoch 1, step 1: lower --rate"), DataError);
}

TEST_CASE("a student that never sees the labels learns them from its teacher") {
  const ImageSet images = quarters(64);
  const Normalization normal = measure_normalization(images, all_rows(64));
  const Architecture architecture = stock_architecture("resnet20", {3, 8, 8}, 4, 0.25);
  TrainingOptions options = quick();
  options.epochs = 15;
  Teacher teacher{architecture, initial_parameters(architecture, 7), normal};
  {
    Trainer training(architecture, teacher.parameters, {images, normal, all_rows(64), {}, {}}, options);
    training.run({});
  }
  options.loss.distillation = 1;
  Parameters student = initial_parameters(architecture, 1);
  Trainer trainer(architecture, student, {images, normal, all_rows(64), {}, all_rows(64)}, options, &teacher);
  trainer.run({});
  CHECK(trainer.state().log.back().test_accuracy > 0.8);
}

TEST_CASE("a part of the rows has its share of every class, and holds smaller parts") {
  ImageSet images = quarters(100);
  for (std::size_t i = 0; i < 100; ++i) images.labels[i] = i < 60 ? 0 : i < 90 ? 1 : i < 97 ? 2 : 3;
  std::vector<std::int32_t> smaller;
  for (const std::size_t count : {0, 1, 7, 10, 50, 99, 100}) {
    const std::vector<std::int32_t> rows = choose_rows(images, all_rows(100), count, 3);
    CHECK(rows.size() == count);
    CHECK(std::is_sorted(rows.begin(), rows.end()));
    CHECK(std::adjacent_find(rows.begin(), rows.end()) == rows.end());
    CHECK(std::includes(rows.begin(), rows.end(), smaller.begin(), smaller.end()));
    std::array<double, 4> members{};
    for (const std::int32_t row : rows) ++members[std::size_t(images.labels[std::size_t(row)])];
    const std::array<double, 4> whole{60, 30, 7, 3};
    for (std::size_t c = 0; c < 4; ++c) CHECK(std::fabs(members[c] - whole[c] * double(count) / 100) <= 1);
    smaller = rows;
  }
  CHECK(choose_rows(images, all_rows(100), 50, 3) != choose_rows(images, all_rows(100), 50, 4));
}

TEST_CASE("what a teacher remembers serves trainings that see the same images, and no others") {
  const ImageSet images = quarters(48);
  const Normalization normal = measure_normalization(images, all_rows(48));
  const Architecture architecture = stock_architecture("resnet20", {3, 8, 8}, 4, 0.25);
  TrainingOptions options = quick();
  options.epochs = 2;
  options.loss.distillation = 0.9;
  const auto learn = [&](Teacher& teacher, std::uint64_t seed) {
    options.seed = seed;
    Parameters student = initial_parameters(architecture, 1);
    Trainer trainer(architecture, student, {images, normal, all_rows(48), {}, {}}, options, &teacher);
    trainer.run({});
    return bytes_of(student);
  };
  const Teacher fresh{architecture, initial_parameters(architecture, 7), normal, false, {}};
  Teacher plain = fresh, remembering = fresh;
  remembering.remembers = true;
  const std::vector<float> first = learn(plain, 1);
  CHECK(plain.remembered.empty());
  CHECK(learn(remembering, 1) == first);
  CHECK(remembering.remembered.size() == 6);
  CHECK(learn(remembering, 1) == first);
  remembering.remembers = false;
  CHECK(learn(remembering, 2) == learn(plain, 2));
}
