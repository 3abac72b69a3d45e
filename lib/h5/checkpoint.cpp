#include "h5/checkpoint.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <bit>

#include "base/error.h"
#include "base/parallel.h"
#include "h5/output.h"

namespace espalier {

namespace {

/// Bytes hashed by one chunk; the borders are part of the fingerprint's definition.
constexpr std::size_t kHashChunk = std::size_t(1) << 20;

std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
  return std::rotl((hash ^ word) * 0x9fb21c651e98df25ull, 29);
}

std::uint64_t hash_bytes(const void* data, std::size_t bytes) {
  const char* at = static_cast<const char*>(data);
  std::vector<std::uint64_t> parts((bytes + kHashChunk - 1) / kHashChunk);
  parallel_ranges(bytes, kHashChunk, [&](std::size_t begin, std::size_t end, int) {
    std::uint64_t hash = end - begin, word = 0;
    for (std::size_t i = begin; i < end; i += sizeof word) {
      word = 0;
      std::memcpy(&word, at + i, std::min(sizeof word, end - i));
      hash = mix(hash, word);
    }
    parts[begin / kHashChunk] = hash;
  });
  std::uint64_t hash = bytes;
  for (std::uint64_t part : parts) hash = mix(hash, part);
  return hash;
}

constexpr const char* kStateFields[] = {"iteration", "exaggeration_end", "end"};
constexpr const char* kCosts[] = {"polled_kl", "fastest", "extension_kl"};

void write_buffer(H5File& file, const std::string& path, const Buffer<float>& buffer) {
  file.write(path, {buffer.size()}, std::span<const float>(buffer));
}

Buffer<float> read_buffer(const H5File& file, const std::string& path, std::size_t size) {
  const std::vector<float> values = file.read_floats(path);
  if (values.size() != size)
    throw DataError(file.name(), path, "has {} numbers, {} are expected: a damaged checkpoint; --restart ignores it",
                    values.size(), size);
  Buffer<float> buffer(values.size());
  std::copy(values.begin(), values.end(), buffer.begin());
  return buffer;
}

double number(const H5File& file, const std::string& object, const char* name) {
  const std::optional<double> value = file.number_attribute(object, name);
  if (!value) throw DataError(file.name(), object, "has no {}: a damaged checkpoint; --restart ignores it", name);
  return *value;
}

void write_state(H5File& file, const OptimizerState& state) {
  write_buffer(file, "/current/layout", state.layout);
  write_buffer(file, "/current/velocity", state.velocity);
  write_buffer(file, "/current/gains", state.gains);
  const std::int64_t counters[] = {state.iteration, state.exaggeration_end, state.end};
  for (int i = 0; i < 3; ++i) file.set_attribute("/current", kStateFields[i], counters[i]);
  const double costs[] = {state.polled_kl, state.fastest, state.extension_kl};
  for (int i = 0; i < 3; ++i) file.set_attribute("/current", kCosts[i], costs[i]);
}

OptimizerState read_state(const H5File& file, std::size_t coordinates) {
  OptimizerState state;
  state.layout = read_buffer(file, "/current/layout", coordinates);
  state.velocity = read_buffer(file, "/current/velocity", coordinates);
  state.gains = read_buffer(file, "/current/gains", coordinates);
  std::int64_t* const counters[] = {&state.iteration, &state.exaggeration_end, &state.end};
  for (int i = 0; i < 3; ++i) *counters[i] = std::int64_t(number(file, "/current", kStateFields[i]));
  double* const costs[] = {&state.polled_kl, &state.fastest, &state.extension_kl};
  for (int i = 0; i < 3; ++i) *costs[i] = number(file, "/current", kCosts[i]);
  return state;
}

bool exists(const std::string& path) {
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0;
}

/// Nothing where there is no file, or none any more: another run with the same checkpoint has come to its end.
std::optional<H5File> open_if_there(const std::string& path) {
  if (!exists(path)) return std::nullopt;
  try {
    return H5File::open(path);
  } catch (const std::exception&) {
    if (!exists(path)) return std::nullopt;
    throw;
  }
}

}  // namespace

std::string default_checkpoint(const std::string& output) {
  struct stat status = {};
  if (output.empty() || output == "-") return "";
  const bool there = ::stat(output.c_str(), &status) == 0;
  return there && !S_ISREG(status.st_mode) ? "" : output + ".ckpt";
}

std::uint64_t fingerprint(const Matrix& matrix) {
  return mix(hash_bytes(matrix.data(), matrix.size() * sizeof(float)), matrix.cols());
}

