#include "h5/embedding_job.h"

#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/isa.h"
#include "base/json.h"
#include "base/need.h"
#include "base/parallel.h"
#include "base/stage.h"
#include "embed/choose.h"
#include "embed/kernel.h"
#include "embed/repulsion.h"
#include "h5/checkpoint.h"
#include "h5/demand.h"
#include "h5/graphs.h"

namespace espalier {

namespace {

/// What the job reads, kept alive while it runs.
struct LoadedInput {
  std::optional<Samples> samples;
  std::vector<Embedding> maps;
  ProblemInput problem;
  Settings kept;  ///< of the run that a graph was kept from
  std::uint64_t fingerprint = 0;
};

void require_rows(std::size_t rows, const SampleFile& file, const std::string& path) {
  if (rows != file.rows()) throw DataError(file.name(), path, "has {} rows for {} samples", rows, file.rows());
}

/// Entries of a graph in the file; 0 where it has none.
double entries_of(const SampleFile& file, const std::string& graph) {
  const std::string path = graph + "/indices";
  return file.file().is_dataset(path) ? double(file.file().info(path).count()) : 0;
}

/// Bytes at the most, each figure as measured (tests/bench/RESULTS.md): affinities are made symmetric and packed, an
/// entry of them has its own on the way; the grid is largest for the widest maps.
void require_room(const SampleFile& file, const EmbeddingJob& job, const Control& control) {
  constexpr double kOfNeighbor = 44, kOfEntry = 20, kOfPair = 18, kOfPoint = 64, kWork = 16 << 20;
  constexpr double kWidest = 2048;  // covariance of principal components; wider ones are not made
  const ProblemOptions& problem = job.problem;
  const double rows = double(file.rows()), samples = file.bytes_of_samples();
  std::vector<MemoryPart> parts{{"samples", samples}, {"work", kWork}};
  const auto add = [&](const char* what, double bytes) { parts.push_back({what, bytes}); };
  const char* advice = "lower --perplexity, project with --pca, or take fewer samples";
  double packed = 0, graph = 0;  // bytes while iterations run, and before
  if (job.source == Source::affinities) {
    packed = kOfEntry * entries_of(file, affinities_path(file.file(), job.graph));
    advice = "leave the samples out";
  } else if (job.source == Source::neighbors) {
    graph = kOfNeighbor * entries_of(file, neighbors_path(file.file(), job.graph));
    advice = "leave the samples out";
  } else if (problem.all_pairs) {
    add("pairs", kOfPair * rows * rows);
    advice = "leave --reference out, or take fewer samples";
  } else {
    double embedded = samples;
    if (problem.pca > 0) {
      const double columns = double(file.layout().data.empty() ? 0 : file.layout().data[0].cols);
      embedded = double(sizeof(float)) * rows * problem.pca;
      add("components", embedded + double(sizeof(double)) * std::pow(std::min({rows, columns, kWidest}), 2));
    }
    if (problem.counts) add("normalised counts", samples);
    const double perplexity = problem.perplexities.empty()
                                  ? kDefaultPerplexity
                                  : *std::max_element(problem.perplexities.begin(), problem.perplexities.end());
    const double k = std::min(rows, problem.uniform_neighbors > 0 ? double(problem.uniform_neighbors) : 3 * perplexity);
    graph = std::max(bytes_of_search(embedded, rows, k, problem.metric), kOfNeighbor * k * rows);
    packed = kOfEntry * 1.6 * k * rows;  // at both ends of a pair, where it is not mutual
  }
  add("neighbours", std::max(graph, packed));
  if (!problem.all_pairs) {
    // Few samples in space are summed in pairs before their grid has grown; their maps may be made side by side.
    static constexpr double kGrid[] = {8 << 20, 70 << 20, 530 << 20};
    constexpr double kInPairs = 8000, kSideBySide = 5000;
    const double grid = kGrid[rows < kInPairs ? std::min(job.sweep.dims, 2) - 1 : job.sweep.dims - 1];
    const double maps = rows > kSideBySide ? 1 : double(std::min(job.sweep.q.size(), std::size_t(threads())));
    add("grid", std::max(0.0, packed + maps * (kOfPoint * rows + grid) - std::max(graph, packed)));
  }
  if (!job.only && is_held_in_memory(job.output)) add("output", double(file.file().bytes()));
  require_memory(control, parts, advice);
}

LoadedInput load_input(const SampleFile& file, const EmbeddingJob& job, const Control& control) {
  require_room(file, job, control);
  const Stage stage(control, "read");
  LoadedInput input;
  input.problem.name = file.name();
  if (file.has_data()) {
    input.samples = file.read_samples();
    input.fingerprint = fingerprint(*input.samples);
  }
  if (job.source == Source::data && !input.samples)
    throw DataError(file.name(), "", "holds no samples; some can be named with --dataset");
  if (job.source == Source::neighbors) {
    input.problem.graph = read_neighbors(file.file(), job.graph);
    if (!input.problem.graph) throw DataError(file.name(), "/neighbors", "is missing");
    const std::string path = neighbors_path(file.file(), job.graph);
    require_rows(input.problem.graph->rows, file, path);
    input.kept = read_attributes(file.file(), path, {"pca", "counts"});
    input.fingerprint = fingerprint(*input.problem.graph, input.fingerprint);
  }
  if (job.source == Source::affinities) {
    input.problem.affinities = read_affinities(file.file(), job.graph);
    if (!input.problem.affinities) throw DataError(file.name(), "/affinities", "is missing");
    const std::string path = affinities_path(file.file(), job.graph);
    require_rows(input.problem.affinities->rows, file, path);
    input.kept =
        read_attributes(file.file(), path, {"perplexity", "neighbors", "metric", "pca", "counts", "neighbor_recall"});
    input.fingerprint = fingerprint(*input.problem.affinities, input.fingerprint);
  }
  if (job.problem.start == Start::embedding) {
    input.maps = file.read_embeddings();
    if (input.maps.size() != 1)
      throw DataError(file.name(), "", "holds {} embeddings, a start is one", input.maps.size());
    if (const std::size_t columns = input.maps[0].coordinates.cols(); columns != std::size_t(job.sweep.dims))
      throw DataError(file.name(), "/embedding", "has {} dimensions, a start of {} is needed", columns, job.sweep.dims);
    if (input.maps[0].q) input.problem.units_per_u = file_scale(*input.maps[0].q, file.text_setting("scale") == "u");
    input.fingerprint ^= fingerprint(input.maps[0].coordinates);
  }
  return input;
}

/// Pointers into `input`, set once it no longer moves.
ProblemInput take_problem_input(LoadedInput& input) {
  ProblemInput problem = std::move(input.problem);
  if (input.samples) problem.samples = &*input.samples;
  if (!input.maps.empty()) problem.layout = &input.maps[0].coordinates;
  return problem;
}

const char* schedule_name(Schedule schedule) {
  return schedule == Schedule::classic ? "classic" : schedule == Schedule::reference ? "reference" : "scale-search";
}

const char* start_name(Start start) {
  return start == Start::pca ? "pca" : start == Start::random ? "random" : "embedding";
}

/// What made the map, for the attributes of /embedding: as it was used, and only what took part.
Settings settings_of(const EmbeddingJob& job, const Problem& problem, const Settings& kept) {
  static const char* const methods[] = {"automatic", "exact", "grid"};
  const RepulsionMethod repulsion =
      job.sweep.schedule == Schedule::reference ? RepulsionMethod::exact : job.sweep.repulsion;
  Settings settings{{"method", std::string("q-SNE")},        {"schedule", schedule_name(job.sweep.schedule)},
                    {"scale", job.df_scale ? "u" : "paper"}, {"init", start_name(problem.start_kind)},
                    {"repulsion", methods[int(repulsion)]},  {"seed", std::int64_t(job.problem.seed)}};
  const auto add = [&](const char* name, Setting value) { settings.emplace_back(name, std::move(value)); };
  if (problem.perplexities.size() == 1) add("perplexity", problem.perplexities[0]);
  if (problem.perplexities.size() > 1) add("perplexity", problem.perplexities);
  if (problem.neighbors > 0) add("neighbors", std::int64_t(problem.neighbors));
  if (job.source != Source::affinities) add("metric", kMetricNames[std::size_t(problem.graph.metric)]);
  if (problem.components > 0) add("pca", std::int64_t(problem.components));
  if (job.problem.counts) add("counts", "normalised to 10000 a row, log1p");
  if (!problem.exact_neighbors) add("neighbor_recall", problem.recall);
  settings.insert(settings.end(), kept.begin(), kept.end());
  const OptimizerOptions optimizer = optimizer_options(job.sweep.q[0], problem.order.size(), job.sweep);
  add("exaggeration", optimizer.exaggeration);
  if (job.sweep.exaggeration_iterations)
    add("exaggeration_iterations", std::int64_t(optimizer.exaggeration_iterations));
  if (job.sweep.rate) add("rate", *job.sweep.rate);
  if (job.sweep.early_stop) add("early_stop", std::int64_t(1));
  return settings;
}

EmbeddingSet collect_maps(const EmbeddingJob& job, const Problem& problem, const Settings& kept,
                          const SweepState& state) {
  EmbeddingSet set;
  for (std::size_t i = 0; i < state.finished.size(); ++i) {
    const double q = job.sweep.q[i];
    Embedding map{in_sample_order(state.finished[i].layout, problem, job.sweep.dims, file_scale(q, job.df_scale)), q,
                  state.finished[i].kl, double(state.finished[i].iterations), ""};
    set.maps.push_back(std::move(map));
  }
  set.settings = settings_of(job, problem, kept);
  return set;
}

/// Keeps the map with the largest area under R_NX, and says what was tried.
void keep_best(EmbeddingSet& set, const Samples& samples, const EmbeddingJob& job, const Control& control) {
  std::vector<const Matrix*> maps;
  for (const Embedding& map : set.maps) maps.push_back(&map.coordinates);
  const Samples judged = job.problem.counts ? normalize_counts(samples, job.input) : samples;
  const std::vector<double> areas = neighborhood_areas(judged, job.problem.metric, maps, job.problem.seed, control);
  const std::size_t best = std::size_t(std::max_element(areas.begin(), areas.end()) - areas.begin());
  control.tell(fmt::format("q = {:g} has the largest area under R_NX: {:.4f} for q = {:g}", job.sweep.q[best],
                           fmt::join(areas, ","), fmt::join(job.sweep.q, ",")));
  set.maps = {std::move(set.maps[best])};
  set.settings.emplace_back("auto_q", job.sweep.q);
  set.settings.emplace_back("auto_rnx_auc", areas);
}

void write_snapshots(H5File& file, const EmbeddingJob& job, const Problem& problem, const SweepState& state) {
  const std::size_t dims = std::size_t(job.sweep.dims), rows = problem.order.size();
  const double scale = file_scale(job.sweep.q[0], job.df_scale);
  file.begin_rows("/snapshots", Type::f32, {rows, dims});
  for (const Buffer<float>& layout : state.snapshots)
    file.append_rows("/snapshots", Type::f32, 1, in_sample_order(layout, problem, job.sweep.dims, scale).data());
  const std::vector<double> iterations(state.snapshot_iterations.begin(), state.snapshot_iterations.end());
  file.set_attribute("/snapshots", "iterations", iterations);
}

/// The affinities with rows in the samples' order.
Affinities unordered(const Problem& problem) {
  std::vector<std::int32_t> place(problem.order.size());
  for (std::size_t p = 0; p < place.size(); ++p) place[std::size_t(problem.order[p])] = std::int32_t(p);
  return permute(problem.affinities, place);
}

Settings named(const Settings& settings, std::initializer_list<std::string_view> names) {
  Settings chosen;
  for (const auto& setting : settings)
    if (std::find(names.begin(), names.end(), setting.first) != names.end()) chosen.push_back(setting);
  return chosen;
}

void write_output(const SampleFile& file, const EmbeddingJob& job, const Problem& problem, const SweepState& state,
                  const EmbeddingSet& set, const Control& control) {
  const Stage stage(control, "write");
  Output out(job.output);
  std::vector<std::string> replaced{"/embedding", "/snapshots"};
  if (job.keep_neighbors) replaced.emplace_back("/neighbors");
  if (job.keep_affinities) replaced.emplace_back("/affinities");
  if (!job.only) pass_through(out, file, replaced);
  const Convention convention = job.only ? Convention::native : output_convention(file);
  write_embeddings(out, convention, set);
  if (job.keep_neighbors && problem.graph.rows > 0)
    write_neighbors(out.file(), convention, problem.graph, named(set.settings, {"pca", "counts"}));
  if (job.keep_affinities) write_affinities(out.file(), convention, unordered(problem), set.settings);
  if (!state.snapshots.empty()) write_snapshots(out.file(), job, problem, state);
  add_history(out, convention, job.history);
  out.commit();
}

/// The table to a file, and to standard error.
void write_report(const std::string& path, const EmbeddingSet& set, const Control& control) {
  if (path.empty()) return;
  std::string table = "q\tkl\titerations\n";
  Json rows = Json::List();
  for (const Embedding& map : set.maps) {
    const std::string line =
        fmt::format("{:g}\t{:.6f}\t{:.0f}", map.q.value_or(NAN), map.kl.value_or(NAN), map.iterations.value_or(0));
    table += line + "\n";
    control.tell(fmt::format("q = {:g}: cost {:.4f} after {:.0f} iterations", map.q.value_or(NAN), map.kl.value_or(NAN),
                             map.iterations.value_or(0)));
    rows.append(Json::object({{"q", *map.q}, {"kl", *map.kl}, {"iterations", std::int64_t(*map.iterations)}}));
  }
  write_file_atomically(path, path.ends_with(".json") ? Json::object({{"maps", rows}}).dump(2) + "\n" : table);
}

}  // namespace

double file_scale(double q, bool df_scale) { return df_scale ? 1 : paper_scale(q); }

void check_files(const EmbeddingJob& job) {
  require_apart("--report", job.report, {job.input, job.output, job.checkpoint});
  require_apart("--checkpoint", job.checkpoint, {job.input, job.output});
  require_apart("-o", job.output, {job.map});
  require_writable(job.output);
  for (const std::string& path : {job.report, job.checkpoint})
    if (!path.empty()) require_writable(path);
}

bool run_embedding_job(const SampleFile& file, const EmbeddingJob& job, const Control& control) {
  if (job.keep_neighbors && !job.only && file.is_whole() && file.file().is_dataset("/neighbors"))
    throw DataError(file.name(), "/neighbors", "is another program's: --keep-neighbors needs --only here");
  LoadedInput input = load_input(file, job, control);
  const CheckpointKey key{job.command, input.fingerprint, isa_name(isa())};
  SweepState state;
  bool has_checkpoint = false;  // one that this run has read or written, and may remove
  if (!job.checkpoint.empty() && !job.restart)
    if (std::optional<SweepState> saved =
            read_checkpoint(job.checkpoint, key, file.rows() * std::size_t(job.sweep.dims), control)) {
      control.tell(fmt::format("going on from {}", job.checkpoint));
      state = std::move(*saved);
      has_checkpoint = true;
    }
  Problem problem;
  try {
    problem = make_problem(take_problem_input(input), job.problem, control);
  } catch (const Stopped&) {
    if (!has_checkpoint) throw;
    return false;
  }
  const auto save = [&](const SweepState& s) {
    if (job.checkpoint.empty()) return;
    if (write_or_go_on([&] { write_checkpoint(job.checkpoint, key, s); }, control)) has_checkpoint = true;
  };
  if (!run_sweep(problem, job.sweep, state, save, control)) return false;

  try {
    EmbeddingSet set = collect_maps(job, problem, input.kept, state);
    if (job.choose_q) keep_best(set, *input.samples, job, control);
    write_output(file, job, problem, state, set, control);
    write_report(job.report, set, control);
  } catch (const Stopped&) {
    save(state);
    return false;
  } catch (const SystemError&) {  // a full disk, say: the maps are kept for another try
    save(state);
    throw;
  }
  if (has_checkpoint) ::unlink(job.checkpoint.c_str());
  return true;
}

}  // namespace espalier
