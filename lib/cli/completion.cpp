#include "cli/completion.h"

#include <fmt/ranges.h>

#include <cctype>

namespace espalier {

namespace {

/// "--metric", or "-o|--output" with that between.
std::string both_names(const OptionEntry& option, const char* between) {
  return option.letter.empty() ? "--" + option.name : fmt::format("-{}{}--{}", option.letter, between, option.name);
}

std::string bash_script(const std::string& program, const std::vector<OptionEntry>& options) {
  std::string function = "_espalier_", cases, names, others;
  for (const char c : program) function += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  for (const OptionEntry& option : options) {
    names += (names.empty() ? "--" : " --") + option.name;
    std::string due = fmt::format("{}", fmt::join(option.words, " "));
    if (option.takes_file()) due += due.empty() ? "FILE" : " FILE";
    if (option.is_flag) continue;
    if (due.empty())
      others += (others.empty() ? "" : " | ") + both_names(option, " | ");
    else
      cases += fmt::format("    {}) due='{}' ;;\n", both_names(option, " | "), due);
  }
  if (!others.empty()) cases += fmt::format("    {}) due= ;;\n", others);
  // Readline completes files better than compgen does (tildes, quotes, blanks): it is left to it where files alone are
  // due. Bash takes --name=value apart into three words, unless the user has taken '=' out of COMP_WORDBREAKS: then all
  // of it is replaced.
  return fmt::format(R"(# bash completion of {0}, made by: {0} --completion bash
{1}() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} option=${{COMP_WORDS[COMP_CWORD - 1]}} before= due
  [[ $word != = ]] || word=
  [[ $option != = ]] || option=${{COMP_WORDS[COMP_CWORD - 2]}}
  if [[ $word == --*=* ]]; then option=${{word%%=*}} before=$option= word=${{word#*=}}; fi
  case $option in
{2}    *) [[ $word == -* ]] && due='{3}' || due=FILE ;;
  esac
  mapfile -t COMPREPLY < <(compgen -P "$before" -W "${{due/%FILE/}}" -- "$word")
  [[ $due != *FILE ]] || compopt -o default
  [[ $due != ?*FILE && ! ( $before && $due == FILE ) ]] ||
    mapfile -t -O ${{#COMPREPLY[@]}} COMPREPLY < <(compgen -P "$before" -f -- "$word")
}}
complete -F {1} {0}
)",
                     program, function, cases, names);
}

/// Text inside one argument of _arguments, between single quotes: brackets and colons divide its parts.
std::string zsh_text(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '\'')
      safe += "'\\'";
    else if (c == '[' || c == ']' || c == ':' || c == '\\')
      safe += '\\';
    safe += c;
  }
  return safe;
}

std::string zsh_action(const OptionEntry& option) {
  const std::string words = fmt::format("{}", fmt::join(option.words, " "));
  if (option.takes_file() && words.empty()) return "_files";
  if (option.takes_file()) return "_alternative \"words\\:\\:(" + words + ")\" \"files\\:\\:_files\"";
  return words.empty() ? " " : "(" + words + ")";
}

std::string zsh_script(const std::string& program, const std::vector<OptionEntry>& options) {
  std::string script = fmt::format("#compdef {0}\n# zsh completion of {0}, made by: {0} --completion zsh\n", program);
  script += "_arguments -s";
  for (const OptionEntry& option : options) {
    const std::string help = zsh_text(option.help);
    const std::string value =
        option.is_flag ? "" : fmt::format(":{}:{}", zsh_text(option.placeholder), zsh_action(option));
    const char* const joined = option.is_flag ? "" : "=";
    if (option.letter.empty())
      script += fmt::format(" \\\n  '--{}{}[{}]{}'", option.name, joined, help, value);
    else
      script += fmt::format(" \\\n  '({})'{{-{}{},--{}{}}}'[{}]{}'", both_names(option, " "), option.letter,
                            option.is_flag ? "" : "+", option.name, joined, help, value);
  }
  return script + " \\\n  '*:file:_files'\n";
}

}  // namespace

std::string completion_script(Shell shell, const std::string& program, const std::vector<OptionEntry>& options) {
  std::vector<OptionEntry> shown;
  for (const OptionEntry& option : options)
    if (!option.hidden) shown.push_back(option);
  return shell == Shell::zsh ? zsh_script(program, shown) : bash_script(program, shown);
}

}  // namespace espalier
