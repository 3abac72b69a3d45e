#include "h5/network.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace espalier {

namespace {

constexpr const char* kGroup = "/network";
constexpr const char* kParameters = "/network/parameters";

std::string sizes(const std::vector<std::size_t>& shape) { return fmt::format("{}", fmt::join(shape, " x ")); }

void read_parameter(const H5File& file, const std::string& path, Parameter& parameter) {
  const DatasetInfo info = file.info(path);
  if (info.shape != parameter.info.shape)
    throw DataError(file.name(), path, "is {}, the architecture needs {}", sizes(info.shape),
                    sizes(parameter.info.shape));
  const std::vector<float> values = file.read_floats(path);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i])) throw DataError(file.name(), path, "has {} at {}", values[i], i);
  std::copy(values.begin(), values.end(), parameter.values.begin());
}

/// The parameters of one group, by name; all of them, and no others.
void read_parameters(const H5File& file, const std::string& group, Parameters& parameters) {
  std::vector<bool> found(parameters.size(), false);
  for (const std::string& child : file.children(group)) {
    const std::string path = (group == "/" ? "" : group) + "/" + child;
    if (child.ends_with(".num_batches_tracked") || file.is_group(path)) continue;
    Parameter* parameter = parameters.find(child);
    if (!parameter && child.starts_with("module.")) parameter = parameters.find(std::string_view(child).substr(7));
    if (!parameter) throw DataError(file.name(), path, "is no parameter of the architecture");
    read_parameter(file, path, *parameter);
    found[std::size_t(parameter - &parameters[0])] = true;
  }
  for (std::size_t p = 0; p < found.size(); ++p)
    if (!found[p]) throw DataError(file.name(), "", "has no parameter {}", parameters[p].info.name);
}

std::vector<float> read_channels(const H5File& file, const char* name, int channels) {
  const std::vector<double> numbers = file.numbers_attribute(kGroup, name);
  if (numbers.size() != std::size_t(channels))
    throw DataError(file.name(), kGroup, "has a {} of {} numbers for {} channels", name, numbers.size(), channels);
  for (const double x : numbers)
    if (!std::isfinite(x)) throw DataError(file.name(), kGroup, "has a {} of {}", name, x);
  return {numbers.begin(), numbers.end()};
}

std::vector<float> for_channels(const std::vector<double>& numbers, int channels, const char* option, float otherwise) {
  if (numbers.empty()) return std::vector<float>(std::size_t(channels), otherwise);
  if (numbers.size() == 1) return std::vector<float>(std::size_t(channels), float(numbers[0]));
  if (numbers.size() != std::size_t(channels))
    throw UsageError("--{} has {} numbers for {} channels", option, numbers.size(), channels);
  return {numbers.begin(), numbers.end()};
}

}  // namespace

StoredNetwork read_network(const H5File& file) {
  if (!file.is_group(kGroup)) throw DataError(file.name(), "", "holds no {}", kGroup);
  const std::optional<std::string> json = file.text_attribute(kGroup, "architecture");
  if (!json) throw DataError(file.name(), kGroup, "has no architecture");
  StoredNetwork network;
  network.architecture = parse_architecture(*json, file.name());
  network.parameters = Parameters(network.architecture);
  read_parameters(file, kParameters, network.parameters);
  network.normalization.mean = read_channels(file, "mean", network.architecture.input.channels);
  network.normalization.deviation = read_channels(file, "std", network.architecture.input.channels);
  for (const float x : network.normalization.deviation)
    if (!(x > 0)) throw DataError(file.name(), kGroup, "has a std of {}", x);
  network.names = file.texts_attribute(kGroup, "labels");
  if (!network.names.empty() && network.names.size() != std::size_t(network.architecture.classes))
    throw DataError(file.name(), kGroup, "has names of {} classes, the architecture has {}", network.names.size(),
                    network.architecture.classes);
  return network;
}

StoredNetwork read_state_dict(const H5File& file, const Architecture& architecture) {
  StoredNetwork network{architecture, Parameters(architecture), {}, {}};
  read_parameters(file, file.is_group(kParameters) ? kParameters : "/", network.parameters);
  return network;
}

Normalization given_normalization(const std::vector<double>& mean, const std::vector<double>& deviation, int channels) {
  return {for_channels(mean, channels, "mean", 0), for_channels(deviation, channels, "std", 1)};
}

void write_network(H5File& file, const StoredNetwork& network) {
  file.make_group(kGroup);
  file.set_attribute(kGroup, "architecture", to_json(network.architecture));
  const ImageShape& in = network.architecture.input;
  const std::int64_t shape[] = {in.channels, in.height, in.width};
  file.set_attribute(kGroup, "input_shape", std::span<const std::int64_t>(shape));
  file.set_attribute(kGroup, "classes", std::int64_t(network.architecture.classes));
  const auto numbers = [&](const char* name, const std::vector<float>& values) {
    const std::vector<double> wide(values.begin(), values.end());
    file.set_attribute(kGroup, name, std::span<const double>(wide));
  };
  numbers("mean", network.normalization.mean);
  numbers("std", network.normalization.deviation);
  if (!network.names.empty()) file.set_attribute(kGroup, "labels", std::span<const std::string>(network.names));
  file.make_group(kParameters);
  for (const Parameter& p : network.parameters)
    file.write(std::string(kParameters) + "/" + p.info.name, p.info.shape, std::span<const float>(p.values));
}

}  // namespace espalier
