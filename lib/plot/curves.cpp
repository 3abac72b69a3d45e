#include "plot/curves.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include "base/error.h"
#include "plot/legend.h"

namespace espalier {

namespace {

// Lengths in mm.
constexpr double kGap = 5;  // between panels
constexpr double kLegendGap = 3;
constexpr double kLine = 0.35;
constexpr double kDot = 0.55;       // radius
constexpr double kSample = 3.5;     // length of a line in a key
constexpr double kSampleGap = 0.8;  // between it and its name
constexpr double kKeyGap = 1.8;     // between names
constexpr double kFlatness = 0.62;  // height over width of the frame
constexpr double kLeastPanel = 15;
constexpr std::size_t kFewPoints = 40;

/// What net-train and sparsify log, and how it is shown. Panels stand in this order.
struct KnownColumn {
  const char *name, *panel, *label;
};
constexpr KnownColumn kKnown[] = {
    {"accuracy", "accuracy", "training"},
    {"validation_accuracy", "accuracy", "validation"},
    {"test_accuracy", "accuracy", "test"},
    {"loss", "loss", "training"},
    {"validation_loss", "loss", "validation"},
    {"test_loss", "loss", "test"},
    {"zero_weights", "share", "zero weights"},
    {"zero_kernels", "share", "zero kernels"},
    {"zero_inputs", "share", "zero inputs"},
    {"zero_outputs", "share", "zero outputs"},
    {"removable_parameters", "share", "removable parameters"},
    {"removable_macs", "share", "removable MACs"},
    {"rate", "rate", ""},
};

/// Patterns of the parts, aligned at the end: test unbroken, validation (or training, without one) dashed.
const std::vector<double> kDashes[] = {{0.5, 0.6}, {1.6, 0.8}, {}};

std::string x_column(std::span<const NumberTable> tables, const CurveOptions& options) {
  return options.x.empty() ? tables[0].columns[0].name : options.x;
}

bool has_numbers(const NumberTable& table, const std::string& column) {
  const NumberColumn* found = table.find(column);
  return found && found->numbers > 0;
}

/// The columns to draw, each once: those named, or all that hold numbers, what is known first.
std::vector<std::string> columns_to_draw(std::span<const NumberTable> tables, const std::string& x,
                                         const CurveOptions& options) {
  std::vector<std::string> all = options.y;
  if (all.empty()) {
    for (const KnownColumn& known : kKnown) all.emplace_back(known.name);
    for (const NumberTable& table : tables)
      for (const NumberColumn& column : table.columns) all.push_back(column.name);
    std::erase_if(all, [&](const std::string& name) {
      return name == x || std::none_of(tables.begin(), tables.end(), [&](auto& t) { return has_numbers(t, name); });
    });
  }
  std::vector<std::string> once;
  for (const std::string& name : all)
    if (std::find(once.begin(), once.end(), name) == once.end()) once.push_back(name);
  return once;
}

/// With several tables the shares have a panel each: colour and dashes could not tell them apart.
KnownColumn place_of(const std::string& column, bool several) {
  for (const KnownColumn& known : kKnown)
    if (column == known.name && !(several && known.panel == std::string("share"))) return known;
  return {column.c_str(), column.c_str(), ""};
}

std::string without_folder(const std::string& path) { return path.substr(path.rfind('/') + 1); }

/// File names, without folders where that leaves them different.
std::vector<std::string> short_names(std::span<const NumberTable> tables) {
  std::vector<std::string> names;
  std::set<std::string> different;
  for (const NumberTable& table : tables) different.insert(names.emplace_back(without_folder(table.name)));
  if (different.size() < tables.size())
    for (std::size_t i = 0; i < tables.size(); ++i) names[i] = tables[i].name;
  return names;
}

/// What a curve looks like.
struct Style {
  Colour colour;
  std::span<const double> dashes;
};

class Painter {
 public:
  Painter(std::span<const NumberTable> tables, const CurveOptions& options)
      : options_(options),
        panels_(curve_panels(tables, options)),
        several_(tables.size() > 1),
        x_name_(x_column(tables, options)) {
    small_ = small_text(options);
    columns_ = options.columns > 0 ? std::size_t(options.columns) : panels_.size() == 3 || panels_.size() > 4 ? 3 : 2;
    columns_ = std::min(columns_, panels_.size());
    std::size_t parts = 0;
    for (const CurvePanel& panel : panels_) parts = std::max(parts, panel.labels.size());
    colours_ = class_palette(several_ ? tables.size() : parts);
    for (const CurvePanel& panel : panels_) axes_.push_back(axes_of(panel));
    if (several_) name_tables(short_names(tables));
    place();
  }