std::uint64_t fingerprint(const Samples& samples) {
  if (const auto* dense = std::get_if<Matrix>(&samples)) return fingerprint(*dense);
  const auto& sparse = std::get<SparseMatrix>(samples);
  std::uint64_t hash = mix(sparse.rows, sparse.cols);
  hash = mix(hash, hash_bytes(sparse.indptr.data(), sparse.indptr.size() * sizeof(std::int64_t)));
  hash = mix(hash, hash_bytes(sparse.indices.data(), sparse.indices.size() * sizeof(std::int32_t)));
  return mix(hash, hash_bytes(sparse.values.data(), sparse.values.size() * sizeof(float)));
}

std::uint64_t fingerprint(const NeighborGraph& graph, std::uint64_t samples) {
  const std::uint64_t indices = hash_bytes(graph.indices.data(), graph.indices.size() * sizeof(std::int32_t));
  return mix(mix(samples, indices), hash_bytes(graph.distances.data(), graph.distances.size() * sizeof(float)));
}

std::uint64_t fingerprint(const Affinities& p, std::uint64_t samples) {
  const std::uint64_t indices = hash_bytes(p.indices.data(), p.indices.size() * sizeof(std::int32_t));
  return mix(mix(samples, indices), hash_bytes(p.values.data(), p.values.size() * sizeof(float)));
}

std::uint64_t fingerprint(std::span<const std::uint8_t> bytes) { return hash_bytes(bytes.data(), bytes.size()); }

void write_key(H5File& file, const CheckpointKey& key) {
  file.set_attribute("/", "command", key.command);
  file.set_attribute("/", "input", fmt::format("{:016x}", key.fingerprint));
  file.set_attribute("/", "isa", key.isa);
}

std::optional<H5File> open_checkpoint(const std::string& path, const CheckpointKey& key, const Control& control) {
  std::optional<H5File> opened = open_if_there(path);
  if (!opened) return std::nullopt;
  const H5File& file = *opened;
  if (file.text_attribute("/", "command") != key.command)
    throw DataError(path, "", "is the checkpoint of '{}', this is '{}'; --restart ignores it",
                    file.text_attribute("/", "command").value_or("something else"), key.command);
  if (file.text_attribute("/", "input") != fmt::format("{:016x}", key.fingerprint))
    throw DataError(path, "", "is a checkpoint for another input; --restart ignores it");
  if (const std::string isa = file.text_attribute("/", "isa").value_or(""); isa != key.isa)
    control.tell(fmt::format("the checkpoint was made with {}, this is {}: bytes will differ from an uninterrupted run",
                             isa, key.isa));
  return opened;
}

bool write_or_go_on(const std::function<void()>& write, const Control& control) {
  try {
    write();
    return true;
  } catch (const SystemError& error) {
    if (error.code() != kNoOutput || control.stopped()) throw;
    control.tell(fmt::format("{}; the run goes on, what stood there stays", error.what()));
    return false;
  }
}

void write_checkpoint(const std::string& path, const CheckpointKey& key, const SweepState& state) {
  Output out(path);
  H5File& file = out.file();
  write_key(file, key);
  file.set_attribute("/", "finished", std::int64_t(state.finished.size()));
  for (std::size_t i = 0; i < state.finished.size(); ++i) {
    const std::string path_of_map = fmt::format("/finished/{}", i);
    write_buffer(file, path_of_map, state.finished[i].layout);
    file.set_attribute(path_of_map, "kl", state.finished[i].kl);
    file.set_attribute(path_of_map, "iterations", state.finished[i].iterations);
  }
  if (state.current) write_state(file, *state.current);
  file.write("/snapshots/iterations", {state.snapshot_iterations.size()}, state.snapshot_iterations);
  for (std::size_t i = 0; i < state.snapshots.size(); ++i)
    write_buffer(file, fmt::format("/snapshots/{}", i), state.snapshots[i]);
  out.commit();
}

std::optional<SweepState> read_checkpoint(const std::string& path, const CheckpointKey& key, std::size_t coordinates,
                                          const Control& control) {
  const std::optional<H5File> opened = open_checkpoint(path, key, control);
  if (!opened) return std::nullopt;
  const H5File& file = *opened;
  SweepState state;
  const auto finished = std::size_t(number(file, "/", "finished"));
  for (std::size_t i = 0; i < finished; ++i) {
    const std::string path_of_map = fmt::format("/finished/{}", i);
    state.finished.push_back({number(file, path_of_map, "kl"), std::int64_t(number(file, path_of_map, "iterations")),
                              read_buffer(file, path_of_map, coordinates)});
  }
  if (file.has("/current")) state.current = read_state(file, coordinates);
  state.snapshot_iterations = file.read_longs("/snapshots/iterations");
  for (std::size_t i = 0; i < state.snapshot_iterations.size(); ++i)
    state.snapshots.push_back(read_buffer(file, fmt::format("/snapshots/{}", i), coordinates));
  return state;
}

}  // namespace espalier
