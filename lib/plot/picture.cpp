#include "plot/picture.h"

#include <algorithm>

namespace espalier {

namespace {

double title_size(const PictureOptions& options) { return 1.25 * options.text_size; }

}  // namespace

double small_text(const PictureOptions& options) { return std::max(4.0, options.text_size - 1); }

Page page_of(const PictureOptions& options, double height) {
  return {options.format, options.width, height, options.dpi, options.transparent, options.title};
}

double title_height(const PictureOptions& options) {
  return options.title.empty() ? 0 : title_size(options) * kPoint * 1.9;
}

void draw_title(Canvas& canvas, const PictureOptions& options) {
  if (options.title.empty()) return;
  const double size = title_size(options);
  canvas.text({options.width / 2, kMargin + size * kPoint * 0.75},
              shortened(options.title, options.width - 2 * kMargin, size), {.points = size, .align = Align::centre});
}

}  // namespace espalier