  std::vector<std::uint8_t> draw(const Control& control) const {
    Canvas canvas(page_of(options_, height_, control));
    draw_title(canvas, options_);
    for (std::size_t k = 0; k < panels_.size(); ++k) {
      draw_head(canvas, k);
      draw_axes(canvas, boxes_[k], axes_[k]);
      for (const Curve& curve : panels_[k].curves) draw_curve(canvas, k, curve);
    }
    if (several_) draw_legend(canvas, legend_, {legend_left(), height_ - kMargin - legend_.height});
    return canvas.bytes();
  }

 private:
  AxesStyle axes_of(const CurvePanel& panel) const {
    std::vector<double> x, y;
    for (const Curve& curve : panel.curves) {
      x.insert(x.end(), curve.x.begin(), curve.x.end());
      y.insert(y.end(), curve.y.begin(), curve.y.end());
    }
    const bool decades = options_.scale == Scale::automatic && panel.is_loss && spans_decades(y);
    Axis across = axis_over(x, options_.x_scale);
    return {across, axis_over(y, decades ? Scale::logarithmic : options_.scale), x_name_, small_};
  }

  void name_tables(const std::vector<std::string>& names) {
    std::vector<LegendEntry> entries;
    for (std::size_t i = 0; i < names.size(); ++i) entries.push_back({colours_[i], names[i]});
    const double width = options_.width - 2 * kMargin;
    legend_ = plan_legend(entries, width, width / 3, options_.text_size, true);
  }

  double legend_left() const { return std::max(kMargin, (options_.width - legend_.width) / 2); }

  /// Frames of one size, as far left as the widest numbers allow; the keys above a row have as many lines as the
  /// longest needs.
  void place() {
    double left = 0;
    for (const AxesStyle& axes : axes_) left = std::max(left, axes_left(axes));
    const double below = axes_below(axes_[0]);
    const double cell = (options_.width - 2 * kMargin - double(columns_ - 1) * kGap) / double(columns_);
    const double width = cell - left - 1, frame = kFlatness * width;  // the last number of x may stand out by 1 mm
    if (!(width >= kLeastPanel))
      throw UsageError("a picture of this width leaves {:.0f} mm for a panel: enlarge it, or lower --columns",
                       std::max(0.0, width));
    double y = kMargin + title_height(options_);
    for (std::size_t first = 0; first < panels_.size(); first += columns_) {
      const std::size_t end = std::min(first + columns_, panels_.size());
      double head = 0;
      for (std::size_t k = first; k < end; ++k) head = std::max(head, head_height(k, width));
      for (std::size_t k = first; k < end; ++k)
        boxes_.push_back({kMargin + left + double(k - first) * (cell + kGap), y + head, width, frame});
      y += head + frame + below + kGap / 2;
    }
    height_ = y - kGap / 2 + (several_ ? kLegendGap + legend_.height : 0) + kMargin;
  }

  Style style_of(const CurvePanel& panel, std::size_t table, std::size_t part) const {
    if (!several_) return {colours_[part], {}};
    const std::size_t dashed = panel.labels.size() == 1 ? 2 : std::min<std::size_t>(2, part + 3 - panel.labels.size());
    return {colours_[table], kDashes[dashed]};
  }

  /// The title and, where there are several parts, their key: in lines that break where the panel ends.
  struct HeadPiece {
    std::optional<std::size_t> part;  ///< none: the title
    std::string text;
    double x;
    int line;
  };
  std::vector<HeadPiece> head_pieces(std::size_t k, double width) const {
    const CurvePanel& panel = panels_[k];
    std::vector<HeadPiece> pieces = {{{}, shortened(panel.title, width, options_.text_size), 0, 0}};
    if (panel.labels.size() < 2) return pieces;
    std::vector<HeadPiece> key;
    double total = 0;
    for (std::size_t part = 0; part < panel.labels.size(); ++part) {
      key.push_back({part, shortened(panel.labels[part], width - kSample - kSampleGap, small_), 0, 0});
      total += key_width(key.back()) + kKeyGap;
    }
    double x = text_width(pieces[0].text, options_.text_size, true) + 2 * kKeyGap;
    int line = x + total - kKeyGap > width ? 1 : 0;  // the key stays together where one line can hold it
    if (line) x = 0;
    for (HeadPiece& piece : key) {
      if (x > 0 && x + key_width(piece) > width) x = 0, ++line;
      piece.x = x;
      piece.line = line;
      x += key_width(piece) + kKeyGap;
      pieces.push_back(piece);
    }
    return pieces;
  }

