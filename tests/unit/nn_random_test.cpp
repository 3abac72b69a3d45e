#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/random.h"
#include "drawn_networks.h"
#include "nn/executor.h"
#include "nn/loss.h"
#include "nn_plain.h"

using namespace espalier;

TEST_CASE("networks drawn at random agree with plain loops in logits and gradients") {
  const std::uint64_t first = first_seed();
  for (std::uint64_t seed = first; seed < first + 60; ++seed) {
    NetworkDrawer drawer(seed);
    const Architecture architecture = drawer.network();
    const std::size_t n = std::size_t(drawer.draw(8, 24));
    const std::string json = to_json(architecture);
    CAPTURE(seed);
    CAPTURE(json);
    Parameters parameters = initial_parameters(architecture, seed);
    const Random random(seed, 5);
    std::uint64_t drawn = 0;
    for (Parameter& p : parameters)
      if (p.info.shape.size() == 1)
        for (float& v : p.values) v += 0.2f * std::abs(float(random.normal(drawn++)));
    std::vector<float> x(n * architecture.input.size());
    for (float& v : x) v = float(random.normal(drawn++));
    std::vector<std::int32_t> labels;
    for (std::size_t i = 0; i < n; ++i) labels.push_back(std::int32_t(i % std::size_t(architecture.classes)));
    const plain::Values images = {architecture.input, {x.begin(), x.end()}};
    plain::Tensors tensors = plain::tensors(parameters);

    Executor executor(architecture, parameters);
    const auto compare = [&](const Matrix& logits, const plain::Values& expected) {
      double wrong = 0, largest = 1;
      for (std::size_t i = 0; i < logits.size(); ++i) {
        wrong = std::max(wrong, std::abs(logits.data()[i] - expected.at[i]));
        largest = std::max(largest, std::abs(expected.at[i]));
      }
      CHECK(wrong < 1e-4 * largest);
    };
    compare(executor.forward(x.data(), n), plain::run(architecture, tensors, images, n).back());

    // In training every dropout layer is kept, to learn from it what it dropped.
    std::vector<std::size_t> dropouts;
    for (std::size_t l = 0; l < architecture.layers.size(); ++l)
      if (architecture.layers[l].kind == LayerKind::dropout) {
        executor.keep(architecture.layers[l].name);
        dropouts.push_back(l);
      }
    const Matrix logits = executor.forward(x.data(), n, {.training = true, .seed = seed, .step = 2});
    std::vector<Matrix> kept;
    for (std::size_t d = 0; d < dropouts.size(); ++d) kept.push_back(executor.kept(d));
    const plain::Mode mode = {true,
                              [&](std::size_t layer, std::size_t place) {
                                const auto d = std::find(dropouts.begin(), dropouts.end(), layer) - dropouts.begin();
                                return kept[std::size_t(d)].data()[place] != 0;
                              },
                              nullptr};
    compare(logits, plain::run(architecture, tensors, images, n, mode).back());

    Matrix by_logits;
    evaluate_loss(logits, labels, {}, {}, &by_logits);
    const Parameters& gradients = executor.backward(by_logits);
    // Along one direction for all that is learned: the engine's gradient against the double network's difference.
    const double h = 1e-7;  // across few kinks of rectifiers
    double along = 0, squares = 0, length = 0, around[2];
    plain::Tensors direction = tensors;
    for (std::size_t p = 0; p < direction.size(); ++p)
      for (std::size_t i = 0; i < direction[p].size(); ++i) {
        direction[p][i] = parameters[p].info.trained ? random.normal(drawn++) : 0;
        if (!parameters[p].info.trained) continue;
        along += gradients[p].values[i] * direction[p][i];
        squares += double(gradients[p].values[i]) * gradients[p].values[i];
        length += direction[p][i] * direction[p][i];
      }
    for (const int side : {0, 1}) {
      plain::Tensors moved = tensors;
      for (std::size_t p = 0; p < moved.size(); ++p)
        for (std::size_t i = 0; i < moved[p].size(); ++i) moved[p][i] += (side ? h : -h) * direction[p][i];
      around[side] = plain::cross_entropy(plain::run(architecture, moved, images, n, mode).back(), labels, 0);
    }
    CHECK(std::abs(along - (around[1] - around[0]) / (2 * h)) < 1e-3 * std::sqrt(squares) + 1e-6 * std::sqrt(length));
  }
}
