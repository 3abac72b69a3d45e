#include "base/json.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace espalier {

namespace {

using Library = nlohmann::ordered_json;

/// Levels of nesting, which recursion follows.
constexpr int kMostLevels = 256;

Json from_library(const Library& value, const std::string& source, int level = 0) {
  if (level > kMostLevels) throw DataError(source, "", "is JSON of more than {} levels", kMostLevels);
  switch (value.type()) {
    case Library::value_t::boolean:
      return value.get<bool>();
    case Library::value_t::number_integer:
      return value.get<std::int64_t>();
    case Library::value_t::number_unsigned:
      return value.get<std::uint64_t>();
    case Library::value_t::number_float:
      return value.get<double>();
    case Library::value_t::string:
      return value.get<std::string>();
    case Library::value_t::array: {
      Json::List items;
      for (const Library& item : value) items.push_back(from_library(item, source, level + 1));
      return items;
    }
    case Library::value_t::object: {
      Json object = Json::object();
      for (const auto& [name, member] : value.items()) object.set(name, from_library(member, source, level + 1));
      return object;
    }
    default:
      return {};
  }
}

struct ToLibrary {
  Library operator()(const Json::List& items) const {
    Library list = Library::array();
    for (const Json& item : items) list.push_back(item.visit(*this));
    return list;
  }
  Library operator()(const Json::Object& members) const {
    Library object = Library::object();
    for (const auto& [name, member] : members) object[name] = member.visit(*this);
    return object;
  }
  Library operator()(std::monostate) const { return nullptr; }
  template <class Scalar>
  Library operator()(const Scalar& value) const {
    return value;
  }
};

[[noreturn]] void refuse(const Json& value, const char* wanted) {
  throw DataError("", "", "{} stands where {} is expected", value.dump(), wanted);
}

}  // namespace

Json Json::object(std::initializer_list<Member> members) {
  Json object;
  object.value_ = Object(members);
  return object;
}

Json Json::parse(std::string_view text, const std::string& source) {
  const Library value = Library::parse(text, nullptr, false);
  if (value.is_discarded()) throw DataError(source, "", "is not JSON");
  return from_library(value, source);
}

std::string Json::dump(int indentation) const {
  return visit(ToLibrary{}).dump(indentation, ' ', false, Library::error_handler_t::replace);
}

bool Json::truth() const {
  if (const bool* value = std::get_if<bool>(&value_)) return *value;
  refuse(*this, "true or false");
}

double Json::number() const {
  if (const auto* value = std::get_if<double>(&value_)) return *value;
  if (const auto* value = std::get_if<std::uint64_t>(&value_)) return double(*value);
  if (const auto* value = std::get_if<std::int64_t>(&value_)) return double(*value);
  refuse(*this, "a number");
}

double Json::number_or_nan() const { return is_null() ? std::numeric_limits<double>::quiet_NaN() : number(); }

std::int64_t Json::integer() const {
  if (const auto* value = std::get_if<std::int64_t>(&value_)) return *value;
  if (const auto* value = std::get_if<std::uint64_t>(&value_); value && std::in_range<std::int64_t>(*value))
    return std::int64_t(*value);
  refuse(*this, "an integer");
}

std::size_t Json::count() const {
  const std::int64_t value = integer();
  if (value < 0) refuse(*this, "a count");
  return std::size_t(value);
}

const std::string& Json::text() const {
  if (const auto* value = std::get_if<std::string>(&value_)) return *value;
  refuse(*this, "a text");
}

const Json::List& Json::list() const& {
  if (const auto* value = std::get_if<List>(&value_)) return *value;
  refuse(*this, "a list");
}

const Json::Object& Json::members() const& {
  if (const auto* value = std::get_if<Object>(&value_)) return *value;
  refuse(*this, "an object");
}

std::vector<std::string> Json::texts() const {
  std::vector<std::string> texts;
  for (const Json& item : list()) texts.push_back(item.text());
  return texts;
}

const Json* Json::find(std::string_view name) const {
  for (const auto& [each, value] : members())
    if (each == name) return &value;
  return nullptr;
}

const Json& Json::at(std::string_view name) const {
  if (const Json* found = find(name)) return *found;
  throw DataError("", "", "\"{}\" is missing", name);
}

void Json::set(std::string name, Json value) {
  if (is_null()) value_ = Object();
  auto& members = std::get<Object>(value_);
  const auto found = std::find_if(members.begin(), members.end(), [&](const Member& m) { return m.first == name; });
  if (found != members.end())
    found->second = std::move(value);
  else
    members.emplace_back(std::move(name), std::move(value));
}

void Json::append(Json item) {
  if (is_null()) value_ = List();
  std::get<List>(value_).push_back(std::move(item));
}

}  // namespace espalier
