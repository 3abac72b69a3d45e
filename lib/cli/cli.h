#pragma once
/// The command line of a tool: options bound to the fields they set, with their defaults printed by --help.

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/control.h"
#include "cli/completion.h"
#include "cli/progress.h"

namespace espalier {

/// Thrown by Cli::parse once --help or --version has been printed.
struct HelpShown {};

class Cli {
 public:
  Cli(std::string tool, int argc, char** argv);
  ~Cli();

  /// First: what follows the program's name in the synopsis, one sentence of purpose, and whether --help names a page.
  void usage(std::string synopsis, std::string purpose, bool has_page = true);

  // Options. `names` is "long" or "x,long". The value that the field holds is the default that --help prints. Bounds
  // are inclusive; a value outside of them, or one that does not parse as a whole, is a UsageError.
  void flag(const char* names, bool& value, const char* help);
  void count(const char* names, int& value, const char* help, int least = 0, int most = 1 << 30);
  void count(const char* names, std::optional<int>& value, const char* help, int least = 0, int most = 1 << 30);
  void seed(const char* names, std::uint64_t& value, const char* help);
  void real(const char* names, double& value, const char* help, double least, double most);
  void real(const char* names, std::optional<double>& value, const char* help, double least, double most);
  /// A factor as in "x0.5"; the x may be left out.
  void factor(const char* names, double& value, const char* help, double least, double most);
  void list(const char* names, std::vector<int>& values, const char* help, int least = 1, int most = 1 << 30);
  void list(const char* names, std::vector<double>& values, const char* help, double least, double most);
  /// A list, or one word instead, which sets `is_word`.
  void list_or_word(const char* names, std::vector<double>& values, const char* word, bool& is_word, const char* help,
                    double least, double most);
  /// Where the placeholder has FILE in it, shells complete files.
  void text(const char* names, std::string& value, const char* help, const char* placeholder = "TEXT");
  /// The same, with words that shells complete; others may be given.
  void text(const char* names, std::string& value, const char* help, const char* placeholder,
            std::vector<std::string> known);
  /// Words between commas.
  void words(const char* names, std::vector<std::string>& values, const char* help, const char* placeholder);
  /// METRIC=VALUE, may be repeated by commas.
  void thresholds(const char* names, std::vector<std::pair<std::string, double>>& values, const char* help);

  template <class E>
  void choice(const char* names, E& value, std::initializer_list<std::pair<const char*, E>> allowed, const char* help) {
    std::vector<std::string> words;
    std::vector<E> meanings;
    std::string current;
    for (const auto& [word, meaning] : allowed) {
      words.push_back(word);
      meanings.push_back(meaning);
      if (meaning == value) current = word;
    }
    choose(names, words, current, help, [&value, meanings](std::size_t i) { value = meanings[i]; });
  }

  /// -o; call where the tool writes a file or an image.
  void output(const char* help = "output file; standard output by default");

  /// --memory; call in the tools that hold their estimates against what is free.
  void memory();

  /// Reads argv, adding -h -V -j -v --quiet (and --no-history for tools with -o HDF5 output), and --completion, which
  /// is for `make install` and not in --help. Sets the threads.
  void parse(bool with_history = false);

  /// The single operand, "-" where there is none; a second operand is a UsageError.
  std::string input() const;
  const std::vector<std::string>& operands() const { return operands_; }
  const std::string& output_path() const { return output_; }
  bool given(const char* long_name) const;  ///< was the option on the command line?

  /// "qsne --q-gaussian 1.5": the command line without what does not change the result, and without operands.
  std::string command() const;
  /// "qsne 0.1.0: qsne --q-gaussian 1.5 mnist.h5", for the history attribute; empty under --no-history.
  std::string history() const;

  /// Progress, notes, remarks and the clock of this tool; `defer` makes signals set the stop flag instead of killing.
  Control control(bool defer = false);
  void note(const std::string& line);
  /// Text for machines on standard output; checked at the end.
  void print(const std::string& text);

  /// The last line under -v: wall time and peak memory.
  void finish();

 private:
  struct Option;
  Option& add(const char* names, std::string placeholder, std::string default_text, const char* help,
              std::function<void(const std::string&)> set);
  void choose(const char* names, std::vector<std::string> words, const std::string& current, const char* help,
              const std::function<void(std::size_t)>& set);
  void print_help() const;
  void print_completion(Shell shell) const;

  std::string tool_, program_, synopsis_, purpose_, output_;
  std::vector<std::string> arguments_, operands_;
  std::vector<std::unique_ptr<Option>> options_;
  std::unique_ptr<Progress> progress_;
  int memory_ = 0;  ///< MiB; 0: what is free
  bool has_history_ = false, no_history_ = false, has_page_ = true;
  double start_;
};

}  // namespace espalier
