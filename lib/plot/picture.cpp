#include "plot/picture.h"

#include <algorithm>

#include "base/need.h"

namespace espalier {

namespace {

double title_size(const PictureOptions& options) { return 1.25 * options.text_size; }

}  // namespace

double small_text(const PictureOptions& options) { return std::max(4.0, options.text_size - 1); }

Page page_of(const PictureOptions& options, double height, const Control& control, double beside) {
  constexpr double kOfPixel = 5;  // with what they are packed to
  Page page{options.format, options.width, height, options.dpi, options.transparent, options.title};
  const double pixels = options.format == PictureFormat::png ? kOfPixel * pixels_of(page) : 0;
  require_memory(control, {{"pixels", pixels}, {"drawing", beside}},
                 options.format == PictureFormat::png ? "lower --dpi or --width" : "draw fewer points");
  return page;
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
