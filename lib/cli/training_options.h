#pragma once
/// The options that net-train, sparsify, prune and plant share: what is trained, on what, and how.

#include <optional>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "h5/training_setup.h"

namespace espalier {

class TrainingArgs {
 public:
  TrainingJob job;

  // Declaring them, in the order of --help.
  void add_network(Cli&);   ///< --arch --width --from --mean --std
  void add_training(Cli&);  ///< --teacher to --seed
  void add_files(Cli&);     ///< --dataset to --restart

  /// After Cli::parse: the recipe with what was asked for over it, the output, the history, the checkpoint. Throws
  /// UsageError for options without effect, SystemError for an output that cannot be written.
  void settle(const Cli&);
  /// What settle found, for so many epochs.
  TrainingOptions lasting(int epochs) const;
  /// What settle does for what add_network declared.
  void settle_network(const Cli&);
  /// After settle: refuses a --report that is neither .json nor .tsv, that would replace another file, or that cannot
  /// be written.
  void check_report(const Cli&, const std::string& path) const;
  /// The sample file: --data, or the operand.
  SampleFile open_samples(Cli&) const;

  /// In place of the recipe's, if the command line has none.
  std::optional<int> default_epochs;
  std::optional<double> default_rate;
  int least_epochs = 1;
  bool writes_network = true;   ///< false: this time there is only text
  bool teaches_itself = false;  ///< there is a teacher, though --teacher names none
  /// What --help says where a tool means something else.
  struct Words {
    const char* epochs = "passes over the training rows";
    const char* validation = "share of the training rows held out; the best epoch on them is written";
    const char* data = "sample file, instead of the operand";
    const char* log = "table of epochs, written anew after each: .tsv";
    const char* checkpoint_every = "epochs; 0: on signals only";
  } words;
  std::string data;  ///< --data

 private:
  std::vector<std::string> files(const Cli&) const;  ///< inputs and output

  std::string recipe_ = "one-cycle";
  // What the command line says over the recipe.
  std::optional<int> epochs_, batch_, crop_, cutout_;
  std::optional<double> rate_, warmup_, factor_, momentum_, decay_;
  std::vector<double> drops_;
  RateCourse course_ = RateCourse::one_cycle;
  UpdateRule rule_ = UpdateRule::sgd;
  bool nesterov_ = false, decay_weights_only_ = false, no_flip_ = false;
};

}  // namespace espalier
