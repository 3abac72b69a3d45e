// tensor-import: foreign formats to a sample file
#include <fmt/ranges.h>

#include <charconv>

#include "base/stage.h"
#include "cli/tool.h"
#include "h5/output.h"
#include "import/importer.h"

using namespace espalier;

namespace {

struct Args {
  ImportOptions import;
  std::string delimiter, image, resize;
};

/// "28x28" as width and height; nothing for an empty word.
std::optional<ImageSize> parse_size(const char* option, const std::string& word) {
  if (word.empty()) return std::nullopt;
  ImageSize size;
  const char* end = word.data() + word.size();
  const auto [x, bad_width] = std::from_chars(word.data(), end, size.width);
  const bool middle = bad_width == std::errc() && x != end && *x == 'x';
  const auto [stop, bad_height] = std::from_chars(middle ? x + 1 : end, end, size.height);
  constexpr std::size_t kMost = 1 << 16;
  const bool good = middle && bad_height == std::errc() && stop == end && size.width && size.height;
  if (!good || size.width > kMost || size.height > kMost)
    throw UsageError("--{} is '{}', expected WIDTHxHEIGHT, each 1 to {}", option, word, kMost);
  return size;
}

char parse_delimiter(const std::string& word) {
  if (word.empty()) return 0;
  if (word == "tab" || word == "\\t") return '\t';
  if (word == "space") return ' ';
  if (word.size() != 1 || word[0] == '"' || word[0] == '\n')
    throw UsageError("--delimiter is '{}', expected one character, tab or space", word);
  return word[0];
}

Args parse(Cli& cli) {
  Args args;
  ImportOptions& o = args.import;
  cli.usage("[options] [PATH...]", "Turn foreign formats into an HDF5 file of samples.");
  cli.choice("kind", o.kind,
             {{"guess", ImportKind::guess},
              {"idx", ImportKind::idx},
              {"cifar10", ImportKind::cifar10},
              {"cifar100", ImportKind::cifar100},
              {"stl10", ImportKind::stl10},
              {"npy", ImportKind::npy},
              {"npz", ImportKind::npz},
              {"table", ImportKind::table},
              {"words", ImportKind::words},
              {"mat", ImportKind::mat},
              {"images", ImportKind::images}},
             "what the input is");
  cli.text("test", o.test, "test samples, of a file or folder of their own", "FILE");
  cli.text("label", o.table.label, "classes: column of a table (name, number or last), array of an NPZ or MAT file",
           "NAME");
  cli.text("label-file", o.label_file, "classes of the samples, one each: IDX, NPY or lines of text", "FILE");
  cli.text("test-label-file", o.test_label_file, "the same for --test", "FILE");
  cli.text("label-pattern", o.label_pattern, "class of an image: first group of this pattern in its name", "REGEX");
  cli.count("label-every", o.label_every, "this many samples in a row make a class; 0 is off");
  cli.text("id", o.table.id, "column of the ids: name, number or last", "NAME");
  cli.choice("header", o.table.header, {{"guess", Header::guess}, {"yes", Header::yes}, {"no", Header::no}},
             "is the first row of a table its header?");
  cli.text("delimiter", args.delimiter, "between the columns of a table: one character, tab or space; else guessed",
           "CHAR");
  cli.flag("allow-nan", o.table.allow_nan, "let missing values, NaN and infinity pass");
  cli.text("variable", o.variable, "array of samples in an NPZ or MAT file", "NAME");
  cli.choice("samples", o.samples,
             {{"guess", SamplesIn::guess}, {"rows", SamplesIn::rows}, {"columns", SamplesIn::columns}},
             "where a MATLAB matrix has its samples");
  cli.choice("channels", o.axes, {{"guess", Axes::guess}, {"first", Axes::as_they_are}, {"last", Axes::channels_last}},
             "axis of the colours in NPY and NPZ images");
  cli.text("image", args.image, "flat samples of an array or a table are images of this size", "WxH");
  cli.text("resize", args.resize, "bring images to this size", "WxH");
  cli.choice("color", o.pictures.color, {{"as-is", Color::as_is}, {"grey", Color::grey}, {"rgb", Color::rgb}},
             "channels of images");
  cli.flag("skip-broken", o.pictures.skip_broken, "pass over images that cannot be decoded");
  cli.flag("coarse", o.coarse, "CIFAR-100: the 20 coarse classes");
  cli.flag("unlabelled", o.unlabelled, "STL-10: the unlabelled images too");
  cli.output();
  cli.parse(true);
  o.table.delimiter = parse_delimiter(args.delimiter);
  o.image = parse_size("image", args.image);
  o.pictures.size = parse_size("resize", args.resize);
  return args;
}

std::string describe(const ImportSummary& s) {
  std::string line = fmt::format("{} samples", s.training);
  if (s.test) line += fmt::format(" and {} for test", s.test);
  line += fmt::format(", {} {}", fmt::join(s.shape, " x "), s.is_u8 ? "uint8" : "float32");
  if (s.classes) line += fmt::format(", {} classes", s.classes);
  const std::size_t unknown = s.training + s.test - s.labelled;
  if (s.classes && unknown) line += fmt::format(", {} samples of unknown class", unknown);
  return line;
}

int run(Cli& cli) {
  const Args args = parse(cli);
  const Control control = cli.control();
  const std::vector<std::string> paths = cli.operands().empty() ? std::vector<std::string>{"-"} : cli.operands();
  const Stage stage(control, "import");
  Import import = open_import(paths, args.import, control);
  Output output(cli.output_path());
  const ImportSummary summary = write_import(std::move(import), output.file(), is_held_in_memory(cli.output_path()),
                                             args.import.table.allow_nan, control);
  output.add_history(cli.history());
  output.commit();
  control.say(describe(summary));
  return kDone;
}

}  // namespace

int main(int argc, char** argv) { return tool_main("tensor-import", argc, argv, run); }
