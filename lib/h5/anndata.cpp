#include "h5/anndata.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"

namespace espalier {

namespace {

ObsColumn from_words(const std::vector<std::string>& words) {
  ObsColumn column;
  column.names = words;
  std::sort(column.names.begin(), column.names.end());
  column.names.erase(std::unique(column.names.begin(), column.names.end()), column.names.end());
  for (const std::string& word : words) {
    const auto found = std::lower_bound(column.names.begin(), column.names.end(), word);
    column.codes.push_back(std::int32_t(found - column.names.begin()));
  }
  return column;
}

}  // namespace

ObsColumn read_obs_column(const H5File& file, const std::string& name) {
  const std::string path = "/obs/" + name;
  if (file.is_group(path)) return {file.read_ints(path + "/codes"), file.read_strings(path + "/categories")};
  if (!file.is_dataset(path)) {
    std::vector<std::string> columns;
    if (file.is_group("/obs")) columns = file.children("/obs");
    throw DataError(file.name(), path, "is missing; obs has: {}", fmt::join(columns, ", "));
  }
  if (file.info(path).kind == Kind::text) return from_words(file.read_strings(path));
  ObsColumn column{file.read_ints(path), {}};
  if (const std::string names = "/obs/__categories/" + name; file.is_dataset(names))
    column.names = file.read_strings(names);
  return column;
}

void write_anndata_settings(H5File& file, const std::string& group, const Settings& settings) {
  file.remove(group);
  file.make_group(group);
  file.set_attribute(group, "encoding-type", std::string("dict"));
  file.set_attribute(group, "encoding-version", std::string("0.1.0"));
  for (const auto& [name, value] : settings) {
    const std::string path = group + "/" + name;
    if (const auto* text = std::get_if<std::string>(&value))
      file.write_scalar(path, *text);
    else if (const auto* number = std::get_if<double>(&value))
      file.write(path, Type::f64, {}, number);
    else
      file.write(path, Type::i64, {}, &std::get<std::int64_t>(value));
    const bool text = std::holds_alternative<std::string>(value);
    file.set_attribute(path, "encoding-type", std::string(text ? "string" : "numeric-scalar"));
    file.set_attribute(path, "encoding-version", std::string("0.2.0"));
  }
}

}  // namespace espalier
