#pragma once
/// What net-eval does: score a network on images, say what it costs, write what it made of them.

#include <string>
#include <vector>

#include "h5/network.h"
#include "h5/samples.h"

namespace espalier {

struct EvaluationJob {
  std::string network;       ///< a network file, or a state dict with `architecture`
  std::string architecture;  ///< stock name or a file in .json, for a state dict
  double width = 1;
  std::vector<double> mean, deviation;  ///< normalisation of a state dict
  SampleSelection selection;
  std::string split;  ///< all, train or test; empty: test rows where there are some
  int batch = 128;
  bool confusion = false, per_class = false, layers = false, json = false;
  std::vector<int> times;  ///< batch sizes whose time is taken
  bool predictions = false, logits = false;
  std::string features;  ///< a layer
  std::string output, report, history;
  bool writes_samples() const { return predictions || logits || !features.empty(); }
};

/// The report as text: tables separated by an empty line, or JSON. `data` may be nullptr: costs alone.
std::string run_evaluation_job(const EvaluationJob&, const SampleFile* data, const Control&);

}  // namespace espalier
