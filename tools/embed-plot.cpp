// embed-plot: draw embeddings, one or a panel per q, as PNG, SVG or PDF
#include <optional>

#include "base/stage.h"
#include "cli/picture.h"
#include "cli/tool.h"
#include "plot/source.h"

using namespace espalier;

namespace {

struct Args {
  MapSelection selection;
  ScatterOptions options;
};

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
  cli.real("height", o.height, "of the picture, mm; 0: follows from the shape of the maps", 0, 2000);
  cli.real("point-size", o.point_size, "diameter, mm; 0: by number and density", 0, 20);
  cli.real("opacity", o.opacity, "of a point, to 1; 0: by number and density", 0, 1);
  cli.list("view", view, "azimuth,elevation of 3-dimensional maps, degrees", -360, 360);
  cli.count("vector-limit", o.vector_limit, "panels of more points are pixels in SVG and PDF");
  PictureOutput output(cli, o);
  cli.parse();
  if (view.size() != 2) throw UsageError("--view takes two numbers: azimuth,elevation");
  o.view = {view[0], view[1]};
  o.thumbnails = args.selection.images;
  args.selection.ids = o.ids;
  output.settle();
  refuse_contradictions(cli, o);
  return args;
}

/// Likewise what this file gives no occasion for.
void refuse_what_is_missing(const Cli& cli, const ScatterInput& input, const ScatterOptions& o) {
  const std::string name = cli.input() == "-" ? "standard input" : cli.input();
  const std::size_t dimensions = input.panels[0].coordinates->cols();
  if (std::size_t(o.columns) > input.panels.size())
    throw UsageError("--columns is {}, {} holds {} map{}", o.columns, name, input.panels.size(),
                     input.panels.size() == 1 ? "" : "s");
  const bool vectors = o.thumbnails || input.panels[0].coordinates->rows() <= std::size_t(o.vector_limit);
  if (cli.given("dpi") && o.format != PictureFormat::png && vectors)
    throw UsageError("--dpi is for pixels: this {} has none", o.format == PictureFormat::svg ? "SVG" : "PDF");
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
  const Control control = cli.control();
  std::optional<Stage> stage(std::in_place, control, "read");
  const MapSource source(cli.input(), args.selection, control);
  const ScatterInput input = source.input();
  refuse_what_is_missing(cli, input, args.options);
  stage.emplace(control, "draw");
  write_picture(cli, draw_scatter(input, args.options, control));
  return kDone;
}

}  // namespace

int main(int argc, char** argv) { return tool_main("embed-plot", argc, argv, run); }
