#pragma once
/// Classes that an input names by text: codes while it is read, classes in order once it has been.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace espalier {

/// One table serves training and test parts alike. Either the names are known from the start, or they are gathered.
class ClassTable {
 public:
  /// The code of a text; -1 (unknown) for an empty one.
  std::int32_t code(const std::string& text);

  /// From now on classes are numbers with these names, and labels need no translation.
  void fix_names(std::vector<std::string> names) { names_ = std::move(names); }

  /// Turns codes into classes and returns the classes' names. Texts that all are whole numbers from -1 on, 0 among
  /// them, are the classes themselves, without names (-1: unknown). Others are numbered from 0 on: in order of size
  /// where all are numbers, else in natural order ("a2" before "a10").
  std::vector<std::string> resolve(std::vector<std::int32_t>& labels) const;

 private:
  std::map<std::string, std::int32_t> codes_;
  std::vector<std::string> names_;
};

/// Natural order: runs of digits compare as numbers, the rest byte by byte.
bool natural_less(const std::string& a, const std::string& b);

}  // namespace espalier
