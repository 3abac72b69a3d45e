#include "h5/placement_job.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/need.h"
#include "embed/initialization.h"
#include "embed/transform.h"
#include "h5/samples.h"
#include "tensor/pca.h"

namespace espalier {

namespace {

/// The map that new samples are placed in, and the file of its samples and settings.
struct MapFile {
  SampleFile file;
  Embedding map;
};

MapFile open_map(const EmbeddingJob& job, const Control& control) {
  SampleFile file = SampleFile::open(job.map, {job.selection.dataset, "", SplitPart::all}, control);
  std::vector<Embedding> maps = file.read_embeddings();
  if (maps.size() != 1) throw DataError(job.map, "/embedding", "holds {} maps, one is needed", maps.size());
  if (!maps[0].q) throw DataError(job.map, "/embedding", "has no attribute q: qsne did not make it");
  if (maps[0].coordinates.cols() > 3)
    throw DataError(job.map, "/embedding", "has {} dimensions, 1 to 3 are expected", maps[0].coordinates.cols());
  return {std::move(file), std::move(maps[0])};
}

/// Numbers of a setting, each at least 1; empty where there is none.
std::vector<double> setting(const MapFile& map, const char* name) {
  std::vector<double> numbers = map.file.numbers_setting(name);
  for (double number : numbers)
    if (!(number >= 1 && number <= INT32_MAX))
      throw DataError(map.file.name(), "/embedding", "was made with {} {}, at least 1 is expected", name, number);
  return numbers;
}

/// Both sets as the map's samples were treated: counts normalised, projected to components of the map's samples.
void treat_alike(Samples& base, Samples& queries, const MapFile& map, const EmbeddingJob& job, const Control& control) {
  if (map.file.text_setting("counts")) {
    base = normalize_counts(std::move(base), job.map);
    queries = normalize_counts(std::move(queries), job.input);
  }
  const std::vector<double> components = setting(map, "pca");
  if (components.empty() || components[0] >= double(dimension(base))) return;
  Pca pca = principal_components(base, {int(components[0]), job.problem.seed}, control);
  queries = project(pca, queries, control);
  base = std::move(pca.scores);
}

Metric metric_of(const MapFile& map) {
  const std::string name = map.file.text_setting("metric").value_or("euclidean");
  const auto known = std::find(kMetricNames.begin(), kMetricNames.end(), name);
  if (known == kMetricNames.end()) throw DataError(map.file.name(), "/embedding", "was made with metric {}", name);
  return Metric(known - kMetricNames.begin());
}

/// How the new samples' neighbours are weighted: as asked, or as the map's samples were.
struct Weights {
  AffinityOptions affinities;
  std::size_t k = 0;
};

Weights weights_for(const MapFile& map, const EmbeddingJob& job, std::size_t n, const Control& control) {
  Weights weights;
  const std::vector<double> uniform = setting(map, "neighbors");
  if (job.problem.perplexities.empty() && !uniform.empty()) {
    weights.affinities.uniform = true;
    weights.k = std::min(n, std::size_t(uniform[0]));
    return weights;
  }
  std::vector<double> asked = job.problem.perplexities;
  if (asked.empty()) asked = setting(map, "perplexity");
  std::vector<double>& usable = weights.affinities.perplexities;
  usable = usable_perplexities(asked, n, job.map, control);
  weights.k = std::min(n, std::size_t(std::ceil(3 * *std::max_element(usable.begin(), usable.end()))));
  return weights;
}

Settings settings_of(const Weights& weights, const MapFile& map, Metric metric) {
  Settings settings{{"method", "q-SNE, placed in an existing map"},
                    {"scale", map.file.text_setting("scale").value_or("paper")},
                    {"metric", kMetricNames[std::size_t(metric)]}};
  const std::vector<double>& perplexities = weights.affinities.perplexities;
  if (weights.affinities.uniform)
    settings.emplace_back("neighbors", std::int64_t(weights.k));
  else if (perplexities.size() == 1)
    settings.emplace_back("perplexity", perplexities[0]);
  else
    settings.emplace_back("perplexity", perplexities);
  return settings;
}

}  // namespace

void run_placement_job(const SampleFile& file, const EmbeddingJob& job, const Control& control) {
  const MapFile map = open_map(job, control);
  constexpr double kCopies = 2, kOfNeighbor = 16;
  const double samples = map.file.bytes_of_samples() + file.bytes_of_samples();
  require_memory(
      control,
      {{"samples", kCopies * samples}, {"neighbours", kOfNeighbor * 3 * kDefaultPerplexity * double(file.rows())}},
      "place fewer samples at once");
  Samples base = map.file.read_samples(), queries = file.read_samples();
  if (dimension(base) != dimension(queries))
    throw DataError(file.name(), file.layout().data[0].path, "has {} columns, the map's samples have {}",
                    dimension(queries), dimension(base));
  treat_alike(base, queries, map, job, control);

  const Weights weights = weights_for(map, job, sample_count(base), control);
  NeighborOptions search;
  search.k = int(weights.k);
  search.metric = metric_of(map);
  const NeighborGraph graph = find_neighbors_between(queries, base, search, control);

  const double scale = file_scale(*map.map.q, map.file.text_setting("scale") == "u");
  TransformOptions options;
  options.a = *map.map.q - 1;
  options.dims = int(map.map.coordinates.cols());
  const Buffer<float> layout = given_start(map.map.coordinates, options.dims, scale);
  const Buffer<float> places = transform(graph, weights.affinities, layout, options, control);

  Embedding placed{Matrix(graph.rows, std::size_t(options.dims)), map.map.q, {}, {}, ""};
  for (std::size_t i = 0; i < places.size(); ++i) placed.coordinates.data()[i] = float(double(places[i]) * scale);
  EmbeddingSet set;
  set.maps.push_back(std::move(placed));
  set.settings = settings_of(weights, map, search.metric);
  Output out(job.output);
  if (!job.only) pass_through(out, file, {"/embedding", "/snapshots"});
  const Convention convention = job.only ? Convention::native : output_convention(file);
  write_embeddings(out, convention, set);
  add_history(out, convention, job.history);
  out.commit();
}

}  // namespace espalier
