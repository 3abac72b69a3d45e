#include "nn/plan.h"

#include <algorithm>

#include "base/error.h"

namespace espalier {

namespace {

class Planner {
 public:
  explicit Planner(const Architecture& architecture)
      : architecture_(architecture), shapes_(infer_shapes(architecture)), readers_(architecture.layers.size(), 0) {
    plan_.values.push_back({architecture.input, 0});
    for (std::size_t i = 0; i < architecture.layers.size(); ++i)
      for (std::size_t which = 0; which < architecture.layers[i].inputs.size(); ++which)
        if (const int from = input_index(architecture, i, which); from >= 0) ++readers_[std::size_t(from)];
  }

  Plan make() {
    for (std::size_t i = 0; i < architecture_.layers.size(); ++i) plan_.layer_values.push_back(plan_layer(i));
    plan_.logits = stored(plan_.layer_values.back(), int(architecture_.layers.size()) - 1);
    return std::move(plan_);
  }

 private:
  int plan_layer(std::size_t i) {
    const Layer& layer = architecture_.layers[i];
    std::vector<int> in;
    for (std::size_t which = 0; which < layer.inputs.size(); ++which) {
      const int from = input_index(architecture_, i, which);
      in.push_back(from < 0 ? 0 : plan_.layer_values[std::size_t(from)]);
    }
    switch (layer.kind) {
      case LayerKind::convolution:
      case LayerKind::linear:
        return store(StepKind::convolution, i, in);
      case LayerKind::batch_norm: {
        const int from = stored(in[0], int(i));
        const int value = add_value({shapes_[i], plan_.values[std::size_t(from)].stored, int(plan_.steps.size())});
        plan_.steps.push_back({StepKind::norm, int(i), {from}, value});
        return value;
      }
      case LayerKind::relu:
        return plan_rectifier(i, in[0]);
      case LayerKind::max_pool:
        return store(StepKind::max_pool, i, in);
      case LayerKind::average_pool:
      case LayerKind::global_pool:
        return store(StepKind::average_pool, i, in);
      case LayerKind::add:
        return store(StepKind::add, i, in);
      case LayerKind::shortcut:
        return store(StepKind::shortcut, i, in);
      case LayerKind::dropout:
        return store(StepKind::dropout, i, {stored(in[0], int(i))});
      case LayerKind::flatten:
        return plan_flatten(i, in[0]);
    }
    throw BugError("a layer of kind {}", int(layer.kind));
  }

  /// A rectifier is a view of what it reads. Where it is a norm's only reader the norm's step gives the rectified view
  /// at once, so that both go backward in one sweep.
  int plan_rectifier(std::size_t i, int from) {
    const Value before = plan_.values[std::size_t(from)];  // adding a value moves the list
    const int rectified = add_value({before.shape, before.stored, before.norm, true});
    const int layer = input_index(architecture_, i, 0);
    const bool alone = layer >= 0 && readers_[std::size_t(layer)] == 1;
    if (alone && plan_.steps.back().kind == StepKind::norm && plan_.steps.back().output == from)
      plan_.steps.back().output = rectified;
    else
      plan_.steps.push_back({StepKind::rectify, int(i), {from}, rectified});
    return rectified;
  }

  /// The sites of a channel follow those of the one before, so that flattening them moves nothing.
  int plan_flatten(std::size_t i, int from) {
    const int source = stored(from, int(i));
    if (plan_.values[std::size_t(source)].shape == shapes_[i]) return source;
    const int value = add_value({shapes_[i], plan_.values[std::size_t(source)].stored});
    plan_.steps.push_back({StepKind::copy, int(i), {source}, value});
    return value;
  }

  int add_value(Value value) {
    if (value.stored < 0) value.stored = int(plan_.values.size());
    plan_.values.push_back(value);
    return int(plan_.values.size()) - 1;
  }

  int store(StepKind kind, std::size_t layer, std::vector<int> inputs) {
    const int value = add_value({shapes_[layer]});
    plan_.steps.push_back({kind, int(layer), std::move(inputs), value});
    return value;
  }

  /// The value itself where it is stored as its readers see it, else a stored copy.
  int stored(int from, int layer) {
    const Value value = plan_.values[std::size_t(from)];
    if (value.norm < 0 && !value.rectify) return from;
    const int copy = add_value({value.shape});
    plan_.steps.push_back({StepKind::copy, layer, {from}, copy});
    return copy;
  }

  const Architecture& architecture_;
  std::vector<ImageShape> shapes_;
  std::vector<int> readers_;
  Plan plan_;
};

}  // namespace

Plan make_plan(const Architecture& architecture) { return Planner(architecture).make(); }

double estimate_activations(const Architecture& architecture, std::size_t images, Keeping keeping) {
  constexpr double kAtOnce = 3;  // two that a sum reads, and what it writes
  const Plan plan = make_plan(architecture);
  double all = 0, largest = 0;
  for (std::size_t v = 0; v < plan.values.size(); ++v) {
    const double size = double(plan.values[v].shape.size());
    if (plan.values[v].stored != int(v)) continue;
    all += size;
    largest = std::max(largest, size);
  }
  const double a_few = std::min(all, kAtOnce * largest);
  const double floats = keeping == Keeping::largest ? a_few : keeping == Keeping::all ? all : all + a_few;
  return floats * double(images) * sizeof(float);
}

}  // namespace espalier
