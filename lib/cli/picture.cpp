#include "cli/picture.h"

#include <unistd.h>

#include "base/error.h"
#include "h5/output.h"

namespace espalier {

namespace {

bool to_stdout(const Cli& cli) { return cli.output_path().empty() || cli.output_path() == "-"; }

}  // namespace

PictureOutput::PictureOutput(Cli& cli, PictureOptions& options) : cli_(cli), options_(options) {
  cli.text("title", options.title, "above the panels");
  cli.count("columns", options.columns, "panels side by side; 0: by their number", 0, 100);
  cli.real("width", options.width, "of the picture, mm", 20, 2000);
  cli.real("dpi", options.dpi, "pixels per inch", 20, 2400);
  cli.real("text-size", options.text_size, "points", 4, 40);
  cli.choice("background", background_, {{"white", Background::white}, {"transparent", Background::transparent}},
             "behind everything");
  cli.choice("format", wanted_,
             {{"by-suffix", Wanted::by_suffix}, {"png", Wanted::png}, {"svg", Wanted::svg}, {"pdf", Wanted::pdf}},
             "of the picture; on standard output PNG");
  cli.output();
}

void PictureOutput::settle() {
  options_.transparent = background_ == Background::transparent;
  options_.format = format();
  if (to_stdout(cli_) && ::isatty(STDOUT_FILENO)) throw UsageError("a picture is not for a terminal: give -o FILE");
}

PictureFormat PictureOutput::format() const {
  const std::string& path = cli_.output_path();
  if (wanted_ == Wanted::png || (wanted_ == Wanted::by_suffix && to_stdout(cli_))) return PictureFormat::png;
  if (wanted_ == Wanted::svg || (wanted_ == Wanted::by_suffix && path.ends_with(".svg"))) return PictureFormat::svg;
  if (wanted_ == Wanted::pdf || (wanted_ == Wanted::by_suffix && path.ends_with(".pdf"))) return PictureFormat::pdf;
  if (path.ends_with(".png")) return PictureFormat::png;
  throw UsageError("{} ends in neither .png, .svg nor .pdf: say --format", path);
}

void write_picture(Cli& cli, const std::vector<std::uint8_t>& picture) {
  const std::string bytes(picture.begin(), picture.end());
  if (to_stdout(cli))
    cli.print(bytes);
  else
    write_file_atomically(cli.output_path(), bytes);
}

}  // namespace espalier
