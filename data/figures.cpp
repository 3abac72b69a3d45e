// data/figures.cpp: pictures of ten kinds of plane figures, a learnable stand-in for photographs.
//
// A picture holds one figure of any place, size, turn and pair of colours before a shaded ground, partly hidden by
// strokes, under noise. Neither a colour nor a place tells the class, so a linear model is near chance; outline and
// corners do, so depth pays. A picture depends on the seed and its own number alone.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "base/random.h"
#include "cli/tool.h"
#include "h5/samples.h"

using namespace espalier;

namespace {

const std::vector<std::string> kNames = {"disc",    "ring",     "square", "frame",    "triangle",
                                         "hexagon", "crescent", "cross",  "twodiscs", "star"};

struct Args {
  int samples = 6000;
  int test = 1000;
  int size = 32;
  std::uint64_t seed = 0;
};

Args parse(Cli& cli) {
  Args args;
  cli.usage("[options]", "Makes labelled pictures of plane figures, as a sample file.", false);
  cli.count("samples", args.samples, "number of pictures", 1);
  cli.count("test", args.test, "how many of them, the last, are the test part", 0);
  cli.count("size", args.size, "pixels a side", 8, 1024);
  cli.seed("s,seed", args.seed, "seed of the random numbers");
  cli.output();
  cli.parse(true);
  if (!cli.operands().empty()) throw UsageError("no operand expected, got '{}'", cli.operands()[0]);
  if (args.test >= args.samples) throw UsageError("--test is {}, of {} pictures", args.test, args.samples);
  return args;
}

struct Point {
  double x, y;
};

double length(Point p) { return std::hypot(p.x, p.y); }

/// Signed distance to a regular polygon whose corners are at distance 1, negative inside.
double polygon(Point p, int corners) {
  const double sector = 2 * std::numbers::pi / corners;
  double angle = std::atan2(p.y, p.x);
  angle -= sector * std::round(angle / sector);
  return length(p) * std::cos(angle) - std::cos(sector / 2);
}

/// Signed distance, roughly, to the figure of a class that fills the unit disc, negative inside.
double figure(int kind, Point p) {
  const double r = length(p), x = std::abs(p.x), y = std::abs(p.y);
  switch (kind) {
    case 0:
      return r - 0.9;
    case 1:
      return std::abs(r - 0.7) - 0.2;
    case 2:
      return polygon(p, 4);
    case 3:
      return std::abs(polygon(p, 4) + 0.2) - 0.2;
    case 4:
      return polygon(p, 3);
    case 5:
      return polygon(p, 6);
    case 6:
      return std::max(r - 0.9, 0.65 - length({p.x - 0.5, p.y}));
    case 7:
      return std::min(std::max(x - 0.28, y - 0.95), std::max(y - 0.28, x - 0.95));
    case 8:
      return length({x - 0.52, y}) - 0.42;
    default: {
      const double sector = 2 * std::numbers::pi / 5, angle = std::atan2(p.y, p.x);
      const double away = std::abs(angle - sector * std::round(angle / sector)) / (sector / 2);
      return r - (0.95 - 0.55 * away);
    }
  }
}

/// Numbers of one picture, drawn one after another.
class Draw {
 public:
  Draw(std::uint64_t seed, std::uint64_t picture) : random_(seed, picture + 1) {}
  double uniform(double low, double high) { return low + (high - low) * random_.uniform(next_++); }
  double normal() { return random_.normal(next_++); }

