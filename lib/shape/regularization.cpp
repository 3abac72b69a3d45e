#include "shape/regularization.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "base/parallel.h"

namespace espalier {

namespace {

/// The weights of one group, gathered, and put back.
class Gathered {
 public:
  Gathered(const std::vector<std::size_t>& shape, Grouping grouping) : outs_(shape[0]), ins_(shape[1]) {
    size_ = shape[2] * shape[3];
    by_input_ = grouping == Grouping::feature;
    weights_.resize((by_input_ ? outs_ : ins_) * size_);
  }
  static std::size_t groups(const std::vector<std::size_t>& shape, Grouping grouping) {
    return grouping == Grouping::feature ? shape[1] : shape[0];
  }

  KernelGroup load(const float* w, std::size_t group) {
    for (std::size_t j = 0; j < kernels(); ++j) std::copy_n(w + place(group, j), size_, weights_.data() + j * size_);
    return {weights_, size_};
  }
  void store(float* w, std::size_t group) const {
    for (std::size_t j = 0; j < kernels(); ++j) std::copy_n(weights_.data() + j * size_, size_, w + place(group, j));
  }
  void add(const std::vector<float>& change, float* w, std::size_t group) const {
    for (std::size_t j = 0; j < kernels(); ++j)
      for (std::size_t i = 0; i < size_; ++i) w[place(group, j) + i] += change[j * size_ + i];
  }
  std::size_t kernels() const { return by_input_ ? outs_ : ins_; }

 private:
  std::size_t place(std::size_t group, std::size_t j) const {
    return (by_input_ ? j * ins_ + group : group * ins_ + j) * size_;
  }
  std::size_t outs_, ins_, size_;
  bool by_input_;
  std::vector<float> weights_;
};

/// Share of a group in the sum over groups.
double group_scale(const RegularizationOptions& options, std::size_t kernels) {
  return options.normalize_groups ? 1 / double(kernels) : 1;
}

/// The value itself, or what it is a norm of.
int behind_norm(const Architecture& architecture, int layer) {
  while (layer >= 0 && architecture.layers[std::size_t(layer)].kind == LayerKind::batch_norm)
    layer = input_index(architecture, std::size_t(layer), 0);
  return layer;
}

/// Groups are added up in their order, in double, so the sum is the same for any number of threads.
double sum_penalty(const RegularizationOptions& options, double lambda, const std::vector<std::size_t>& regularized,
                   const Parameters& parameters, Parameters* gradients) {
  double value = 0;
  for (const std::size_t p : regularized) {
    const std::vector<std::size_t>& shape = parameters[p].info.shape;
    const float* const w = parameters[p].values.data();
    float* const by_weight = gradients ? (*gradients)[p].values.data() : nullptr;
    value += parallel_sum(Gathered::groups(shape, options.grouping), [&](std::size_t g, int) {
      Gathered gathered(shape, options.grouping);
      const KernelGroup group = gathered.load(w, g);
      std::vector<float> change(by_weight ? group.weights.size() : 0, 0.0f);
      const double r = options.mix * lambda * group_scale(options, group.kernels()), l1 = (1 - options.mix) * lambda;
      const double sum =
          r * penalize(options.kind, group, r, change) + l1 * penalize(Regularizer::l1, group, l1, change);
      if (by_weight) gathered.add(change, by_weight, g);
      return sum;
    });
  }
  return value;
}

}  // namespace

double lambda_at(const RegularizationOptions& options, double epoch, double epochs) {
  switch (options.course) {
    case LambdaCourse::constant:
      break;
    case LambdaCourse::warm_up:
      return options.lambda * (options.warmup > 0 ? std::min(1.0, epoch / options.warmup) : 1);
    case LambdaCourse::ramp:
      return options.lambda * std::min(1.0, epoch / epochs);
  }
  return options.lambda;
}

std::vector<bool> find_projections(const Architecture& architecture) {
  const std::size_t n = architecture.layers.size();
  std::vector<int> readers(n + 1, 0);  // convolutions that read a value; the input is the last
  std::vector<bool> added(n, false);
  for (std::size_t l = 0; l < n; ++l) {
    const Layer& layer = architecture.layers[l];
    if (layer.kind == LayerKind::convolution) {
      const int in = input_index(architecture, l, 0);
      ++readers[in < 0 ? n : std::size_t(in)];
    }
    if (layer.kind != LayerKind::add) continue;
    for (std::size_t i = 0; i < layer.inputs.size(); ++i)
      if (const int from = behind_norm(architecture, input_index(architecture, l, i)); from >= 0)
        added[std::size_t(from)] = true;
  }
  std::vector<bool> projections(n, false);
  for (std::size_t l = 0; l < n; ++l) {
    const Layer& layer = architecture.layers[l];
    if (layer.kind != LayerKind::convolution || layer.kernel != 1 || !added[l]) continue;
    const int in = input_index(architecture, l, 0);
    projections[l] = readers[in < 0 ? n : std::size_t(in)] > 1;
  }
  return projections;
}

std::vector<std::size_t> find_regularized(const Architecture& architecture, const Parameters& parameters,
                                          bool projections, const std::vector<std::string>& exclude) {
  const auto is_convolution = [&](const std::string& name) {
    return std::any_of(architecture.layers.begin(), architecture.layers.end(),
                       [&](const Layer& layer) { return layer.name == name && layer.kind == LayerKind::convolution; });
  };
  for (const std::string& name : exclude)
    if (!is_convolution(name)) throw UsageError("no convolution is called '{}'", name);
  const std::vector<bool> beside = find_projections(architecture);
  std::vector<std::size_t> places;
  for (std::size_t p = 0; p < parameters.size(); ++p) {
    const ParameterInfo& info = parameters[p].info;
    const auto layer = std::size_t(info.layer);
    const std::string& name = architecture.layers[layer].name;
    const bool excluded = std::find(exclude.begin(), exclude.end(), name) != exclude.end();
    if (info.shape.size() == 4 && !excluded && (projections || !beside[layer])) places.push_back(p);
  }
  if (places.empty()) throw UsageError("no convolution is left to regularize");
  return places;
}

double penalty(const RegularizationOptions& options, double lambda, const std::vector<std::size_t>& regularized,
               const Parameters& parameters) {
  return sum_penalty(options, lambda, regularized, parameters, nullptr);
}

double add_penalty(const RegularizationOptions& options, double lambda, const std::vector<std::size_t>& regularized,
                   const Parameters& parameters, Parameters& gradients) {
  return sum_penalty(options, lambda, regularized, parameters, &gradients);
}

void shrink_weights(const RegularizationOptions& options, double lambda, double step,
                    const std::vector<std::size_t>& regularized, Parameters& parameters) {
  for (const std::size_t p : regularized) {
    const std::vector<std::size_t>& shape = parameters[p].info.shape;
    float* const w = parameters[p].values.data();
    parallel_for(Gathered::groups(shape, options.grouping), [&](std::size_t g, int) {
      Gathered gathered(shape, options.grouping);
      const KernelGroup group = gathered.load(w, g);
      soften(group.weights, step * (1 - options.mix) * lambda);
      shrink(options.kind, group, step * options.mix * lambda * group_scale(options, group.kernels()));
      gathered.store(w, g);
    });
  }
}

}  // namespace espalier
