#include "plot/canvas.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <cairo.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <new>

#include "base/error.h"

namespace espalier {

namespace {

using Bytes = std::vector<std::uint8_t>;

struct SurfaceDeleter {
  void operator()(cairo_surface_t* s) const { cairo_surface_destroy(s); }
};
struct ContextDeleter {
  void operator()(cairo_t* c) const { cairo_destroy(c); }
};
using Surface = std::unique_ptr<cairo_surface_t, SurfaceDeleter>;
using Context = std::unique_ptr<cairo_t, ContextDeleter>;

constexpr double kPointsPerMm = 72 / 25.4;
constexpr double kMostPixels = 32767;
constexpr double kCapitalHeight = 0.72;  // of the size, in the common sans-serif fonts

cairo_status_t append(void* closure, const unsigned char* data, unsigned int size) {
  auto& out = *static_cast<Bytes*>(closure);
  out.insert(out.end(), data, data + size);
  return CAIRO_STATUS_SUCCESS;
}

void require_success(cairo_status_t status) {
  if (status == CAIRO_STATUS_NO_MEMORY) throw std::bad_alloc();
  if (status != CAIRO_STATUS_SUCCESS) throw BugError("Cairo: {}", cairo_status_to_string(status));
}

void set_colour(cairo_t* cr, Colour c, double opacity = 1) {
  cairo_set_source_rgba(cr, c.red / 255.0, c.green / 255.0, c.blue / 255.0, opacity);
}

/// No hinting, so that text is as wide in every format and at every resolution.
void set_font(cairo_t* cr, double points, bool bold) {
  cairo_select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                         bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(cr, points * kPoint);
  cairo_font_options_t* options = cairo_font_options_create();
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
  cairo_set_font_options(cr, options);
  cairo_font_options_destroy(options);
}

double advance(cairo_t* cr, const std::string& text) {
  cairo_text_extents_t extents;
  cairo_text_extents(cr, text.c_str(), &extents);
  return extents.x_advance;
}

/// Length of the UTF-8 sequence at `s`, 0 where it is malformed, overlong, a surrogate or past U+10FFFF.
std::size_t sequence_length(const char* s, std::size_t left) {
  const auto byte = [&](std::size_t i) { return i < left ? static_cast<unsigned char>(s[i]) : 0; };
  const unsigned first = byte(0), second = byte(1);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
  if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
  return length;
}

std::string xml_escaped(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  return out;
}

/// An identifier that ends in a number, where text[i] begins its definition or a reference to it: `id="image3"`,
/// `href="#image3"`, `url(#image3)`.
struct Identifier {
  std::size_t begin = 0, digits = 0, end = 0;  ///< digits: where the number begins; all 0 where there is none
};

Identifier identifier_at(const std::string& text, std::size_t i) {
  for (const char* mark : {"id=\"", "href=\"#", "url(#"})
    if (text.compare(i, std::strlen(mark), mark) == 0) {
      const std::size_t begin = i + std::strlen(mark), end = std::min(text.find_first_of("\")", begin), text.size());
      const std::size_t last = text.find_last_not_of("0123456789", end - 1);
      if (last != std::string::npos && last >= begin && last + 1 < end) return {begin, last + 1, end};
    }
  return {};
}

/// Cairo numbers the images, masks and other parts of an SVG through the life of the process; here they are numbered
/// from 0 in each file, in the order in which they appear, and the title is put in.
Bytes settled_svg(const Bytes& in, const std::string& title) {
  const std::string text(in.begin(), in.end());
  std::map<std::string, std::vector<std::string>> seen;  // the numbers met, by what stands before them
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const Identifier found = identifier_at(text, i);
    if (found.end == 0) {
      out += text[i++];
      continue;
    }
    const std::string number = text.substr(found.digits, found.end - found.digits);
    std::vector<std::string>& numbers = seen[text.substr(found.begin, found.digits - found.begin)];
    const auto at = std::find(numbers.begin(), numbers.end(), number) - numbers.begin();
    if (std::size_t(at) == numbers.size()) numbers.push_back(number);
    out += text.substr(i, found.digits - i) + std::to_string(at);
    i = found.end;
  }
  const std::size_t root = out.find("<svg"), body = root == std::string::npos ? root : out.find('>', root);
  if (body == std::string::npos) throw BugError("Cairo wrote an SVG without a root");
  if (!title.empty()) out.insert(body + 1, "\n<title>" + xml_escaped(title) + "</title>");
  return Bytes(out.begin(), out.end());
}

void append_big_endian(Bytes& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(std::uint8_t(value >> shift));
}

/// A pHYs chunk behind the header: Cairo does not store the resolution, and without it a page layout guesses the size.
void insert_resolution(Bytes& png, double dpi) {
  constexpr std::size_t header = 8 + 25;  // signature, IHDR
  Bytes chunk;
  append_big_endian(chunk, 9);
  for (const char c : {'p', 'H', 'Y', 's'}) chunk.push_back(std::uint8_t(c));
  const auto per_metre = std::uint32_t(std::lround(dpi / 0.0254));
  append_big_endian(chunk, per_metre);
  append_big_endian(chunk, per_metre);
  chunk.push_back(1);
  append_big_endian(chunk, std::uint32_t(crc32(0, chunk.data() + 4, unsigned(chunk.size() - 4))));
  png.insert(png.begin() + header, chunk.begin(), chunk.end());
}

}  // namespace

