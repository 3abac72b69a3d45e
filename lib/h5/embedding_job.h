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

/// Runs the job. False where it was stopped after saving a checkpoint.
bool run_embedding_job(const EmbeddingJob&, const Control&);

/// Throws UsageError where one file of the job would replace another; the output may replace the input.
void refuse_shared_files(const EmbeddingJob&);

/// Coordinates on file per unit of u, for a map of this q.
double file_scale(double q, bool df_scale);

}  // namespace espalier
