#pragma once
/// qsne on a sample file: what the options ask for is read, embedded, and written beside what the file held.

#include <string>

#include "base/control.h"
#include "embed/problem.h"
#include "embed/sweep.h"
#include "h5/samples.h"

namespace espalier {

/// What of the input the affinities are made from.
enum class Source { data, neighbors, affinities };

struct EmbeddingJob {
  std::string input = "-", output;  ///< paths; "-" or empty: standard input and output
  SampleSelection selection;
  Source source = Source::data;
  std::string graph;  ///< path of neighbours or affinities in the input; empty: found by convention
  ProblemOptions problem;
  SweepOptions sweep;
  bool choose_q = false;  ///< keep the best of the sweep by neighborhood_areas
  bool df_scale = false;  ///< q was given as df: coordinates stay in u
  bool only = false;      ///< nothing of the input is passed on
  bool keep_neighbors = false, keep_affinities = false;
  std::string checkpoint;  ///< path; empty: none
  bool restart = false;    ///< a checkpoint that is there is ignored
  std::string command;     ///< the command line without what does not change results, for the checkpoint
  std::string history;     ///< line for the history attribute; empty: none
  std::string report;      ///< path of the report, .json or .tsv; empty: none
  std::string map;         ///< path of a file with samples and map in which the input's samples are placed
};

/// Refuses what would fail after hours: one file of the job that would replace another (UsageError; the output may
/// replace the input), an output that cannot be written (SystemError).
void check_files(const EmbeddingJob&);

/// Runs the job on the samples of `file`. False where it was stopped with a checkpoint to go on from; Stopped where
/// there is none yet.
bool run_embedding_job(const SampleFile& file, const EmbeddingJob&, const Control&);

/// Coordinates on file per unit of u, for a map of this q.
double file_scale(double q, bool df_scale);

}  // namespace espalier