struct Canvas::State {
  Page page;
  Bytes out;
  Surface surface;
  Context cr;
};

double text_width(const std::string& text, double points, bool bold) {
  const Surface surface(cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1));
  const Context cr(cairo_create(surface.get()));
  // Measured large: glyph advances are then free of rounding to the scratch surface's pixels.
  cairo_scale(cr.get(), 100, 100);
  set_font(cr.get(), points, bold);
  const double width = advance(cr.get(), printable(text));
  require_success(cairo_status(cr.get()));
  return width;
}

std::string shortened(const std::string& text, double width, double points) {
  if (text_width(text, points) <= width) return text;
  std::string head = printable(text);
  do {
    while (!head.empty() && (head.back() & 0xC0) == 0x80) head.pop_back();  // the tail of a character
    if (!head.empty()) head.pop_back();
  } while (!head.empty() && text_width(head + "…", points) > width);
  while (!head.empty() && head.back() == ' ') head.pop_back();
  return head + "…";
}

std::string printable(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = sequence_length(text.data() + i, text.size() - i);
    const auto byte = static_cast<unsigned char>(text[i]);
    if (length == 0)
      out += "\uFFFD";
    else if (byte < 0x20 || byte == 0x7F)
      out += ' ';
    else
      out.append(text, i, length);
    i += std::max<std::size_t>(1, length);
  }
  return out;
}

double pixels_of(const Page& page) {
  const double width = page.width * page.dpi / 25.4, height = page.height * page.dpi / 25.4;
  if (page.format == PictureFormat::png && !(std::max(width, height) < kMostPixels))
    throw UsageError("a picture of {:.0f} x {:.0f} pixels is too large: PNG takes {:.0f} a side", width, height,
                     kMostPixels);
  return width * height;
}

Canvas::Canvas(const Page& page) : state_(std::make_unique<State>()) {
  state_->page = page;
  state_->page.title = printable(page.title);
  const double scale = page.format == PictureFormat::png ? page.dpi / 25.4 : kPointsPerMm;
  const double width = page.width * scale, height = page.height * scale;
  cairo_surface_t* surface = nullptr;
  if (page.format == PictureFormat::png) {
    pixels_of(page);
    surface = cairo_image_surface_create(page.transparent ? CAIRO_FORMAT_ARGB32 : CAIRO_FORMAT_RGB24,
                                         std::max(1, int(std::lround(width))), std::max(1, int(std::lround(height))));
  } else if (page.format == PictureFormat::svg) {
    surface = cairo_svg_surface_create_for_stream(append, &state_->out, width, height);
  } else {
    surface = cairo_pdf_surface_create_for_stream(append, &state_->out, width, height);
  }
  state_->surface.reset(surface);
  require_success(cairo_surface_status(surface));
  if (page.format == PictureFormat::pdf) {
    // Cairo would store the present time: an empty date stores none.
    // Later versions compress the title away from those who search for it.
    cairo_pdf_surface_restrict_to_version(surface, CAIRO_PDF_VERSION_1_4);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, "");
    if (!page.title.empty())
      cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, state_->page.title.c_str());
  }
  state_->cr.reset(cairo_create(surface));
  cairo_scale(state_->cr.get(), scale, scale);
  cairo_set_line_cap(state_->cr.get(), CAIRO_LINE_CAP_ROUND);
  cairo_set_line_join(state_->cr.get(), CAIRO_LINE_JOIN_ROUND);
  if (page.transparent) return;
  set_colour(state_->cr.get(), kWhite);
  cairo_paint(state_->cr.get());  // the whole surface: a rectangle would leave part of a last, broken pixel black
}

Canvas::~Canvas() = default;

void Canvas::line(Place from, Place to, Colour colour, double width) {
  cairo_t* cr = state_->cr.get();
  set_colour(cr, colour);
  cairo_set_line_width(cr, width);
  cairo_move_to(cr, from.x, from.y);
  cairo_line_to(cr, to.x, to.y);
  cairo_stroke(cr);
}

