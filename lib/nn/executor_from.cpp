#include <algorithm>

#include "base/error.h"
#include "nn/executor.h"

namespace espalier {

const Matrix& Executor::forward_from(std::span<const Given> given) {
  begin(given.empty() ? 0 : given[0].values->rows(), {});
  std::vector<bool> is_given(values_.size(), false);
  for (const Given& g : given) {
    const int v = find_value(g.layer);
    if (g.values->rows() != images_ || g.values->cols() != value(v).shape.size())
      throw BugError("layer '{}' is given {} x {} values, expected {} x {}", g.layer, g.values->rows(),
                     g.values->cols(), images_, value(v).shape.size());
    values_[std::size_t(v)] = {value(v).shape, v};
    is_given[std::size_t(v)] = true;
    if (handles_[std::size_t(v)] < 0) load(v, g.values->data());
  }
  const std::vector<bool> needed = needed_steps(is_given);
  for (std::size_t s = 0; s < plan_.steps.size(); ++s) {
    const Step& step = plan_.steps[s];
    if (!needed[s]) continue;
    // A norm whose rectifier is fused to it and that is given itself: the rectifier is all that is left.
    const int plain = plan_.layer_values[std::size_t(step.layer)];
    if (step.kind == StepKind::norm && is_given[std::size_t(plain)]) {
      values_[std::size_t(step.output)] = {value(plain).shape, plain, -1, true};
      continue;
    }
    derive_view(s);
    run(s);
    release_read(s);
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

std::vector<bool> Executor::needed_steps(const std::vector<bool>& given) const {
  std::vector<bool> steps(plan_.steps.size(), false), wanted(plan_.values.size(), false);
  wanted[std::size_t(plan_.logits)] = true;
  for (std::size_t s = plan_.steps.size(); s-- > 0;) {
    const Step& step = plan_.steps[s];
    const auto output = std::size_t(step.output);
    if (!wanted[output] || given[output]) continue;
    steps[s] = true;
    if (step.kind == StepKind::norm && given[std::size_t(plan_.layer_values[std::size_t(step.layer)])]) continue;
    for (const int v : step.inputs) wanted[std::size_t(v)] = true;
  }
  if (wanted[0] && !given[0]) throw BugError("a pass from layers that leave the logits in need of the images");
  return steps;
}

void Executor::derive_view(std::size_t s) {
  const Step& step = plan_.steps[s];
  const Value& planned = plan_.values[std::size_t(step.output)];
  if (planned.stored == step.output) return;
  const Value& from = value(step.inputs[0]);
  Value& view = values_[std::size_t(step.output)];
  view.stored = from.stored;
  view.norm = step.kind == StepKind::norm ? int(s) : from.norm;
}

}  // namespace espalier
