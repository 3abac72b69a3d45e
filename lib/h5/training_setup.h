#pragma once
/// What every tool that trains begins with: the images, the network to start from, the teacher; and how an epoch's
/// line, log and checkpoint come about.

#include <functional>
#include <optional>
#include <string>

#include "h5/images.h"
#include "h5/samples.h"
#include "h5/training.h"
#include "shape/channel_scores.h"

namespace espalier {

struct TrainingJob {
  SampleSelection selection;
  std::string output, history, command;
  std::string architecture;  ///< stock name or a file in .json or .h5; empty where `from` is a network file
  double width = 1;          ///< of a stock architecture
  std::string from;          ///< a network file to go on from; a state dict where there is an architecture, too
  std::vector<double> mean, deviation;  ///< normalisation of a state dict
  std::string teacher;                  ///< a network file to distil from
  double validation = 0;  ///< share of the training rows held out; the best epoch on them is what is written
  int train_samples = 0;  ///< training rows that are used, evenly of the classes; 0: all
  std::string log;        ///< table of epochs, written anew after each
  std::string checkpoint;
  int checkpoint_every = 1;  ///< epochs; 0: on signals only
  bool restart = false;
  TrainingOptions training;
};

/// The stock architecture of that name, or that of the file in .json or the network file in .h5, for these images.
/// DataError where a file's does not fit them.
Architecture find_architecture(const std::string& name, double width, const ImageShape&, int classes);

/// All of that, read and checked.
struct TrainingSetup {
  LabelledImages data;
  StoredNetwork network;
  std::optional<Teacher> teacher;
  Holdout rows;       ///< training rows, and those of them held out
  CheckpointKey key;  ///< of the command, data, network and teacher
};
TrainingSetup prepare_training(const SampleFile&, const TrainingJob&, const Control&);

/// Bytes of what draw_samples will draw.
double bytes_of_drawn(const TrainingSetup&, int count);

/// So many training rows, or all, drawn by the seed: not augmented, in the network's normalisation.
ScoringSamples draw_samples(const TrainingSetup&, int count, std::uint64_t seed);

/// One training of the setup's network, gone on with from `resumed`, or begun. Tells of each epoch, keeps the log, and
/// calls `save` every job.checkpoint_every epochs. The network of the best epoch is taken where rows are held out.
/// Returns the state at the end, or, unfinished, where control stopped it.
TrainingState train(TrainingSetup&, const TrainingJob&, TrainingHooks, std::optional<TrainingState> resumed,
                    const std::function<void(const TrainingState&)>& save, const Control&);

/// The last step of a job: writes what it made; where that fails (a full disk, say) the training is saved for another
/// try before the error goes on.
void write_or_save(const std::function<void()>& write, const std::function<void()>& save);

/// The network file of a finished job.
void write_result(const std::string& output, const std::string& history, const StoredNetwork&);

}  // namespace espalier