 private:
  Random random_;
  std::uint64_t next_ = 0;
};

using Colour = std::array<double, 3>;

Colour draw_colour(Draw& draw) { return {draw.uniform(0, 1), draw.uniform(0, 1), draw.uniform(0, 1)}; }

double contrast(const Colour& a, const Colour& b) {
  return std::abs(a[0] - b[0]) + std::abs(a[1] - b[1]) + std::abs(a[2] - b[2]);
}

/// A stroke across the picture that hides what is below.
struct Stroke {
  Point on, across;
  double half_width;
  Colour colour;
  double distance(Point p) const { return std::abs((p.x - on.x) * across.x + (p.y - on.y) * across.y) - half_width; }
};

/// Paints picture `number` as 3 x size x size bytes and returns its class. Coordinates run from 0 to 1.
int paint(const Args& args, std::uint64_t number, std::uint8_t* out) {
  Draw draw(args.seed, number);
  const int kind = std::min(9, int(draw.uniform(0, 10)));
  const double radius = draw.uniform(0.2, 0.38), turn = draw.uniform(0, 2 * std::numbers::pi);
  const Point middle = {draw.uniform(radius, 1 - radius), draw.uniform(radius, 1 - radius)};
  const Colour ground = draw_colour(draw), shade = draw_colour(draw);
  Colour paint = draw_colour(draw);
  while (contrast(paint, ground) < 0.6) paint = draw_colour(draw);
  const double shade_turn = draw.uniform(0, 2 * std::numbers::pi), blend = draw.uniform(0, 0.4);
  std::array<Stroke, 3> strokes;
  for (Stroke& stroke : strokes) {
    const double angle = draw.uniform(0, 2 * std::numbers::pi);
    stroke = {{draw.uniform(0, 1), draw.uniform(0, 1)},
              {std::cos(angle), std::sin(angle)},
              draw.uniform(0.008, 0.02),
              draw_colour(draw)};
  }
  const double pixel = 1.0 / args.size, noise = draw.uniform(0.02, 0.08);
  const auto cover = [&](double distance) { return std::clamp(0.5 - distance / pixel, 0.0, 1.0); };
  const std::size_t plane = std::size_t(args.size) * std::size_t(args.size);
  for (int i = 0; i < args.size; ++i)
    for (int j = 0; j < args.size; ++j) {
      const Point p = {(j + 0.5) * pixel, (i + 0.5) * pixel};
      const Point d = {(p.x - middle.x) / radius, (p.y - middle.y) / radius};
      const Point local = {d.x * std::cos(turn) + d.y * std::sin(turn), d.y * std::cos(turn) - d.x * std::sin(turn)};
      const double inside = cover(figure(kind, local) * radius);
      const double slope = blend * (0.5 + (p.x - 0.5) * std::cos(shade_turn) + (p.y - 0.5) * std::sin(shade_turn));
      for (std::size_t c = 0; c < 3; ++c) {
        double value = ground[c] + slope * (shade[c] - ground[c]);
        value += inside * (paint[c] - value);
        for (const Stroke& stroke : strokes) value += cover(stroke.distance(p)) * (stroke.colour[c] - value);
        value += noise * draw.normal();
        out[c * plane + std::size_t(i * args.size + j)] = std::uint8_t(std::clamp(255 * value + 0.5, 0.0, 255.0));
      }
    }
  return kind;
}

int run(Cli& cli) {
  const Args args = parse(cli);
  const Control control = cli.control();
  const std::size_t n = std::size_t(args.samples), side = std::size_t(args.size), bytes = 3 * side * side;
  const std::size_t batch = std::clamp<std::size_t>((std::size_t(1) << 24) / bytes, 1, n);

  Output output(cli.output_path());
  output.file().begin_rows("/data", Type::u8, {3, side, side});
  std::vector<std::uint8_t> rows(batch * bytes), split(n, 0);
  Labels labels{std::vector<std::int32_t>(n), kNames};
  for (std::size_t first = 0; first < n; first += batch) {
    const std::size_t count = std::min(batch, n - first);
    parallel_ranges(count, 16, [&](std::size_t begin, std::size_t end, int) {
      for (std::size_t r = begin; r < end; ++r) labels.values[first + r] = paint(args, first + r, &rows[r * bytes]);
    });
    output.file().append_rows("/data", Type::u8, count, rows.data());
    control.report("samples", double(first + count), double(n));
  }
  std::fill(split.end() - args.test, split.end(), std::uint8_t(1));
  write_labels(output.file(), "/labels", labels);
  output.file().write("/split", {n}, split);
  output.add_history(cli.history());
  output.commit();
  return kDone;
}

}  // namespace

int main(int argc, char** argv) { return tool_main("figures", argc, argv, run); }
