#pragma once
/// The options of every tool that draws, and where its picture goes.

#include <cstdint>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "plot/picture.h"

namespace espalier {

/// To be made before Cli::parse, and to be settled after it.
class PictureOutput {
 public:
  /// Declares --title, --columns, --width, --dpi, --text-size, --background, --format and -o.
  PictureOutput(Cli&, PictureOptions&);
  PictureOutput(const PictureOutput&) = delete;

  /// Fills in the format and the background. UsageError where the suffix of -o says no format, and for a terminal.
  void settle();

 private:
  enum class Wanted { by_suffix, png, svg, pdf };
  enum class Background { white, transparent };
  PictureFormat format() const;

  Cli& cli_;
  PictureOptions& options_;
  Wanted wanted_ = Wanted::by_suffix;
  Background background_ = Background::white;
};

/// Writes the picture to -o, whole or not at all, or to standard output.
void write_picture(Cli&, const std::vector<std::uint8_t>& picture);

}  // namespace espalier
