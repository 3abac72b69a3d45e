// tensor-export: a dataset of a sample file as CSV, TSV or NPY
#include "cli/tool.h"
#include "import/exporter.h"

using namespace espalier;

namespace {

enum class Wanted { by_suffix, csv, tsv, npy };

struct Args {
  ExportOptions options;
  std::string dataset, labels;
  bool label_column = false, id_column = false;
};

ExportFormat format_of(Wanted wanted, const std::string& path) {
  if (wanted == Wanted::csv) return ExportFormat::csv;
  if (wanted == Wanted::tsv) return ExportFormat::tsv;
  if (wanted == Wanted::npy) return ExportFormat::npy;
  if (path.ends_with(".tsv")) return ExportFormat::tsv;
  if (path.ends_with(".npy")) return ExportFormat::npy;
  if (path.empty() || path == "-" || path.ends_with(".csv")) return ExportFormat::csv;
  throw UsageError("{} ends in neither .csv, .tsv nor .npy: name the format (--format)", path);
}

Args parse(Cli& cli) {
  Args args;
  Wanted format = Wanted::by_suffix;
  bool no_header = false;
  cli.usage("[options] [FILE]", "Write a dataset of a sample file as CSV, TSV or NPY.");
  cli.text("dataset", args.dataset, "what to write: embedding, labels, ...; the samples by default", "PATH");
  cli.choice("format", format,
             {{"by-suffix", Wanted::by_suffix}, {"csv", Wanted::csv}, {"tsv", Wanted::tsv}, {"npy", Wanted::npy}},
             "of the output; CSV on standard output");
  cli.flag("label-column", args.label_column, "the class of each row as the last column");
  cli.text("labels", args.labels, "where the labels are; implies --label-column", "PATH");
  cli.flag("id-column", args.id_column, "the id of each row as the first column");
  cli.flag("no-header", no_header, "leave out the names of the columns");
  cli.output();
  cli.parse();
  args.options.header = !no_header;
  args.options.format = format_of(format, cli.output_path());
  if (no_header && args.options.format == ExportFormat::npy) throw UsageError("--no-header has no effect with NPY");
  args.label_column = args.label_column || !args.labels.empty();
  return args;
}

/// The one dense dataset of samples that the file has by convention.
std::string samples_path(const SampleFile& samples) {
  const std::vector<DataPart>& parts = samples.layout().data;
  if (parts.size() != 1)
    throw DataError(samples.name(), "", "holds {} datasets of samples: name one (--dataset)", parts.size());
  return parts[0].path;
}

void read_columns(const SampleFile& samples, Args& args) {
  if (args.label_column) {
    const std::optional<Labels> labels = samples.read_labels();
    if (!labels) throw DataError(samples.name(), "", "holds no labels");
    args.options.labels = label_texts(*labels);
  }
  if (!args.id_column) return;
  args.options.ids = samples.read_ids();
  if (args.options.ids.empty()) throw DataError(samples.name(), "", "holds no ids");
}

void write(const H5File& file, const std::string& dataset, const Args& args, Cli& cli) {
  ByteOutput output(cli.output_path());
  export_dataset(file, dataset, args.options, output, cli.control());
  output.commit();
}

int run(Cli& cli) {
  Args args = parse(cli);
  // Only columns and the default need to know what a file's samples are; any file has datasets.
  if (!args.dataset.empty() && !args.label_column && !args.id_column) {
    write(H5File::open(cli.input()), args.dataset, args, cli);
    return kDone;
  }
  const SampleFile samples = SampleFile::open(cli.input(), {"", args.labels}, {});
  read_columns(samples, args);
  write(samples.file(), args.dataset.empty() ? samples_path(samples) : args.dataset, args, cli);
  return kDone;
}

}  // namespace

int main(int argc, char** argv) { return tool_main("tensor-export", argc, argv, run); }