  double key_width(const HeadPiece& piece) const { return kSample + kSampleGap + text_width(piece.text, small_); }

  double head_height(std::size_t k, double width) const {
    return (head_pieces(k, width).back().line + 1) * options_.text_size * kRow + 0.5;
  }

  void draw_head(Canvas& canvas, std::size_t k) const {
    const Box& box = boxes_[k];
    const double line = options_.text_size * kRow, top = box.y - head_height(k, box.width);
    for (const HeadPiece& piece : head_pieces(k, box.width)) {
      const double x = box.x + piece.x, y = top + (piece.line + 0.5) * line;
      if (!piece.part) {
        canvas.text({x, y}, piece.text, {.points = options_.text_size, .bold = true});
        continue;
      }
      const Style style = style_of(panels_[k], 0, *piece.part);
      const Place ends[] = {{x, y}, {x + kSample, y}};
      canvas.path(ends, several_ ? kInk : style.colour, kLine, style.dashes);
      canvas.text({x + kSample + kSampleGap, y}, piece.text, {.points = small_});
    }
  }

  void draw_curve(Canvas& canvas, std::size_t k, const Curve& curve) const {
    const AxesStyle& axes = axes_[k];
    const Style style = style_of(panels_[k], curve.table, curve.part);
    const auto drawable = [](const Axis& axis, double v) { return std::isfinite(v) && (v > 0 || !axis.logarithmic); };
    std::vector<Place> run;
    const auto finish = [&] {
      if (run.size() > 1) canvas.path(run, style.colour, kLine, style.dashes);
      if (run.size() == 1 || curve.x.size() <= kFewPoints)
        for (const Place& place : run) canvas.dot(place, kDot, style.colour, 1);
      run.clear();
    };
    for (std::size_t i = 0; i < curve.x.size(); ++i) {
      if (!drawable(axes.x, curve.x[i]) || !drawable(axes.y, curve.y[i])) {
        finish();
        continue;
      }
      run.push_back({boxes_[k].x + axes.x.share(curve.x[i]) * boxes_[k].width,
                     boxes_[k].bottom() - axes.y.share(curve.y[i]) * boxes_[k].height});
    }
    finish();
  }

  const CurveOptions& options_;
  std::vector<CurvePanel> panels_;
  bool several_;
  std::string x_name_;
  double small_ = 7, height_ = 0;
  std::size_t columns_ = 1;
  std::vector<Colour> colours_;
  std::vector<AxesStyle> axes_;
  std::vector<Box> boxes_;
  LegendPlan legend_;
};

}  // namespace

std::vector<CurvePanel> curve_panels(std::span<const NumberTable> tables, const CurveOptions& options) {
  if (tables.empty()) throw DataError("", "", "there is no table to draw");
  const std::string x = x_column(tables, options);
  const bool all_asked = !options.y.empty();
  std::vector<CurvePanel> panels;
  for (const std::string& column : columns_to_draw(tables, x, options)) {
    const KnownColumn place = place_of(column, tables.size() > 1);
    auto panel = std::find_if(panels.begin(), panels.end(), [&](const auto& p) { return p.title == place.panel; });
    if (panel == panels.end())
      panel = panels.insert(panels.end(), {place.panel, column, {}, {}, place.panel == std::string("loss")});
    panel->labels.emplace_back(place.label);
    for (std::size_t t = 0; t < tables.size(); ++t)
      if (all_asked || has_numbers(tables[t], column))
        panel->curves.push_back({t, panel->labels.size() - 1, tables[t].at(x).values, tables[t].at(column).values});
  }
  for (CurvePanel& panel : panels)
    if (panel.labels.size() == 1) panel.title = panel.column;
  if (panels.empty()) throw DataError(tables[0].name, "", "no column but {} holds numbers", x);
  return panels;
}

std::vector<std::uint8_t> draw_curves(std::span<const NumberTable> tables, const CurveOptions& options,
                                      const Control& control) {
  return Painter(tables, options).draw(control);
}

}  // namespace espalier
