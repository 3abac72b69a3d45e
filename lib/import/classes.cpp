#include "import/classes.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace espalier {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

template <class N>
std::optional<N> whole_text_as(const std::string& text) {
  N value{};
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The run of digits at `i` without its leading zeros; moves `i` behind it.
std::string digits_at(const std::string& text, std::size_t& i) {
  while (i < text.size() && text[i] == '0') ++i;
  const std::size_t begin = i;
  while (i < text.size() && is_digit(text[i])) ++i;
  return text.substr(begin, i - begin);
}

}  // namespace

bool natural_less(const std::string& a, const std::string& b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (is_digit(a[i]) && is_digit(b[j])) {
      const std::string x = digits_at(a, i), y = digits_at(b, j);
      if (x.size() != y.size()) return x.size() < y.size();
      if (x != y) return x < y;
    } else {
      if (a[i] != b[j]) return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
      ++i;
      ++j;
    }
  }
  if (i < a.size() || j < b.size()) return j < b.size();
  return a < b;  // "1" and "01" are two names
}

std::int32_t ClassTable::code(const std::string& text) {
  if (text.empty()) return -1;
  return codes_.try_emplace(text, std::int32_t(codes_.size())).first->second;
}

std::vector<std::string> ClassTable::resolve(std::vector<std::int32_t>& labels) const {
  if (codes_.empty()) return names_;
  std::vector<std::string> texts;
  for (const auto& entry : codes_) texts.push_back(entry.first);

  std::vector<std::int32_t> class_of_code(codes_.size());
  const bool whole = codes_.count("0") && std::all_of(texts.begin(), texts.end(), [](const std::string& text) {
                       return whole_text_as<std::int32_t>(text).value_or(-2) >= -1;
                     });
  if (whole) {
    for (const auto& [text, code] : codes_) class_of_code[std::size_t(code)] = *whole_text_as<std::int32_t>(text);
    texts.clear();
  } else {
    const bool numbers = std::all_of(texts.begin(), texts.end(), [](const std::string& text) {
      return std::isfinite(whole_text_as<double>(text).value_or(HUGE_VAL));
    });
    std::stable_sort(texts.begin(), texts.end(), [&](const std::string& a, const std::string& b) {
      return numbers ? *whole_text_as<double>(a) < *whole_text_as<double>(b) : natural_less(a, b);
    });
    for (std::size_t i = 0; i < texts.size(); ++i) class_of_code[std::size_t(codes_.at(texts[i]))] = std::int32_t(i);
  }
  for (std::int32_t& label : labels)
    if (label >= 0) label = class_of_code[std::size_t(label)];
  return texts;
}

}  // namespace espalier
