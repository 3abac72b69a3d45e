#pragma once
/// JSON values: built, read and taken apart here; text is written and parsed by nlohmann-json, which this header keeps
/// out of the files that include it.

#include <cmath>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace espalier {

/// A value: null, a truth, a number, a text, a list, or an object whose members keep the order in which they came.
class Json {
 public:
  using List = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;

  Json() = default;  ///< null
  Json(bool truth) : value_(truth) {}
  Json(double number) : value_(number) {}
  template <std::integral Integer>
  requires(!std::same_as<Integer, bool>) Json(Integer number) {
    if constexpr (std::is_signed_v<Integer>)
      value_ = std::int64_t(number);
    else
      value_ = std::uint64_t(number);
  }
  Json(std::string text) : value_(std::move(text)) {}
  Json(const char* text) : value_(std::string(text)) {}
  Json(List items) : value_(std::move(items)) {}
  template <class Item>
  Json(const std::vector<Item>& items) : value_(List(items.begin(), items.end())) {}
  static Json object(std::initializer_list<Member> members = {});
  /// Null where the number is not finite, which JSON cannot say.
  static Json finite(double number) { return std::isfinite(number) ? Json(number) : Json(); }

  /// DataError naming `source` where the text is no JSON, or nested more than 256 levels deep.
  static Json parse(std::string_view text, const std::string& source);
  /// Spaces of indentation for each level; without, all stands on one line. Malformed UTF-8 becomes U+FFFD.
  std::string dump(int indentation = -1) const;

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_truth() const { return std::holds_alternative<bool>(value_); }
  bool is_integer() const {
    return std::holds_alternative<std::int64_t>(value_) || std::holds_alternative<std::uint64_t>(value_);
  }
  bool is_number() const { return is_integer() || std::holds_alternative<double>(value_); }
  bool is_text() const { return std::holds_alternative<std::string>(value_); }
  bool is_list() const { return std::holds_alternative<List>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }

  // What it holds. DataError, which names no file, where it is something else or out of range.
  bool truth() const;
  double number() const;         ///< integers too
  double number_or_nan() const;  ///< NaN where it is null
  std::int64_t integer() const;
  std::size_t count() const;  ///< an integer that is not negative
  const std::string& text() const;
  const List& list() const&;
  const List& list() const&& = delete;  ///< a loop would outlive it
  const Object& members() const&;
  const Object& members() const&& = delete;
  std::vector<std::string> texts() const;  ///< a list of them

  const Json* find(std::string_view name) const;  ///< of an object; null where it has none of that name
  const Json& at(std::string_view name) const;    ///< of an object
  void set(std::string name, Json value);         ///< of an object, or null, which becomes one; replaces
  void append(Json item);                         ///< to a list, or null, which becomes one

  template <class Visitor>
  auto visit(const Visitor& visitor) const {
    return std::visit(visitor, value_);
  }

 private:
  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, List, Object> value_;
};

}  // namespace espalier
