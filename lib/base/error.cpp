#include "base/error.h"

namespace espalier {

namespace {

std::string place(std::string_view file, std::string_view dataset) {
  std::string text;
  if (!file.empty()) text.append(file).append(": ");
  if (!dataset.empty()) text.append(dataset).append(" ");
  return text;
}

}  // namespace

Error::Error(ExitCode code, fmt::string_view format, fmt::format_args args) : Error(code, fmt::vformat(format, args)) {}

Error::Error(ExitCode code, std::string_view file, std::string_view dataset, fmt::string_view format,
             fmt::format_args args)
    : Error(code, place(file, dataset) + fmt::vformat(format, args)) {}

}  // namespace espalier