void Canvas::path(std::span<const Place> places, Colour colour, double width, std::span<const double> dashes) {
  cairo_t* cr = state_->cr.get();
  set_colour(cr, colour);
  cairo_set_line_width(cr, width);
  cairo_set_dash(cr, dashes.data(), int(dashes.size()), 0);
  if (!dashes.empty()) cairo_set_line_cap(cr, CAIRO_LINE_CAP_BUTT);  // round ends would fill the gaps
  cairo_new_path(cr);                                                // text leaves a current point behind
  for (const Place& place : places) cairo_line_to(cr, place.x, place.y);
  cairo_stroke(cr);
  cairo_set_dash(cr, nullptr, 0, 0);
  cairo_set_line_cap(cr, CAIRO_LINE_CAP_ROUND);
}

void Canvas::frame(const Box& box, Colour colour, double width) {
  cairo_t* cr = state_->cr.get();
  set_colour(cr, colour);
  cairo_set_line_width(cr, width);
  cairo_rectangle(cr, box.x, box.y, box.width, box.height);
  cairo_stroke(cr);
}

void Canvas::fill(const Box& box, Colour colour) {
  cairo_t* cr = state_->cr.get();
  set_colour(cr, colour);
  cairo_rectangle(cr, box.x, box.y, box.width, box.height);
  cairo_fill(cr);
}

/// A stroke of no length with round ends: a disc in a tenth of the bytes that four Bezier arcs take.
void Canvas::dot(Place centre, double radius, Colour colour, double opacity) {
  cairo_t* cr = state_->cr.get();
  set_colour(cr, colour, opacity);
  cairo_set_line_width(cr, 2 * radius);
  cairo_move_to(cr, centre.x, centre.y);
  cairo_line_to(cr, centre.x, centre.y);
  cairo_stroke(cr);
}

void Canvas::text(Place place, const std::string& raw, const TextStyle& style) {
  const std::string text = printable(raw);
  cairo_t* cr = state_->cr.get();
  const double share = style.align == Align::left ? 0 : style.align == Align::centre ? 0.5 : 1;
  const double x = place.x - share * text_width(text, style.points, style.bold);
  set_font(cr, style.points, style.bold);
  const double y = place.y + style.points * kPoint * kCapitalHeight / 2;
  if (style.halo > 0) {
    cairo_move_to(cr, x, y);
    cairo_text_path(cr, text.c_str());
    set_colour(cr, kWhite, 0.85);
    cairo_set_line_width(cr, 2 * style.halo);
    cairo_stroke(cr);
  }
  cairo_move_to(cr, x, y);
  set_colour(cr, style.colour);
  cairo_show_text(cr, text.c_str());
}

void Canvas::image(const Box& box, const Pixels& pixels, bool exact) {
  if (pixels.width == 0 || pixels.height == 0) return;
  const Surface surface(cairo_image_surface_create(CAIRO_FORMAT_ARGB32, int(pixels.width), int(pixels.height)));
  require_success(cairo_surface_status(surface.get()));
  unsigned char* data = cairo_image_surface_get_data(surface.get());
  const std::size_t stride = std::size_t(cairo_image_surface_get_stride(surface.get()));
  for (std::size_t y = 0; y < pixels.height; ++y)
    for (std::size_t x = 0; x < pixels.width; ++x) {
      const std::uint8_t* p = pixels.rgba.data() + 4 * (y * pixels.width + x);
      const std::uint32_t word =
          std::uint32_t(p[3]) << 24 | std::uint32_t(p[0]) << 16 | std::uint32_t(p[1]) << 8 | p[2];
      std::memcpy(data + y * stride + 4 * x, &word, 4);
    }
  cairo_surface_mark_dirty(surface.get());
  cairo_t* cr = state_->cr.get();
  cairo_save(cr);
  cairo_translate(cr, box.x, box.y);
  cairo_scale(cr, box.width / double(pixels.width), box.height / double(pixels.height));
  cairo_set_source_surface(cr, surface.get(), 0, 0);
  cairo_pattern_set_filter(cairo_get_source(cr), exact ? CAIRO_FILTER_NEAREST : CAIRO_FILTER_GOOD);
  // Smoothing a PNG's thumbnail would otherwise fade its border; the viewers of SVG and PDF see to that themselves.
  if (!exact && state_->page.format == PictureFormat::png)
    cairo_pattern_set_extend(cairo_get_source(cr), CAIRO_EXTEND_PAD);
  cairo_rectangle(cr, 0, 0, double(pixels.width), double(pixels.height));
  cairo_fill(cr);
  cairo_restore(cr);
}

std::vector<std::uint8_t> Canvas::bytes() {
  require_success(cairo_status(state_->cr.get()));
  const bool png = state_->page.format == PictureFormat::png;
  if (png) require_success(cairo_surface_write_to_png_stream(state_->surface.get(), append, &state_->out));
  cairo_surface_finish(state_->surface.get());
  if (!png) require_success(cairo_surface_status(state_->surface.get()));
  if (png) insert_resolution(state_->out, state_->page.dpi);
  if (state_->page.format == PictureFormat::svg) return settled_svg(state_->out, state_->page.title);
  return std::move(state_->out);
}

}  // namespace espalier
