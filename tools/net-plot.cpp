// net-plot: pictures of networks: kernels and their zeros, channels before and after, curves of training logs
#include "base/need.h"
#include "cli/picture.h"
#include "cli/tool.h"
#include "h5/network.h"
#include "plot/curves.h"
#include "plot/kernels.h"
#include "plot/widths.h"

using namespace espalier;

namespace {

struct Args {
  std::vector<std::string> logs, compared;
  NormSelection selection;
  Scale scale = Scale::automatic;
  KernelOptions kernels;
  CurveOptions curves;
};

std::vector<std::string> words_of(const Cli& cli, const char* option, const std::string& list) {
  std::vector<std::string> words;
  for (std::size_t begin = 0; cli.given(option) && begin <= list.size();) {
    const std::size_t comma = std::min(list.find(',', begin), list.size());
    words.push_back(list.substr(begin, comma - begin));
    if (words.back().empty()) throw UsageError("--{} is '{}', expected names between commas", option, list);
    begin = comma + 1;
  }
  return words;
}

/// Options of another picture than the one that is drawn are refused before anything is read.
void refuse_contradictions(const Cli& cli, PictureFormat format) {
  const auto refuse = [&](bool idle, std::initializer_list<const char*> options, const char* why) {
    for (const char* option : options)
      if (idle && cli.given(option)) throw UsageError("--{} {}", option, why);
  };
  const bool logs = cli.given("log"), compares = cli.given("compare");
  refuse(logs, {"compare"}, "and --log are pictures of their own: give one of them");
  refuse(logs || compares, {"layers", "linear", "zero", "relative"}, "is for pictures of kernels");
  refuse(!logs, {"x-column", "y-columns", "x-scale"}, "is for --log");
  refuse(compares, {"scale"}, "is for kernels and --log: bars begin at 0");
  refuse((logs || compares) && format != PictureFormat::png, {"dpi"}, "is for pixels: this picture has none");
  refuse(cli.given("layers"), {"linear"}, "has no effect beside --layers, which may name any layer");
  if (logs && !cli.operands().empty()) throw UsageError("--log takes the place of a network: {}", cli.operands()[0]);
}

Args parse(Cli& cli) {
  Args args;
  PictureOptions options;
  std::string logs, compared, layers, columns;
  cli.usage("[options] [-o FILE] [NETWORK | --log FILE[,FILE...]]",
            "Draw the kernels of a network, its channels beside another's, or training logs.");
  cli.text("layers", layers, "draw the kernels of these layers only", "NAME[,NAME...]");
  cli.flag("linear", args.selection.linear, "draw linear layers too");
  cli.real("zero", args.kernels.zero, "kernels of a norm up to this count as zero", 0, 1e9);
  cli.flag("relative", args.kernels.relative, "colour by shares of the greatest norm of each layer");
  cli.text("compare", compared, "draw the channels of each layer, in NETWORK and in these", "FILE[,FILE...]");
  cli.text("log", logs, "draw columns of these tables as curves", "FILE[,FILE...]");
  cli.text("x,x-column", args.curves.x, "column along the axis; the first by default", "COLUMN");
  cli.text("y,y-columns", columns, "columns to draw; by default all that hold numbers", "COLUMN[,COLUMN...]");
  cli.choice("scale", args.scale,
             {{"automatic", Scale::automatic}, {"linear", Scale::linear}, {"log", Scale::logarithmic}},
             "of colours, or of curves; automatic: log for losses over decades, else linear");
  cli.choice("x-scale", args.curves.x_scale, {{"linear", Scale::automatic}, {"log", Scale::logarithmic}},
             "of the axis along");
  PictureOutput output(cli, options);
  cli.parse();
  output.settle();
  refuse_contradictions(cli, options.format);
  args.logs = words_of(cli, "log", logs);
  args.compared = words_of(cli, "compare", compared);
  args.selection.layers = words_of(cli, "layers", layers);
  args.curves.y = words_of(cli, "y-columns", columns);
  static_cast<PictureOptions&>(args.kernels) = static_cast<PictureOptions&>(args.curves) = options;
  args.kernels.scale = args.curves.scale = args.scale;
  return args;
}

std::vector<std::uint8_t> draw_logs(const Args& args, const Control& control) {
  std::vector<NumberTable> tables;
  for (const std::string& path : args.logs) tables.push_back(read_number_table(path));
  return draw_curves(tables, args.curves, control);
}

std::vector<std::uint8_t> draw_network(const Args& args, const std::string& path, const Control& control) {
  const H5File file = H5File::open(path);
  require_memory(control, {{"weights", 2 * double(file.bytes())}}, "draw it where there is more");
  const StoredNetwork network = read_network(file);
  if (args.compared.empty())
    return draw_kernels(kernel_norms(network.architecture, network.parameters, args.selection, file.name()),
                        args.kernels, control);
  std::vector<NetworkWidths> networks = {widths_of(network.architecture, file.name())};
  for (const std::string& other : args.compared) {
    const H5File compared = H5File::open(other);
    networks.push_back(widths_of(read_network(compared).architecture, compared.name()));
  }
  return draw_widths(networks, args.kernels, control);
}

int run(Cli& cli) {
  const Args args = parse(cli);
  const Control control = cli.control();
  write_picture(cli, args.logs.empty() ? draw_network(args, cli.input(), control) : draw_logs(args, control));
  return kDone;
}

}  // namespace

int main(int argc, char** argv) { return tool_main("net-plot", argc, argv, run); }
