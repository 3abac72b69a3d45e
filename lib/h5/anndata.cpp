#include "h5/anndata.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "base/error.h"

namespace espalier {

namespace {

/// Names of classes: text as it is, numbers written out.
std::vector<std::string> read_names(const H5File& file, const std::string& path) {
  const Kind kind = file.info(path).kind;
  if (kind == Kind::text) return file.read_strings(path);
  std::vector<std::string> names;
  for (double value : file.read_doubles(path))
    names.push_back(kind == Kind::boolean ? (value != 0 ? "True" : "False") : fmt::format("{}", value));
  return names;
}

/// Enumerations: codes in the file may be any numbers; ours count from 0, and a code without a name is missing.
ObsColumn from_enumeration(const std::vector<std::int32_t>& codes,
                           const std::vector<std::pair<std::int64_t, std::string>>& enumeration) {
  ObsColumn column;
  for (const auto& [value, name] : enumeration) column.names.push_back(name);
  for (std::int32_t code : codes) {
    const auto found = std::lower_bound(enumeration.begin(), enumeration.end(), code,
                                        [](const auto& entry, std::int32_t c) { return entry.first < c; });
    const bool named = found != enumeration.end() && found->first == code;
    column.codes.push_back(named ? std::int32_t(found - enumeration.begin()) : -1);
  }
  return column;
}

/// Text, an enumeration or integers. Category names of older files stand elsewhere; `names` is where, or empty.
ObsColumn read_plain(const H5File& file, const std::string& path, const std::string& names) {
  if (file.info(path).kind == Kind::text) return number_words(file.read_strings(path));
  const std::vector<std::int32_t> codes = file.read_ints(path);
  if (!names.empty()) return {codes, read_names(file, names)};
  const auto enumeration = file.enumeration(path);
  return enumeration.empty() ? ObsColumn{codes, {}} : from_enumeration(codes, enumeration);
}

/// Today's groups: codes and categories, or values and a mask that is true where they are missing.
ObsColumn read_group(const H5File& file, const std::string& path) {
  if (file.is_dataset(path + "/codes"))
    return {file.read_ints(path + "/codes"), read_names(file, path + "/categories")};
  ObsColumn column = read_plain(file, path + "/values", "");
  const std::vector<std::uint8_t> mask = file.read_bytes(path + "/mask");
  if (mask.size() != column.codes.size())
    throw DataError(file.name(), path + "/mask", "has {} entries for {} values", mask.size(), column.codes.size());
  for (std::size_t i = 0; i < mask.size(); ++i)
    if (mask[i]) column.codes[i] = -1;
  return column;
}

/// Where files from before anndata 0.8 keep the names of a column's categories; empty where there are none.
std::string names_elsewhere(const H5File& file, const std::string& column) {
  for (const std::string& path : {"/obs/__categories/" + column, "/uns/" + column + "_categories"})
    if (file.is_dataset(path)) return path;
  return "";
}

bool can_serve(const H5File& file, const std::string& path) {
  if (file.is_group(path)) return file.is_dataset(path + "/codes") || file.is_dataset(path + "/values");
  if (!file.is_dataset(path)) return false;
  const Kind kind = file.info(path).kind;
  return kind == Kind::integer || kind == Kind::boolean || kind == Kind::text;
}

/// Is it more than bare integers?
bool has_names(const H5File& file, const std::string& column) {
  const std::string path = "/obs/" + column;
  if (file.is_group(path)) return file.is_dataset(path + "/codes");
  return file.info(path).kind != Kind::integer || !names_elsewhere(file, column).empty() ||
         !file.enumeration(path).empty();
}

/// All that could be read as classes.
std::vector<std::string> columns_that_serve(const H5File& file) {
  std::vector<std::string> columns;
  const std::string index = file.text_attribute("/obs", "_index").value_or("index");
  if (file.is_group("/obs"))
    for (const std::string& child : file.children("/obs"))
      if (child != index && child != "_index" && can_serve(file, "/obs/" + child)) columns.push_back(child);
  return columns;
}

[[noreturn]] void refuse_column(const H5File& file, const std::string& name, const std::string& why) {
  const std::vector<std::string> columns = columns_that_serve(file);
  throw DataError(file.name(), "/obs/" + name, "{}; labels could come from: {}", why,
                  columns.empty() ? "no column of this file" : fmt::format("{}", fmt::join(columns, ", ")));
}

}  // namespace

ObsColumn number_words(const std::vector<std::string>& words) {
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

bool is_anndata(const H5File& file) {
  return file.has("/obs") && file.has("/var") &&
         (file.has("/X") || file.text_attribute("/", "encoding-type") == "anndata");
}

ObsColumn read_obs_column(const H5File& file, const std::string& name) {
  const std::string path = "/obs/" + name;
  if (!file.has(path)) refuse_column(file, name, "is missing");
  if (!can_serve(file, path)) refuse_column(file, name, "does not hold classes");
  ObsColumn column = file.is_group(path) ? read_group(file, path) : read_plain(file, path, names_elsewhere(file, name));
  for (std::int32_t& code : column.codes) {
    code = std::max(code, -1);
    if (!column.names.empty() && code >= std::int32_t(column.names.size()))
      throw DataError(file.name(), path, "has code {}, there are {} categories", code, column.names.size());
  }
  return column;
}

std::vector<std::string> label_columns(const H5File& file) {
  std::vector<std::string> all = columns_that_serve(file), named;
  std::copy_if(all.begin(), all.end(), std::back_inserter(named),
               [&](const std::string& column) { return has_names(file, column); });
  return named.empty() ? all : named;
}

std::vector<std::string> read_obs_names(const H5File& file) {
  const std::string path = "/obs/" + file.text_attribute("/obs", "_index").value_or("index");
  if (!file.is_dataset(path) || file.info(path).kind != Kind::text) return {};
  return file.read_strings(path);
}

void set_encoding(H5File& file, const std::string& object, const std::string& type, const std::string& version) {
  file.set_attribute(object, "encoding-type", type);
  file.set_attribute(object, "encoding-version", version);
}

void prepare_anndata_group(H5File& file, const std::string& group) {
  if (file.is_table(group)) file.split_table(group);
  const bool made = !file.is_group(group);
  if (made) file.make_group(group);
  const bool modern = file.has_attribute("/", "encoding-type");
  if ((made || modern) && !file.has_attribute(group, "encoding-type")) set_encoding(file, group, "dict", "0.1.0");
}

void write_anndata_numbers(H5File& file, const std::string& path, std::span<const double> numbers) {
  file.write(path, {numbers.size()}, numbers);
  set_encoding(file, path, "array", "0.2.0");
}

void write_anndata_texts(H5File& file, const std::string& path, std::span<const std::string> texts) {
  file.write_strings(path, texts);
  set_encoding(file, path, "string-array", "0.2.0");
}

void write_anndata_settings(H5File& file, const std::string& group, const Settings& settings) {
  prepare_anndata_group(file, "/uns");
  file.make_group(group);
  for (const std::string& child : file.children(group))
    if (child != "history" && child != "params" && !child.ends_with("_key")) file.remove(group + "/" + child);
  set_encoding(file, group, "dict", "0.1.0");
  for (const auto& [name, value] : settings) {
    const std::string path = group + "/" + name;
    if (const auto* numbers = std::get_if<std::vector<double>>(&value)) {
      write_anndata_numbers(file, path, *numbers);
      continue;
    }
    if (const auto* text = std::get_if<std::string>(&value))
      file.write_scalar(path, *text);
    else if (const auto* number = std::get_if<double>(&value))
      file.write(path, Type::f64, {}, number);
    else
      file.write(path, Type::i64, {}, &std::get<std::int64_t>(value));
    set_encoding(file, path, std::holds_alternative<std::string>(value) ? "string" : "numeric-scalar", "0.2.0");
  }
}

}  // namespace espalier
