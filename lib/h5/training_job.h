#pragma once
/// What net-train does: read images and a network, train, write the network; stopped and gone on with.

#include <string>

#include "h5/samples.h"
#include "h5/training.h"

namespace espalier {

struct TrainingJob {
  SampleSelection selection;
  std::string output, history, command;
  std::string architecture;  ///< stock name or a file in .json; empty where `from` is given
  double width = 1;          ///< of a stock architecture
  std::string from;          ///< a network file to go on from
  std::string teacher;       ///< a network file to distil from
  double validation = 0;     ///< share of the training rows held out; the best epoch on them is what is written
  std::string log;           ///< table of epochs, written anew after each
  std::string checkpoint;
  int checkpoint_every = 1;  ///< epochs; 0: on signals only
  bool restart = false;
  TrainingOptions training;
};

/// The stock architecture of that name, or that of the file in .json, for these images. DataError where the file's does
/// not fit them.
Architecture find_architecture(const std::string& name, double width, const ImageShape&, int classes);

/// Returns false where control stopped it, after saving a checkpoint; Stopped where there is none to save.
bool run_training_job(const SampleFile&, const TrainingJob&, const Control&);

}  // namespace espalier
