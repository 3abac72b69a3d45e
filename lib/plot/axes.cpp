#include "plot/axes.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "plot/picture.h"

namespace espalier {

namespace {

constexpr double kMarginShare = 0.03;   // of an axis' length, at both ends
constexpr double kNarrowest = 1e-9;     // of a range, relative to its numbers: below it they count as one
constexpr double kTickLength = 0.8;     // mm
constexpr double kTickGap = 0.8;        // mm between tick and number
constexpr double kLine = 0.15;          // mm
constexpr Colour kGrid{228, 228, 228};  // lighter than the frame

struct Range {
  double least = std::numeric_limits<double>::infinity(), most = -std::numeric_limits<double>::infinity();
};

Range range_of(const std::vector<double>& numbers, bool positive_only) {
  Range range;
  for (const double x : numbers)
    if (std::isfinite(x) && (x > 0 || !positive_only)) range = {std::min(range.least, x), std::max(range.most, x)};
  return range;
}

Axis logarithmic_axis(Range range) {
  if (range.most < 1.01 * range.least) range = {range.least / 2, range.most * 2};
  const double room = std::pow(range.most / range.least, kMarginShare);
  return {range.least / room, range.most * room, true};
}

Axis linear_axis(Range range) {
  if (!(range.most >= range.least)) return {};
  const double size = std::max(std::abs(range.least), std::abs(range.most));
  if (range.most - range.least <= kNarrowest * size)
    range = size > 0 ? Range{range.least - 0.1 * size, range.most + 0.1 * size} : Range{0, 1};
  if (range.least >= 0 && range.least < range.most / 4) range.least = 0;
  const double room = kMarginShare * (range.most - range.least);
  return {range.least - room, range.most + room, false};
}

/// The factors times each power of ten (of every `stride`-th) that lie within the axis.
std::vector<double> powers_of_ten(const Axis& axis, int stride, const std::vector<double>& factors) {
  std::vector<double> out;
  const int last = int(std::ceil(std::log10(axis.most)));
  for (int power = int(std::floor(std::log10(axis.least))); power <= last; ++power)
    for (const double factor : factors) {
      const double x = factor * std::pow(10.0, power);
      if (power % stride == 0 && x >= axis.least * (1 - 1e-12) && x <= axis.most * (1 + 1e-12)) out.push_back(x);
    }
  return out;
}

std::vector<double> logarithmic_ticks(const Axis& axis) {
  int stride = 1;
  std::vector<double> out = powers_of_ten(axis, stride, {1});
  while (out.size() > 7) out = powers_of_ten(axis, ++stride, {1});
  if (out.size() < 3) out = powers_of_ten(axis, 1, {1, 2, 5});
  return out.size() < 2 ? round_ticks(axis.least, axis.most) : out;
}

}  // namespace

double Axis::share(double x) const {
  if (!(most > least)) return 0.5;
  return logarithmic ? std::log(x / least) / std::log(most / least) : (x - least) / (most - least);
}

Axis axis_over(const std::vector<double>& numbers, Scale scale) {
  const Range positive = range_of(numbers, true);
  if (scale == Scale::logarithmic && positive.most >= positive.least) return logarithmic_axis(positive);
  return linear_axis(range_of(numbers, false));
}

bool spans_decades(const std::vector<double>& numbers) {
  const Range range = range_of(numbers, false);
  return range.least > 0 && range.most >= 20 * range.least && range.most >= range.least;
}

std::vector<double> round_ticks(double least, double most) {
  if (!(most > least)) return {least};
  const double rough = (most - least) / 5, power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.0, 1.0})
    if (factor * power >= rough * 0.8) step = factor * power;
  std::vector<double> ticks;
  for (double k = std::ceil(least / step - 1e-9); k * step <= most + 1e-9 * step; ++k)
    ticks.push_back(k * step + 0.0);  // no -0
  return ticks;
}

std::vector<Tick> ticks_of(const Axis& axis) {
  std::vector<Tick> out;
  for (const double x : axis.logarithmic ? logarithmic_ticks(axis) : round_ticks(axis.least, axis.most))
    out.push_back({x, tick_label(x)});
  return out;
}

std::string tick_label(double x) {
  const double size = std::abs(x);
  if (size >= 1e4 && size < 1e6) return fmt::format("{:.6g}k", x / 1e3);
  if (size >= 1e6 && size < 1e9) return fmt::format("{:.6g}M", x / 1e6);
  if (size >= 1e9 && size < 1e12) return fmt::format("{:.6g}G", x / 1e9);
  std::string text = fmt::format("{:.6g}", x);
  const std::size_t e = text.find('e');
  if (e == std::string::npos) return text;
  const bool negative = text[e + 1] == '-';
  const std::size_t digits = text.find_first_not_of('0', e + 2);
  return text.substr(0, e + 1) + (negative ? "-" : "") + text.substr(digits);
}

double axes_left(const AxesStyle& style) {
  double widest = 0;
  for (const Tick& tick : ticks_of(style.y)) widest = std::max(widest, text_width(tick.label, style.points));
  return widest + kTickLength + kTickGap;
}

double axes_below(const AxesStyle& style) { return kTickLength + style.points * kRow * (style.x_name.empty() ? 1 : 2); }

void draw_axes(Canvas& canvas, const Box& box, const AxesStyle& style) {
  const double row = style.points * kRow;
  double free_from = -std::numeric_limits<double>::infinity();
  for (const Tick& tick : ticks_of(style.x)) {
    const double x = box.x + style.x.share(tick.at) * box.width, half = text_width(tick.label, style.points) / 2;
    canvas.line({x, box.y}, {x, box.bottom()}, kGrid, kLine);
    canvas.line({x, box.bottom()}, {x, box.bottom() + kTickLength}, kFrameColour, kLine);
    if (x - half < free_from) continue;
    canvas.text({x, box.bottom() + kTickLength + row / 2}, tick.label,
                {.points = style.points, .align = Align::centre});
    free_from = x + half + style.points * kPoint / 2;
  }
  for (const Tick& tick : ticks_of(style.y)) {
    const double y = box.bottom() - style.y.share(tick.at) * box.height;
    canvas.line({box.x, y}, {box.right(), y}, kGrid, kLine);
    canvas.line({box.x - kTickLength, y}, {box.x, y}, kFrameColour, kLine);
    canvas.text({box.x - kTickLength - kTickGap, y}, tick.label, {.points = style.points, .align = Align::right});
  }
  canvas.frame(box, kFrameColour, kLine);
  if (!style.x_name.empty())
    canvas.text({box.centre().x, box.bottom() + kTickLength + 1.4 * row},
                shortened(style.x_name, box.width, style.points), {.points = style.points, .align = Align::centre});
}

}  // namespace espalier
