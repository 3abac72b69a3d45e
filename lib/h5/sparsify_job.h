#pragma once
/// What sparsify does: train under a regularizer, for one lambda or along a path of them, and report what became zero.

#include <string>
#include <vector>

#include "h5/training_setup.h"
#include "shape/regularization.h"
#include "shape/sparsity.h"

namespace espalier {

struct SparsifyJob {
  TrainingJob training;
  RegularizationOptions regularization;  ///< its lambda is taken from the list
  std::vector<double> lambdas;           ///< in this order, each training starting where the one before ended
  bool projections = false;              ///< shortcut projections are regularized, too
  std::vector<std::string> exclude;      ///< layers that are not
  double zero = 1e-3;                    ///< weights up to this size count as zero
  std::string report;                    ///< .json or .tsv
};

/// A name in which {lambda} stands for the value: "net-{lambda}.h5".
std::string with_lambda(const std::string& name, double lambda);
std::string with_lambda(const std::string& name, const std::string& value);

/// Returns false where control stopped it, after saving a checkpoint; Stopped where there is none to save.
/// `tell_report` gets the report of each lambda.
bool run_sparsify_job(const SampleFile&, const SparsifyJob&, const Control&,
                      const std::function<void(const SparsityReport&)>& tell_report);

}  // namespace espalier
