#include "nn/executor.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/random.h"

namespace espalier {

namespace {

constexpr double kNormEpsilon = 1e-5, kNormMomentum = 0.1;
constexpr std::uint64_t kDropout = 0x4452;

}  // namespace

Executor::Executor(const Architecture& architecture, Parameters& parameters, std::function<double()> clock)
    : architecture_(architecture),
      parameters_(parameters),
      gradients_(architecture),
      frozen_(architecture.layers.size(), false),
      frozen_statistics_(architecture.layers.size()),
      clock_(std::move(clock)),
      plan_(make_plan(architecture)),
      lanes_(image_lanes()),
      last_reader_(plan_.values.size(), 0),
      held_(plan_.values.size(), false),
      normed_(plan_.values.size(), false),
      handles_(plan_.values.size(), -1),
      gradient_handles_(plan_.values.size(), -1),
      norms_(plan_.steps.size()),
      moments_(plan_.values.size()) {
  std::size_t p = 0;
  for (std::size_t i = 0; i < architecture.layers.size(); ++i) {
    first_parameter_.push_back(p);
    while (p < parameters.size() && parameters[p].info.layer == int(i)) ++p;
  }
  for (std::size_t s = 0; s < plan_.steps.size(); ++s)
    for (const int v : plan_.steps[s].inputs) {
      last_reader_[std::size_t(value(v).stored)] = s;
      if (plan_.steps[s].kind == StepKind::norm) normed_[std::size_t(value(v).stored)] = true;
    }
  last_reader_[std::size_t(value(plan_.logits).stored)] = plan_.steps.size();
  find_trained();
  times_.forward.resize(architecture.layers.size());
  times_.backward.resize(architecture.layers.size());
}

const Matrix& Executor::forward(const float* images, std::size_t count, const Pass& pass) {
  begin(count, pass);
  load(images);
  for (std::size_t s = 0; s < plan_.steps.size(); ++s) {
    const double begin = clock_ ? clock_() : 0;
    run(s);
    if (clock_) times_.forward[std::size_t(plan_.steps[s].layer)] += clock_() - begin;
    if (!pass_.training && !pass_.retain) release_read(s);
  }
  logits_ = to_rows(plan_.logits);
  return logits_;
}

const Matrix& Executor::forward_again(std::string_view layer) {
  const auto first = int(find_layer(layer));
  if (!pass_.retain || images_ == 0) throw BugError("a pass from layer '{}' on after one that retained nothing", layer);
  for (std::size_t s = 0; s < plan_.steps.size(); ++s)
    if (plan_.steps[s].layer >= first) run(s);
  logits_ = to_rows(plan_.logits);
  return logits_;
}

void Executor::begin(std::size_t count, const Pass& pass) {
  if (count == 0) throw BugError("a forward pass over no images");
  for (std::vector<int>* handles : {&handles_, &gradient_handles_})
    for (int& handle : *handles)
      if (handle >= 0) pool_.release(std::exchange(handle, -1));
  images_ = count;
  blocks_ = image_blocks(count);
  pass_ = pass;
}

std::size_t Executor::find_layer(std::string_view name) const {
  for (std::size_t i = 0; i < architecture_.layers.size(); ++i)
    if (architecture_.layers[i].name == name) return i;
  throw UsageError("no layer is called '{}'", name);
}

int Executor::find_value(std::string_view layer) const {
  return layer == "input" ? 0 : plan_.layer_values[find_layer(layer)];
}

void Executor::keep(std::string_view layer) {
  kept_.push_back(find_value(layer));
  held_[std::size_t(plan_.values[std::size_t(kept_.back())].stored)] = true;
}

Executor::Times Executor::take_times() {
  Times times = times_;
  std::fill(times_.forward.begin(), times_.forward.end(), 0);
  std::fill(times_.backward.begin(), times_.backward.end(), 0);
  return times;
}

float* Executor::allocate(int v) {
  if (handles_[std::size_t(v)] >= 0) pool_.release(handles_[std::size_t(v)]);
  handles_[std::size_t(v)] = pool_.acquire(floats(value(v).shape));
  return pool_.data(handles_[std::size_t(v)]);
}

PlaneView Executor::plane(const Value& v, std::size_t block, std::size_t channel) const {
  const float* const at =
      pool_.data(handles_[std::size_t(v.stored)]) + (block * v.shape.size() + channel * v.shape.pixels()) * lanes_;
  if (v.norm < 0) return {at, 1, 0, v.rectify};
  const NormState& norm = norms_[std::size_t(v.norm)];
  return {at, norm.scale[channel], norm.shift[channel], v.rectify};
}

ActivationView Executor::view(const Value& v) const {
  const float* const at = pool_.data(handles_[std::size_t(v.stored)]);
  if (v.norm < 0) return {at, nullptr, nullptr, v.rectify};
  const NormState& norm = norms_[std::size_t(v.norm)];
  return {at, norm.scale.data(), norm.shift.data(), v.rectify};
}

ConvolutionShape Executor::convolution_shape(const Step& step) const {
  const Layer& l = layer(step);
  if (l.kind == LayerKind::linear) return {value(step.inputs[0]).shape, value(step.output).shape, 1, 1, 0};
  return {value(step.inputs[0]).shape, value(step.output).shape, l.kernel, l.stride, l.padding};
}

Window Executor::window(const Step& step) const {
  const ImageShape &in = value(step.inputs[0]).shape, &out = value(step.output).shape;
  const Layer& l = layer(step);
  if (l.kind == LayerKind::global_pool) return {in.height, in.width, 1, 1, in.height, in.width, 1, 0};
  if (l.kind == LayerKind::shortcut) return {in.height, in.width, out.height, out.width, 1, 1, l.stride, 0};
  return {in.height, in.width, out.height, out.width, l.kernel, l.kernel, l.stride, l.padding};
}

void Executor::load(const float* images) {
  const std::size_t size = value(0).shape.size();
  float* const out = allocate(0);
  parallel_for(blocks_, [&](std::size_t block, int) {
    const std::size_t first = block * lanes_, count = std::min(lanes_, images_ - first);
    float* const sites = out + block * size * lanes_;
    for (std::size_t i = 0; i < size; ++i)
      for (std::size_t lane = 0; lane < lanes_; ++lane)
        sites[i * lanes_ + lane] = lane < count ? images[(first + lane) * size + i] : 0;
  });
}

/// What the readers of a value see, image by image.
Matrix Executor::to_rows(int v) const {
  const ImageShape& shape = value(v).shape;
  Matrix rows(images_, shape.size());
  for_planes(shape, [&](std::size_t block, std::size_t channel) {
    const PlaneView x = plane(value(v), block, channel);
    for (std::size_t lane = 0; lane < std::min(lanes_, images_ - block * lanes_); ++lane)
      for (std::size_t i = 0; i < shape.pixels(); ++i) {
        const float seen = x.sites[i * lanes_ + lane] * x.scale + x.shift;
        rows(block * lanes_ + lane, channel * shape.pixels() + i) = x.rectify ? std::max(seen, 0.0f) : seen;
      }
  });
  return rows;
}

void Executor::release_read(std::size_t step) {
  for (const int v : plan_.steps[step].inputs) {
    const auto stored = std::size_t(value(v).stored);
    // Views read what they do not own: the last reader of the sites, not of one view, ends them.
    if (last_reader_[stored] == step && !held_[stored] && handles_[stored] >= 0 && plan_.steps[step].output >= 0 &&
        std::size_t(value(plan_.steps[step].output).stored) != stored)
      pool_.release(std::exchange(handles_[stored], -1));
  }
}

void Executor::run(std::size_t s) {
  const Step& step = plan_.steps[s];
  switch (step.kind) {
    case StepKind::convolution:
      return run_convolution(step);
    case StepKind::norm:
      return run_norm(s);
    case StepKind::rectify:
      return;
    case StepKind::copy:
    case StepKind::add:
      return run_combine(step);
    case StepKind::max_pool:
    case StepKind::average_pool:
    case StepKind::shortcut:
      return run_pool(step);
    case StepKind::dropout: {
      const float* const in = sites(step.inputs[0]);
      return run_dropout(step, in, allocate(step.output));
    }
  }
}

void Executor::run_convolution(const Step& step) {
  float* const out = allocate(step.output);
  std::vector<double>& moments = moments_[std::size_t(step.output)];
  const bool wanted = pass_.training && normed_[std::size_t(step.output)];
  if (wanted) moments.resize(2 * std::size_t(value(step.output).shape.channels));
  convolve(convolution_shape(step), view(value(step.inputs[0])), parameter(step, 0).values.data(),
           layer(step).bias ? parameter(step, 1).values.data() : nullptr, images_, out,
           wanted ? moments.data() : nullptr, scratch_);
}

/// Of a value that a convolution wrote they are there already, unless it was flattened since.
std::vector<double> Executor::moments_of(int v) {
  if (value(v).stored == v && !moments_[std::size_t(v)].empty()) return moments_[std::size_t(v)];
  const ImageShape& shape = value(v).shape;
  const auto channels = std::size_t(shape.channels);
  std::vector<double> moments(2 * channels, 0);
  parallel_for(channels, [&](std::size_t c, int) {
    for (std::size_t block = 0; block < blocks_; ++block)
      plane_kernels().moments(plane(value(v), block, c).sites, shape.pixels(), lane_weights(images_, block),
                              &moments[2 * c]);
  });
  return moments;
}

void Executor::run_norm(std::size_t s) {
  const Step& step = plan_.steps[s];
  const ImageShape& shape = value(step.output).shape;
  const auto channels = std::size_t(shape.channels);
  NormState& norm = norms_[s];
  for (std::vector<float>* v : {&norm.scale, &norm.shift, &norm.mean, &norm.inverse}) v->resize(channels);
  const float *weight = parameter(step, 0).values.data(), *bias = parameter(step, 1).values.data();
  float *running_mean = parameter(step, 2).values.data(), *running_variance = parameter(step, 3).values.data();
  std::vector<double> moments;
  if (pass_.training && !frozen_[std::size_t(step.layer)]) moments = moments_of(step.inputs[0]);
  const double n = double(images_ * shape.pixels());
  for (std::size_t c = 0; c < channels; ++c) {
    double mean = running_mean[c], variance = running_variance[c];
    if (uses_batch(step, c)) {
      mean = moments[2 * c] / n;
      variance = std::max(0.0, moments[2 * c + 1] / n - mean * mean);
      running_mean[c] += float(kNormMomentum * (mean - running_mean[c]));
      running_variance[c] += float(kNormMomentum * (variance * (n > 1 ? n / (n - 1) : 1) - running_variance[c]));
    }
    const double inverse = 1 / std::sqrt(variance + kNormEpsilon);
    norm.mean[c] = float(mean);
    norm.inverse[c] = float(inverse);
    norm.scale[c] = float(weight[c] * inverse);
    norm.shift[c] = float(bias[c] - weight[c] * inverse * mean);
  }
}

void Executor::run_combine(const Step& step) {
  if (value(step.output).stored != step.output) return;  // flattened in place
  const ImageShape& shape = value(step.output).shape;
  float* const out = allocate(step.output);
  for_planes(shape, [&](std::size_t block, std::size_t channel) {
    const PlaneView x = plane(value(step.inputs[0]), block, channel);
    const PlaneView y =
        step.inputs.size() > 1 ? plane(value(step.inputs[1]), block, channel) : PlaneView{nullptr, 1, 0, false};
    plane_kernels().combine(x, y, shape.pixels(), out + (block * shape.size() + channel * shape.pixels()) * lanes_);
  });
}

void Executor::run_pool(const Step& step) {
  const Window w = window(step);
  const Layer& l = layer(step);
  const ImageShape& shape = value(step.output).shape;
  float* const out = allocate(step.output);
  for_planes(shape, [&](std::size_t block, std::size_t channel) {
    float* const to = out + (block * shape.size() + channel * shape.pixels()) * lanes_;
    const int from = step.kind == StepKind::shortcut ? l.map[channel] : int(channel);
    if (from < 0) return std::fill_n(to, shape.pixels() * lanes_, 0.0f), void();
    const PlaneView x = plane(value(step.inputs[0]), block, std::size_t(from));
    if (step.kind == StepKind::average_pool)
      plane_kernels().average_pool(x, w, to);
    else
      plane_kernels().max_pool(x, w, to);  // of a shortcut's windows of one pixel, too
  });
}

void Executor::run_dropout(const Step& step, const float* in, float* out) const {
  const ImageShape& shape = value(step.output).shape;
  const double rate = pass_.training ? layer(step).rate : 0;
  const std::uint64_t turn = pass_.step * architecture_.layers.size() + std::uint64_t(step.layer);
  const Random random(pass_.seed, (turn << 16) + kDropout);
  const float scale = float(1 / (1 - rate));
  for_planes(shape, [&](std::size_t block, std::size_t channel) {
    const std::size_t first = channel * shape.pixels(), at = (block * shape.size() + first) * lanes_;
    for (std::size_t i = 0; i < shape.pixels(); ++i)
      for (std::size_t lane = 0; lane < lanes_; ++lane) {
        const std::uint64_t place = (block * lanes_ + lane) * shape.size() + first + i;
        const std::size_t p = at + i * lanes_ + lane;
        out[p] = rate == 0 ? in[p] : random.uniform(place) < rate ? 0 : in[p] * scale;
      }
  });
}

}  // namespace espalier
