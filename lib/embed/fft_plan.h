#pragma once
/// Lengths, stages and sines for the transforms of embed/fft.h.

#include <vector>

#include "embed/fft.h"

namespace espalier {

/// Whether `length` is 2^a 3^b 5^c.
bool is_smooth(int length);

/// The stages of one length. Throws BugError when the length is not smooth.
template <class T>
class FftPlan {
 public:
  explicit FftPlan(int length);

  int length() const { return length_; }
  /// Valid while the plan lives.
  FftSteps<T> steps() const { return {length_, int(stages_.size()), stages_.data()}; }

 private:
  int length_;
  std::vector<std::vector<T>> twiddles_;
  std::vector<FftStage<T>> stages_;
};

}  // namespace espalier
