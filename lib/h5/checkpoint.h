#pragma once
/// A sweep on disk between two runs of the same command.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "embed/sweep.h"
#include "h5/file.h"

namespace espalier {

/// Where a run with this output keeps its checkpoint: OUTPUT.ckpt, or nowhere ("") for streams and devices.
std::string default_checkpoint(const std::string& output);

/// What must be the same for a checkpoint to be gone on with: the command without what does not change results, the
/// input's contents, the instruction set.
struct CheckpointKey {
  std::string command;
  std::uint64_t fingerprint = 0;
  std::string isa;
};

/// Writes the key as attributes of the root.
void write_key(H5File&, const CheckpointKey&);

/// The checkpoint at `path`; nothing where there is no such file. DataError where command or input differ, saying what
/// to do; a note where the instruction set does.
std::optional<H5File> open_checkpoint(const std::string& path, const CheckpointKey&, const Control&);

/// Calls `write`, which writes a checkpoint, or a log that is written again. Where its output fails, for want of room
/// say, while nobody asks the run to stop, the run need not end: that is noted, what stood there stays, and the next
/// one is tried in its turn. True where it was written.
bool write_or_go_on(const std::function<void()>& write, const Control&);

/// 64 bits of the samples' contents and shape; independent of the number of threads.
std::uint64_t fingerprint(const Samples&);
std::uint64_t fingerprint(const Matrix&);
std::uint64_t fingerprint(std::span<const std::uint8_t>);
/// The same of what stands beside the samples, joined with the fingerprint of those.
std::uint64_t fingerprint(const NeighborGraph&, std::uint64_t samples);
std::uint64_t fingerprint(const Affinities&, std::uint64_t samples);

/// Writes the state to `path`, whole or not at all.
void write_checkpoint(const std::string& path, const CheckpointKey&, const SweepState&);

/// The state in `path`; nothing where there is no such file. DataError where command or input differ, saying what to
/// do, and where layouts do not have `coordinates` numbers; a note where the instruction set does.
std::optional<SweepState> read_checkpoint(const std::string& path, const CheckpointKey&, std::size_t coordinates,
                                          const Control&);

}  // namespace espalier
