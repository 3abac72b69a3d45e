#pragma once
/// Completions of a tool's command line for bash and zsh, made from the same table of options that --help prints.

#include <string>
#include <vector>

namespace espalier {

/// What --help and completions know of an option.
struct OptionEntry {
  std::string letter, name, placeholder, default_text, help;
  std::vector<std::string> words;  ///< what its value may be, or may among others
  bool is_flag = false;            ///< takes no value
  bool hidden = false;             ///< neither in --help nor completed

  bool takes_file() const { return placeholder.find("FILE") != std::string::npos; }
};

enum class Shell { none, bash, zsh };

/// A script to be sourced by bash, or autoloaded by zsh, as the completion of `program`: after an option its words or
/// files, nothing where a number is due; after a dash the options; files elsewhere. Both ways to give a value are
/// completed, --name value and --name=value.
std::string completion_script(Shell shell, const std::string& program, const std::vector<OptionEntry>& options);

}  // namespace espalier
