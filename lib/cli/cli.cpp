#include "cli/cli.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#define CXXOPTS_NO_REGEX  // whose templates take longer to compile than the rest of this file
#include <cxxopts.hpp>

#include "base/error.h"
#include "base/isa.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "cli/signals.h"

namespace espalier {

namespace {

template <class N>
N parse_number(const std::string& name, const std::string& word, N least, N most) {
  N value{};
  const char *begin = word.data(), *end = begin + word.size();
  const auto [stop, error] = std::from_chars(begin, end, value);
  const bool too_large = error == std::errc::result_out_of_range && stop == end;
  if (too_large) throw UsageError("--{} is {}, expected {} to {}", name, word, least, most);
  if (error != std::errc() || stop != end)
    throw UsageError("--{} is '{}', expected a {}", name, word,
                     std::is_unsigned_v<N>   ? "whole number from 0 on"
                     : std::is_integral_v<N> ? "whole number"
                                             : "number");
  if (!(value >= least && value <= most)) throw UsageError("--{} is {}, expected {} to {}", name, word, least, most);
  return value;
}

template <class N>
std::vector<N> parse_list(const std::string& name, const std::string& words, N least, N most) {
  std::vector<N> values;
  for (std::size_t begin = 0; begin <= words.size();) {
    const std::size_t comma = std::min(words.find(',', begin), words.size());
    values.push_back(parse_number<N>(name, words.substr(begin, comma - begin), least, most));
    begin = comma + 1;
  }
  return values;
}

/// Options that never change a result, and so have no place in the history.
bool leaves_no_trace(const std::string& long_name) {
  static const char* const names[] = {"output",           "threads", "verbose", "quiet", "no-history", "checkpoint",
                                      "checkpoint-every", "restart", "report",  "log",   "json",       "memory"};
  return std::any_of(std::begin(names), std::end(names), [&](const char* name) { return long_name == name; });
}

}  // namespace

struct Cli::Option : OptionEntry {
  std::function<void(const std::string&)> set;
  bool given = false;
  std::string word;
};

Cli::Cli(std::string tool, int argc, char** argv)
    : tool_(std::move(tool)), program_(argc > 0 ? argv[0] : tool_), start_(Progress::seconds()) {
  program_.erase(0, program_.rfind('/') + 1);
  arguments_.assign(argv + std::min(argc, 1), argv + argc);
}

Cli::~Cli() = default;

void Cli::usage(std::string synopsis, std::string purpose, bool has_page) {
  synopsis_ = std::move(synopsis);
  purpose_ = std::move(purpose);
  has_page_ = has_page;
}

Cli::Option& Cli::add(const char* names, std::string placeholder, std::string default_text, const char* help,
                      std::function<void(const std::string&)> set) {
  auto option = std::make_unique<Option>();
  const std::string both = names;
  const std::size_t comma = both.find(',');
  option->name = comma == std::string::npos ? both : both.substr(comma + 1);
  option->letter = comma == std::string::npos ? "" : both.substr(0, comma);
  option->placeholder = std::move(placeholder);
  option->default_text = std::move(default_text);
  option->help = help;
  option->set = std::move(set);
  options_.push_back(std::move(option));
  return *options_.back();
}

void Cli::flag(const char* names, bool& value, const char* help) {
  add(names, "", "", help, [&value](const std::string&) { value = true; }).is_flag = true;
}

void Cli::count(const char* names, int& value, const char* help, int least, int most) {
  Option& option = add(names, "N", std::to_string(value), help, {});
  option.set = [&value, &option, least, most](const std::string& w) {
    value = parse_number(option.name, w, least, most);
  };
}

void Cli::count(const char* names, std::optional<int>& value, const char* help, int least, int most) {
  Option& option = add(names, "N", value ? std::to_string(*value) : "", help, {});
  option.set = [&value, &option, least, most](const std::string& w) {
    value = parse_number(option.name, w, least, most);
  };
}

void Cli::seed(const char* names, std::uint64_t& value, const char* help) {
  Option& option = add(names, "N", std::to_string(value), help, {});
  option.set = [&value, &option](const std::string& w) {
    value = parse_number<std::uint64_t>(option.name, w, 0, INT64_MAX);
  };
}

void Cli::real(const char* names, double& value, const char* help, double least, double most) {
  Option& option = add(names, "X", fmt::format("{}", value), help, {});
  option.set = [&value, &option, least, most](const std::string& w) {
    value = parse_number(option.name, w, least, most);
  };
}

void Cli::real(const char* names, std::optional<double>& value, const char* help, double least, double most) {
  Option& option = add(names, "X", value ? fmt::format("{}", *value) : "", help, {});
  option.set = [&value, &option, least, most](const std::string& w) {
    value = parse_number(option.name, w, least, most);
  };
}

void Cli::factor(const char* names, double& value, const char* help, double least, double most) {
  Option& option = add(names, "xX", fmt::format("x{}", value), help, {});
  option.set = [&value, &option, least, most](const std::string& w) {
    value = parse_number(option.name, w.starts_with("x") ? w.substr(1) : w, least, most);
  };
}

void Cli::list(const char* names, std::vector<int>& values, const char* help, int least, int most) {
  Option& option = add(names, "N[,N...]", fmt::format("{}", fmt::join(values, ",")), help, {});
  option.set = [&values, &option, least, most](const std::string& w) {
    values = parse_list(option.name, w, least, most);
  };
}

void Cli::list(const char* names, std::vector<double>& values, const char* help, double least, double most) {
  Option& option = add(names, "X[,X...]", fmt::format("{}", fmt::join(values, ",")), help, {});
  option.set = [&values, &option, least, most](const std::string& w) {
    values = parse_list(option.name, w, least, most);
  };
}

void Cli::list_or_word(const char* names, std::vector<double>& values, const char* word, bool& is_word,
                       const char* help, double least, double most) {
  Option& option = add(names, fmt::format("X[,X...]|{}", word), fmt::format("{}", fmt::join(values, ",")), help, {});
  option.set = [&values, &is_word, &option, word, least, most](const std::string& w) {
    is_word = w == word;
    if (!is_word) values = parse_list(option.name, w, least, most);
  };
  option.words = {word};
}

void Cli::text(const char* names, std::string& value, const char* help, const char* placeholder) {
  add(names, placeholder, value, help, [&value](const std::string& w) { value = w; });
}

void Cli::text(const char* names, std::string& value, const char* help, const char* placeholder,
               std::vector<std::string> known) {
  add(names, placeholder, value, help, [&value](const std::string& w) { value = w; }).words = std::move(known);
}

void Cli::words(const char* names, std::vector<std::string>& values, const char* help, const char* placeholder) {
  Option& option = add(names, placeholder, fmt::format("{}", fmt::join(values, ",")), help, {});
  option.set = [&values, &option](const std::string& list) {
    values.clear();
    for (std::size_t begin = 0; begin <= list.size();) {
      const std::size_t comma = std::min(list.find(',', begin), list.size());
      if (comma == begin) throw UsageError("--{} is '{}', expected words between commas", option.name, list);
      values.push_back(list.substr(begin, comma - begin));
      begin = comma + 1;
    }
  };
}

void Cli::thresholds(const char* names, std::vector<std::pair<std::string, double>>& values, const char* help) {
  Option& option = add(names, "METRIC=X[,...]", "", help, {});
  option.set = [&values, &option](const std::string& words) {
    for (std::size_t begin = 0; begin <= words.size();) {
      const std::size_t comma = std::min(words.find(',', begin), words.size());
      const std::string word = words.substr(begin, comma - begin);
      const std::size_t equals = word.find('=');
      if (equals == std::string::npos || equals == 0)
        throw UsageError("--{} is '{}', expected METRIC=VALUE", option.name, word);
      values.emplace_back(word.substr(0, equals),
                          parse_number<double>(option.name, word.substr(equals + 1), -HUGE_VAL, HUGE_VAL));
      begin = comma + 1;
    }
  };
}

void Cli::choose(const char* names, std::vector<std::string> words, const std::string& current, const char* help,
                 const std::function<void(std::size_t)>& set) {
  Option& option = add(names, fmt::format("{}", fmt::join(words, "|")), current, help, {});
  option.set = [&option, words, set](const std::string& word) {
    const auto found = std::find(words.begin(), words.end(), word);
    if (found == words.end()) throw UsageError("--{} is '{}', expected {}", option.name, word, fmt::join(words, ", "));
    set(std::size_t(found - words.begin()));
  };
  option.words = std::move(words);
}

void Cli::output(const char* help) {
  add("o,output", "FILE", output_, help, [this](const std::string& word) {
    if (word.empty()) throw UsageError("--output is '', expected the name of a file");  // a script's unset variable
    output_ = word;
  });
}

void Cli::memory() { count("memory", memory_, "MiB that may be held; 0: as much as is free"); }

void Cli::print_help() const {
  std::string text = fmt::format("usage: {} {}\n\n{}\n\n", tool_, synopsis_, purpose_);
  for (const auto& option : options_) {
    if (option->hidden) continue;
    std::string left = option->letter.empty() ? "      " : fmt::format("  -{}, ", option->letter);
    left += "--" + option->name;
    if (!option->placeholder.empty()) left += " " + option->placeholder;
    std::string help = option->help;
    if (!option->default_text.empty()) help += fmt::format(" [{}]", option->default_text);
    constexpr std::size_t kColumn = 34;
    text += left.size() + 2 > kColumn ? fmt::format("{}\n{:{}}{}\n", left, "", kColumn, help)
                                      : fmt::format("{:<{}}{}\n", left, kColumn, help);
  }
  if (has_page_) text += fmt::format("\nSee {}(1).\n", tool_);
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void Cli::print_completion(Shell shell) const {
  std::vector<OptionEntry> entries;
  for (const auto& option : options_) entries.push_back(*option);
  fmt::print("{}", completion_script(shell, program_, entries));
}

void Cli::parse(bool with_history) {
  Shell shell = Shell::none;
  bool help = false, version = false, quiet = false, verbose = false;
  int thread_count = available_threads();
  has_history_ = with_history;
  if (with_history) flag("no-history", no_history_, "leave the history attribute out");
  count("j,threads", thread_count, "threads; any number gives the same bytes", 1, 1024);
  flag("quiet", quiet, "no progress and no notes");
  flag("v,verbose", verbose, "timings, choices made, wall time and peak memory");
  flag("h,help", help, "print this and exit");
  flag("V,version", version, "print the version and exit");
  choice("completion", shell, {{"bash", Shell::bash}, {"zsh", Shell::zsh}}, "print completions for a shell and exit");
  options_.back()->hidden = true;

  cxxopts::Options parser(tool_);
  for (const auto& option : options_) {
    const std::string names = option->letter.empty() ? option->name : option->letter + "," + option->name;
    if (option->is_flag)
      parser.add_options()(names, "", cxxopts::value<bool>());
    else
      parser.add_options()(names, "", cxxopts::value<std::string>());
  }
  std::vector<const char*> argv{tool_.c_str()};
  for (const std::string& argument : arguments_) argv.push_back(argument.c_str());
  try {
    const cxxopts::ParseResult result = parser.parse(int(argv.size()), argv.data());
    for (const auto& option : options_) {
      option->given = result.count(option->name) > 0;
      if (result.count(option->name) > 1 && !option->is_flag) throw UsageError("--{} is given twice", option->name);
      if (option->given && !option->is_flag) option->word = result[option->name].as<std::string>();
    }
    operands_ = result.unmatched();
  } catch (const cxxopts::exceptions::exception& error) {
    throw UsageError("{} (--help lists the options)", error.what());
  }
  if (given("help") || given("version")) {
    if (given("help"))
      print_help();
    else
      fmt::print("{} (espalier) {}\n", tool_, ESPALIER_VERSION);
    throw HelpShown{};
  }
  for (const auto& option : options_)
    if (option->given) option->set(option->word);
  if (shell != Shell::none) {
    print_completion(shell);
    throw HelpShown{};
  }
  isa();
  set_threads(thread_count);
  progress_ = std::make_unique<Progress>(tool_, quiet     ? Verbosity::quiet
                                                : verbose ? Verbosity::verbose
                                                          : Verbosity::normal);
}

bool Cli::given(const char* long_name) const {
  for (const auto& option : options_)
    if (option->name == long_name) return option->given;
  throw BugError("no option --{}", long_name);
}

std::string Cli::input() const {
  if (operands_.size() > 1) throw UsageError("one operand expected, '{}' is the second", operands_[1]);
  return operands_.empty() ? "-" : operands_[0];
}

std::string Cli::command() const {
  std::string line = tool_;
  for (const auto& option : options_)
    if (option->given && !leaves_no_trace(option->name))
      line +=
          option->is_flag ? fmt::format(" --{}", option->name) : fmt::format(" --{} {}", option->name, option->word);
  return line;
}

std::string Cli::history() const {
  if (no_history_ || !has_history_) return "";
  std::string line = fmt::format("{} {}: {}", tool_, ESPALIER_VERSION, command());
  for (const std::string& operand : operands_)
    if (operand != "-") line += " " + operand;
  return line;
}

Control Cli::control(bool defer) {
  Control control;
  Progress* progress = progress_.get();
  control.progress = [progress](std::string_view stage, double done, double total, std::string_view detail) {
    progress->report(stage, done, total, detail);
  };
  control.remark = [progress](std::string_view text) { progress->remark(text); };
  control.note = [progress](std::string_view text) { progress->note(text); };
  control.clock = Progress::seconds;
  control.peak_memory = peak_memory_since;
  control.free_memory = [most = double(memory_) * (1 << 20)] {
    return most > 0 ? std::max(0.0, most - held_memory()) : free_memory();
  };
  if (defer) control.stop = &defer_signals();
  return control;
}

void Cli::note(const std::string& line) { progress_->note(line); }

void Cli::print(const std::string& text) {
  progress_->clear();
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void Cli::finish() {
  if (!progress_) return;
  progress_->remark(fmt::format("{:.2f} s wall, {:.0f} MiB peak memory, {} threads, {} ({} floats wide)",
                                Progress::seconds() - start_, peak_memory(), threads(), isa_name(isa()),
                                isa_lanes(isa())));
  progress_->clear();
}

}  // namespace espalier
