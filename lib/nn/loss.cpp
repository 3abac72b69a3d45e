#include "nn/loss.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace espalier {

namespace {

/// log softmax(z / T).
void log_softmax(const float* z, std::size_t classes, double temperature, std::vector<double>& out) {
  const double largest = *std::max_element(z, z + classes) / temperature;
  double sum = 0;
  out.resize(classes);
  for (std::size_t c = 0; c < classes; ++c) sum += std::exp(z[c] / temperature - largest);
  for (std::size_t c = 0; c < classes; ++c) out[c] = z[c] / temperature - largest - std::log(sum);
}

/// How many logits are larger than the label's, or equal and before it; where one of the two is no number, too.
std::size_t place_of(const float* z, std::size_t classes, std::size_t label) {
  std::size_t before = 0;
  for (std::size_t c = 0; c < classes; ++c) before += !(z[c] <= z[label]) || (c < label && z[c] == z[label]);
  return before;
}

}  // namespace

Loss evaluate_mixed_loss(const Matrix& logits, std::span<const std::int32_t> labels,
                         std::span<const std::int32_t> others, double share, const Matrix& teacher,
                         const LossOptions& options, Matrix* gradient) {
  const std::size_t n = logits.rows(), classes = logits.cols();
  const double alpha = options.distillation, t = options.temperature;
  if (labels.size() != n || others.size() != n || (alpha > 0 && (teacher.rows() != n || teacher.cols() != classes)))
    throw BugError("a loss of {} images with {} labels", n, labels.size());
  if (gradient && (gradient->rows() != n || gradient->cols() != classes)) *gradient = Matrix(n, classes);
  Loss loss;
  std::vector<double> log_p, target(classes), soft, soft_teacher;
  for (std::size_t i = 0; i < n; ++i) {
    const float* const z = logits.row(i);
    const auto label = std::size_t(labels[i]), other = std::size_t(others[i]);
    log_softmax(z, classes, 1, log_p);
    std::fill(target.begin(), target.end(), options.smoothing / double(classes));
    target[label] += (1 - options.smoothing) * share;
    target[other] += (1 - options.smoothing) * (1 - share);
    double value = 0;
    for (std::size_t c = 0; c < classes; ++c) value -= target[c] * log_p[c];
    if (alpha > 0) {
      log_softmax(z, classes, t, soft);
      log_softmax(teacher.row(i), classes, t, soft_teacher);
      double divergence = 0;
      for (std::size_t c = 0; c < classes; ++c) divergence += std::exp(soft_teacher[c]) * (soft_teacher[c] - soft[c]);
      value = (1 - alpha) * value + alpha * t * t * divergence;
    }
    if (gradient)
      for (std::size_t c = 0; c < classes; ++c) {
        double d = std::exp(log_p[c]) - target[c];
        if (alpha > 0) d = (1 - alpha) * d + alpha * t * (std::exp(soft[c]) - std::exp(soft_teacher[c]));
        (*gradient)(i, c) = float(d / double(n));
      }
    loss.sum += value;
    loss.of_image.push_back(float(value));
    const std::size_t place = place_of(z, classes, label);
    loss.correct += place == 0;
    loss.among_five += place < 5;
  }
  return loss;
}

Loss evaluate_loss(const Matrix& logits, std::span<const std::int32_t> labels, const Matrix& teacher,
                   const LossOptions& options, Matrix* gradient) {
  return evaluate_mixed_loss(logits, labels, labels, 1, teacher, options, gradient);
}

}  // namespace espalier
