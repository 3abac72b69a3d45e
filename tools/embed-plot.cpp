// embed-plot: draw embeddings, one or a panel per q, as PNG, SVG or PDF
#include <unistd.h>

#include "cli/tool.h"
#include "h5/output.h"
#include "plot/source.h"

using namespace espalier;

namespace {

enum class Wanted { by_suffix, png, svg, pdf };
enum class Background { white, transparent };

struct Args {
  MapSelection selection;
  ScatterOptions options;
};

PictureFormat format_of(Wanted wanted, const std::string& path) {
  if (wanted == Wanted::png || (wanted == Wanted::by_suffix && (path.empty() || path == "-")))
    return PictureFormat::png;
  if (wanted == Wanted::svg || (wanted == Wanted::by_suffix && path.ends_with(".svg"))) return PictureFormat::svg;
  if (wanted == Wanted::pdf || (wanted == Wanted::by_suffix && path.ends_with(".pdf"))) return PictureFormat::pdf;
  if (path.ends_with(".png")) return PictureFormat::png;
  throw UsageError("{} ends in neither .png, .svg nor .pdf: say --format", path);
}

/// Options that contradict each other, or that would have no effect, are refused before anything is read.
void refuse_contradictions(const Cli& cli, const ScatterOptions& o) {
  const auto refuse = [&](const char* option, bool idle, const char* why) {
    if (idle && cli.given(option)) throw UsageError("--{} {}", option, why);
  };
  refuse("labels", cli.given("values"), "and --values both colour the points: give one of them");
  refuse("annotate", cli.given("values"), "writes names of classes; --values colours by numbers");
  refuse("annotate", o.ids, "and --ids both write on the map: give one of them");
  refuse("ids", o.thumbnails, "names points, and --thumbnails draws none");
  refuse("point-size", o.thumbnails, "is for points, and --thumbnails draws none");
  refuse("opacity", o.thumbnails, "is for points, and --thumbnails draws none");
  refuse("thumbnail-size", !o.thumbnails, "is for --thumbnails");
  refuse("legend", cli.given("values") && o.legend == LegendPlace::below,
         "below is for classes: a colour bar stands right");
  if (cli.given("vector-limit") && o.format == PictureFormat::png)
    throw UsageError("--vector-limit is for SVG and PDF: in PNG everything is pixels");
}

Args parse(Cli& cli) {
  Args args;
  ScatterOptions& o = args.options;
  Wanted wanted = Wanted::by_suffix;
  Background background = Background::white;
  std::vector<double> view = {o.view.azimuth, o.view.elevation};
  cli.usage("[options] [-o FILE] [FILE]", "Draw embeddings, one or a panel per q, as PNG, SVG or PDF.");
  cli.text("embedding", args.selection.embedding, "where the map is in the file", "PATH");
  cli.text("labels", args.selection.samples.labels, "where the labels are in the file", "PATH");
  cli.text("values", args.selection.values, "colour by these numbers instead, with a colour bar", "PATH");
  cli.text("dataset", args.selection.samples.dataset, "where the samples are in the file", "PATH");
  cli.choice("split", args.selection.samples.split,
             {{"all", SplitPart::all}, {"train", SplitPart::train}, {"test", SplitPart::test}},
             "which samples to take");
  cli.flag("thumbnails", args.selection.images, "show samples as images on the map");
  cli.real("thumbnail-size", o.thumbnail_size, "longer side of an image, mm", 1, 100);
  cli.flag("annotate", o.annotate, "write class names on the map, in place of a legend");
  cli.flag("ids", o.ids, "write names of samples at their points, as many as find room");
  cli.choice("legend", o.legend,
             {{"automatic", LegendPlace::automatic},
              {"right", LegendPlace::right},
              {"below", LegendPlace::below},
              {"none", LegendPlace::none}},
             "where the legend stands");
  cli.text("title", o.title, "above the panels");
  cli.count("columns", o.columns, "panels side by side; 0: by their number", 0, 100);
  cli.real("width", o.width, "of the picture, mm", 20, 2000);
  cli.real("height", o.height, "of the picture, mm; 0: follows from the shape of the maps", 0, 2000);
  cli.real("dpi", o.dpi, "pixels per inch", 20, 2400);
  cli.real("text-size", o.text_size, "points", 4, 40);
  cli.real("point-size", o.point_size, "diameter, mm; 0: by number and density", 0, 20);
  cli.real("opacity", o.opacity, "of a point, to 1; 0: by number and density", 0, 1);
  cli.list("view", view, "azimuth,elevation of 3-dimensional maps, degrees", -360, 360);
  cli.choice("background", background, {{"white", Background::white}, {"transparent", Background::transparent}},
             "behind everything");
  cli.count("vector-limit", o.vector_limit, "panels of more points are pixels in SVG and PDF");
  cli.choice("format", wanted,
             {{"by-suffix", Wanted::by_suffix}, {"png", Wanted::png}, {"svg", Wanted::svg}, {"pdf", Wanted::pdf}},
             "of the picture; on standard output PNG");
  cli.output();
  cli.parse();
  if (view.size() != 2) throw UsageError("--view takes two numbers: azimuth,elevation");
  o.view = {view[0], view[1]};
  o.thumbnails = args.selection.images;
  args.selection.ids = o.ids;
  o.transparent = background == Background::transparent;
  o.format = format_of(wanted, cli.output_path());
  refuse_contradictions(cli, o);
  return args;
}

/// Likewise what this file gives no occasion for.
void refuse_what_is_missing(const Cli& cli, const ScatterInput& input, const ScatterOptions& o) {
  const std::string name = cli.input() == "-" ? "standard input" : cli.input();
  const std::size_t dimensions = input.panels[0].coordinates->cols();
  if (cli.given("view") && dimensions < 3)
    throw UsageError("--view is for maps of 3 dimensions, that of {} has {}", name, dimensions);
  if (o.annotate && input.labels.empty())
    throw UsageError("--annotate writes names of classes, but no labels are found in {}: name them with --labels",
                     name);
  if ((o.legend == LegendPlace::right || o.legend == LegendPlace::below) && input.labels.empty() &&
      input.values.empty())
    throw UsageError("--legend is for classes, but no labels are found in {}: name them with --labels", name);
}

int run(Cli& cli) {
  const Args args = parse(cli);
  const bool to_stdout = cli.output_path().empty() || cli.output_path() == "-";
  if (to_stdout && ::isatty(STDOUT_FILENO)) throw UsageError("a picture is not for a terminal: give -o FILE");
  const MapSource source(cli.input(), args.selection, cli.control());
  const ScatterInput input = source.input();
  refuse_what_is_missing(cli, input, args.options);
  const std::vector<std::uint8_t> picture = draw_scatter(input, args.options);
  const std::string bytes(picture.begin(), picture.end());
  if (to_stdout)
    cli.print(bytes);
  else
    write_file_atomically(cli.output_path(), bytes);
  return kDone;
}

}  // namespace

int main(int argc, char** argv) { return tool_main("embed-plot", argc, argv, run); }
