#pragma once
/// Runs a network forward and backward on batches of images.

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "base/parallel.h"
#include "nn/convolution.h"
#include "nn/parameters.h"
#include "nn/plan.h"
#include "nn/plane_kernels.h"
#include "nn/site_pool.h"
#include "tensor/matrix.h"

namespace espalier {

/// What a forward pass is for. In training, norms use the batch's statistics and move the running ones towards them
/// (momentum 0.1, unbiased variance), and dropout drops, drawn from (seed, step, layer, image, value).
struct Pass {
  bool training = false;
  std::uint64_t seed = 0, step = 0;
  bool retain = false;  ///< in evaluation: every value stays, for forward_again
};

class Executor {
 public:
  /// Keeps references to both. `clock`, where there is one, makes seconds of each layer available.
  Executor(const Architecture&, Parameters&, std::function<double()> clock = {});

  /// `images` are count x C x H x W, normalised. Returns the logits, count x classes. Throws BugError for no images.
  const Matrix& forward(const float* images, std::size_t count, const Pass& = {});

  /// After a forward pass in training: the gradient of a loss by all that is learned, from that by the logits.
  const Parameters& backward(const Matrix& logits_gradient);
  Parameters& gradients() { return gradients_; }

  /// The values of one more layer (or "input") are kept by passes to come; copies are count x channels x height x
  /// width, in the order in which layers were named. Throws UsageError for a layer that there is not.
  void keep(std::string_view layer);
  Matrix kept(std::size_t which = 0) const { return to_rows(kept_.at(which)); }
  ImageShape kept_shape(std::size_t which = 0) const { return value(kept_.at(which)).shape; }

  /// The logits after a change to parameters or maps of this layer and of later ones: what comes before it is as the
  /// last passes left it, the first of which retained all. Throws UsageError for a layer that there is not.
  const Matrix& forward_again(std::string_view layer);

  /// A layer that training leaves as it is: it has gradients of zero, and what comes before it is not computed backward
  /// unless something there is trained. A norm uses its running statistics, which stay. Throws UsageError for a layer
  /// that there is not.
  void freeze(std::string_view layer);
  /// The running statistics of a norm's marked channels alone: channels that were there before others were planted.
  void freeze_statistics(std::string_view layer, const std::vector<bool>& channels);

  /// Seconds that each layer took, forward and backward, since the last call.
  struct Times {
    std::vector<double> forward, backward;
  };
  Times take_times();

  const Plan& plan() const { return plan_; }
  std::size_t activation_bytes() const { return pool_.bytes(); }

 private:
  struct NormState {
    std::vector<float> scale, shift, mean, inverse;  ///< inverse: 1 / sqrt(variance + epsilon)
  };

  // Forward.
  void begin(std::size_t count, const Pass&);
  /// Images into lanes; the last block's other lanes are 0.
  void load(const float* images);
  void run(std::size_t step);
  void run_convolution(const Step&);
  void run_norm(std::size_t step);
  std::vector<double> moments_of(int value);
  void run_combine(const Step&);
  void run_pool(const Step&);
  void run_dropout(const Step&, const float* in, float* out) const;
  void release_read(std::size_t step);
  Matrix to_rows(int value) const;
  std::size_t find_layer(std::string_view name) const;
  int find_value(std::string_view layer) const;

  // Backward.
  void run_back(std::size_t step);
  void clear_gradients(int layer);
  /// Which values have something to be trained in them.
  void find_trained();
  void back_convolution(const Step&);
  void back_norm(std::size_t step);
  void back_rectify(const Step&);
  void back_pool(const Step&);
  /// Adds a gradient to that of a value; takes over the handle.
  void give(int value, int handle);
  /// The gradient of a value, of which nobody else is an owner; its own again if `may_be_new`.
  int own_gradient(int value);

  // Views and places.
  PlaneView plane(const Value&, std::size_t block, std::size_t channel) const;
  ActivationView view(const Value&) const;
  ConvolutionShape convolution_shape(const Step&) const;
  Window window(const Step&) const;
  /// Whether a channel of a norm is normalised by the batch, not by its running statistics.
  bool uses_batch(const Step&, std::size_t channel) const;
  const Value& value(int v) const { return plan_.values[std::size_t(v)]; }
  const Layer& layer(const Step& step) const { return architecture_.layers[std::size_t(step.layer)]; }
  Parameter& parameter(const Step& step, int which) {
    return parameters_[first_parameter_[std::size_t(step.layer)] + std::size_t(which)];
  }
  Parameter& gradient(const Step& step, int which) {
    return gradients_[first_parameter_[std::size_t(step.layer)] + std::size_t(which)];
  }
  std::size_t floats(const ImageShape& shape) const { return blocks_ * shape.size() * lanes_; }
  float* sites(int v) { return pool_.data(handles_[std::size_t(value(v).stored)]); }
  const float* sites(int v) const { return pool_.data(handles_[std::size_t(value(v).stored)]); }
  float* allocate(int v);
  /// Calls body(block, channel) for every plane of a value, in parallel.
  template <class Body>
  void for_planes(const ImageShape&, Body&& body) const;

  const Architecture& architecture_;
  Parameters& parameters_;
  Parameters gradients_;
  std::vector<bool> frozen_;                          ///< of each layer
  std::vector<std::vector<bool>> frozen_statistics_;  ///< of each layer, by channel; empty: none
  std::vector<bool> trained_;                         ///< of each value: gradients go on from here
  std::function<double()> clock_;
  Plan plan_;
  std::size_t lanes_;
  std::vector<std::size_t> first_parameter_;  ///< of each layer
  std::vector<std::size_t> last_reader_;      ///< of each stored value: the step after which inference forgets it
  std::vector<bool> held_;                    ///< of each stored value: kept_ has a view of it
  std::vector<bool> normed_;                  ///< a norm wants the moments of this value
  std::size_t images_ = 0, blocks_ = 0;
  Pass pass_;
  SitePool pool_;
  std::vector<int> handles_;                  ///< of each value: -1, or what holds its sites
  std::vector<int> gradient_handles_;         ///< of each value: -1, or what holds its gradient
  std::vector<NormState> norms_;              ///< of each step that is a norm
  std::vector<std::vector<double>> moments_;  ///< of each value that a norm reads
  ConvolutionScratch scratch_;
  Matrix logits_;
  std::vector<int> kept_;
  Times times_;
};

template <class Body>
void Executor::for_planes(const ImageShape& shape, Body&& body) const {
  const auto channels = std::size_t(shape.channels);
  constexpr std::size_t kPlanes = 4;
  parallel_ranges(blocks_ * channels, kPlanes, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t p = begin; p < end; ++p) body(p / channels, p % channels);
  });
}

}  // namespace espalier
