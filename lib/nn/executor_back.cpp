#include <algorithm>
#include <utility>

#include "base/error.h"
#include "nn/executor.h"

namespace espalier {

namespace {

bool learns(const Step& step) { return step.kind == StepKind::convolution || step.kind == StepKind::norm; }

}  // namespace

const Parameters& Executor::backward(const Matrix& logits_gradient) {
  if (!pass_.training || logits_gradient.rows() != images_ || logits_gradient.cols() != logits_.cols())
    throw BugError("a backward pass without a forward pass in training over as many images");
  const std::size_t classes = logits_.cols();
  const int handle = pool_.acquire(floats(value(plan_.logits).shape));
  float* const out = pool_.data(handle);
  for (std::size_t block = 0; block < blocks_; ++block)
    for (std::size_t c = 0; c < classes; ++c)
      for (std::size_t lane = 0; lane < lanes_; ++lane) {
        const std::size_t image = block * lanes_ + lane;
        out[(block * classes + c) * lanes_ + lane] = image < images_ ? logits_gradient(image, c) : 0;
      }
  give(plan_.logits, handle);
  for (std::size_t s = plan_.steps.size(); s-- > 0;) {
    const Step& step = plan_.steps[s];
    const double begin = clock_ ? clock_() : 0;
    if (gradient_handles_[std::size_t(step.output)] >= 0)
      run_back(s);
    else if (learns(step))
      clear_gradients(step.layer);  // nothing that the logits depend on
    if (clock_) times_.backward[std::size_t(step.layer)] += clock_() - begin;
    // Whoever read these sites has been here before.
    int& sites = handles_[std::size_t(step.output)];
    if (sites >= 0 && step.output != plan_.logits && !held_[std::size_t(step.output)])
      pool_.release(std::exchange(sites, -1));
  }
  return gradients_;
}

void Executor::freeze(std::string_view name) {
  const std::size_t layer = find_layer(name);
  frozen_[layer] = true;
  clear_gradients(int(layer));
  find_trained();
}

void Executor::freeze_statistics(std::string_view name, const std::vector<bool>& channels) {
  frozen_statistics_[find_layer(name)] = channels;
}

bool Executor::uses_batch(const Step& step, std::size_t channel) const {
  const std::vector<bool>& kept = frozen_statistics_[std::size_t(step.layer)];
  return pass_.training && !frozen_[std::size_t(step.layer)] && (kept.empty() || !kept.at(channel));
}

void Executor::find_trained() {
  trained_.assign(plan_.values.size(), false);
  for (const Step& step : plan_.steps) {
    bool trained = learns(step) && !frozen_[std::size_t(step.layer)];
    for (const int v : step.inputs) trained = trained || trained_[std::size_t(v)];
    trained_[std::size_t(step.output)] = trained;
  }
}

void Executor::clear_gradients(int layer) {
  for (Parameter& p : gradients_)
    if (p.info.layer == layer) std::fill(p.values.begin(), p.values.end(), 0.0f);
}

void Executor::give(int v, int handle) {
  int& present = gradient_handles_[std::size_t(v)];
  if (!trained_[std::size_t(v)]) return pool_.release(handle);  // nobody asks for it, as for that of the images
  if (present < 0) {
    present = handle;
    return;
  }
  const ImageShape& shape = value(v).shape;
  float* const sum = pool_.data(own_gradient(v));
  const float* const more = pool_.data(handle);
  for_planes(shape, [&](std::size_t block, std::size_t channel) {
    const std::size_t at = (block * shape.size() + channel * shape.pixels()) * lanes_;
    plane_kernels().accumulate(sum + at, more + at, shape.pixels());
  });
  pool_.release(handle);
}

int Executor::own_gradient(int v) {
  int& handle = gradient_handles_[std::size_t(v)];
  if (!pool_.shared(handle)) return handle;
  const std::size_t size = floats(value(v).shape);
  const int copy = pool_.acquire(size);
  std::copy_n(pool_.data(handle), size, pool_.data(copy));
  pool_.release(std::exchange(handle, copy));
  return handle;
}

void Executor::run_back(std::size_t s) {
  const Step& step = plan_.steps[s];
  int& handle = gradient_handles_[std::size_t(step.output)];
  switch (step.kind) {
    case StepKind::convolution:
      back_convolution(step);
      break;
    case StepKind::norm:
      return back_norm(s);
    case StepKind::rectify:
      back_rectify(step);
      return give(step.inputs[0], std::exchange(handle, -1));
    case StepKind::copy:
      return give(step.inputs[0], std::exchange(handle, -1));
    case StepKind::add:
      pool_.share(handle);
      give(step.inputs[1], handle);
      return give(step.inputs[0], std::exchange(handle, -1));
    case StepKind::max_pool:
    case StepKind::average_pool:
    case StepKind::shortcut:
      back_pool(step);
      break;
    case StepKind::dropout: {
      const int own = own_gradient(step.output);
      run_dropout(step, pool_.data(own), pool_.data(own));
      return give(step.inputs[0], std::exchange(handle, -1));
    }
  }
  pool_.release(std::exchange(handle, -1));
}

void Executor::back_convolution(const Step& step) {
  const ConvolutionShape shape = convolution_shape(step);
  const float* const from = pool_.data(gradient_handles_[std::size_t(step.output)]);
  if (!frozen_[std::size_t(step.layer)])
    weight_gradient(shape, view(value(step.inputs[0])), from, images_, gradient(step, 0).values.data(),
                    layer(step).bias ? gradient(step, 1).values.data() : nullptr, scratch_);
  const int in = step.inputs[0];
  if (!trained_[std::size_t(in)]) return;
  int& handle = gradient_handles_[std::size_t(in)];
  const bool add = handle >= 0;
  if (add)
    own_gradient(in);
  else
    handle = pool_.acquire(floats(shape.in));
  convolve_back(shape, from, parameter(step, 0).values.data(), images_, pool_.data(handle), add, scratch_);
}

/// y = w (x - m) / s + b with the batch's m and s. With d the gradient by y, n values of the batch, B = sum d and
/// G = sum d (x - m) / s, the gradients are G by w, B by b, and w / s (d - B / n - (x - m) / s G / n) by x
/// (Ioffe and Szegedy 2015, arXiv 1502.03167). Running statistics are constants: then the last is w / s d.
void Executor::back_norm(std::size_t s) {
  const Step& step = plan_.steps[s];
  const Value& out = value(step.output);
  const ImageShape& shape = out.shape;
  const NormState& norm = norms_[s];
  int& handle = gradient_handles_[std::size_t(step.output)];
  const int into = pool_.shared(handle) ? pool_.acquire(floats(shape)) : handle;
  if (into == handle) pool_.share(handle);
  const float *const from = pool_.data(handle), *const weight = parameter(step, 0).values.data();
  float* const to = pool_.data(into);
  float *const by_weight = gradient(step, 0).values.data(), *const by_bias = gradient(step, 1).values.data();
  const double n = double(images_ * shape.pixels());
  parallel_for(std::size_t(shape.channels), [&](std::size_t c, int) {
    const auto at = [&](std::size_t block) { return (block * shape.size() + c * shape.pixels()) * lanes_; };
    double sums[2] = {};
    for (std::size_t block = 0; block < blocks_; ++block)
      plane_kernels().norm_gradient_sums(from + at(block), plane(out, block, c), norm.mean[c], shape.pixels(), sums);
    const double inverse = norm.inverse[c], sum = sums[0], product = sums[1] * inverse;
    if (!frozen_[std::size_t(step.layer)]) {
      by_bias[c] = float(sum);
      by_weight[c] = float(product);
    }
    const double share = uses_batch(step, c) ? 1 / n : 0;  // of the batch that one value is
    const double whole = weight[c] * inverse, slope = -whole * inverse * product * share;
    const float factors[3] = {float(whole), float(slope), float(-whole * sum * share - slope * norm.mean[c])};
    for (std::size_t block = 0; block < blocks_; ++block)
      plane_kernels().norm_gradient(from + at(block), plane(out, block, c), factors, lane_weights(images_, block),
                                    shape.pixels(), to + at(block));
  });
  pool_.release(std::exchange(handle, -1));
  give(step.inputs[0], into);
}

/// 0 where the rectified value is: the gradient before the rectifier.
void Executor::back_rectify(const Step& step) {
  const Value& out = value(step.output);
  float* const gradient = pool_.data(own_gradient(step.output));
  for_planes(out.shape, [&](std::size_t block, std::size_t channel) {
    plane_kernels().rectify_gradient(gradient + (block * out.shape.size() + channel * out.shape.pixels()) * lanes_,
                                     plane(out, block, channel), out.shape.pixels());
  });
}

void Executor::back_pool(const Step& step) {
  const Window w = window(step);
  const Layer& l = layer(step);
  const Value& in = value(step.inputs[0]);
  const ImageShape &shape = in.shape, &pooled = value(step.output).shape;
  const float* const from = pool_.data(gradient_handles_[std::size_t(step.output)]);
  const int handle = pool_.acquire(floats(shape));
  float* const to = pool_.data(handle);
  std::fill_n(to, floats(shape), 0.0f);
  // By blocks, since channels of a shortcut may come from one source.
  parallel_for(blocks_, [&](std::size_t block, int) {
    for (std::size_t channel = 0; channel < std::size_t(pooled.channels); ++channel) {
      const int source = step.kind == StepKind::shortcut ? l.map[channel] : int(channel);
      if (source < 0) continue;
      const std::size_t at = (block * pooled.size() + channel * pooled.pixels()) * lanes_;
      float* const gradient = to + (block * shape.size() + std::size_t(source) * shape.pixels()) * lanes_;
      if (step.kind == StepKind::max_pool)
        plane_kernels().max_pool_gradient(plane(in, block, channel), w, sites(step.output) + at, from + at, gradient);
      else
        plane_kernels().average_pool_gradient(w, from + at, gradient);
    }
  });
  give(step.inputs[0], handle);
}

}  // namespace espalier
