// data/turntable.cpp: twenty objects on a turntable, a stand-in for COIL-20 that needs no download.
//
// Every object is a few solids given as signed distance functions, rendered by marching rays (sphere tracing, Hart
// 1996) under a light that stays with the camera. An image sees one angle, so each object is a closed loop in the space
// of images: a map that keeps neighbours shows twenty rings. A ring is clean only if no two angles look alike, so no
// object is symmetric about the axis, and each is painted lighter on one side.
#include <Eigen/Core>
#include <Eigen/Geometry>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>
#include <vector>

#include "base/parallel.h"
#include "cli/tool.h"
#include "h5/output.h"

using namespace espalier;

namespace {

using Vec = Eigen::Vector3f;  // y is up and is the turntable's axis; an object fits in a ball of radius kReach

constexpr float kReach = 1.3f;
constexpr float kElevation = 25;  // of the camera above the table, degrees
constexpr float kBlend = 0.04f;   // solids melt into each other over this length
constexpr float kTouch = 0.002f;  // a ray this close to the surface has hit it
constexpr int kMostSteps = 96;

enum Shape { ball, box, drum, ring, rod };

/// One solid. `size`: ball: three radii; box: half edges; drum: lower radius, half height, upper radius; ring (round
/// z): radius, thickness; rod (along y): radius, half length. `turn`: degrees about x, then y, then z.
struct Solid {
  Shape shape;
  Vec at, size;
  float paint;  ///< grey, 0 to 1
  Vec turn{0, 0, 0};
  bool hollow = false;  ///< cuts away instead of adding
};

struct Object {
  const char* name;
  float light_side;  ///< degrees of azimuth at which the paint is lightest
  std::vector<Solid> solids;
};

// clang-format off
const std::vector<Object>& objects() {
  static const std::vector<Object> table = {
      {"mug", 90, {{drum, {0, 0, 0}, {.55, .7, .6}, .75}, {drum, {0, .2, 0}, {.45, .65, .5}, .3, {0, 0, 0}, true},
                   {ring, {.72, 0, 0}, {.34, .09, 0}, .8}, {ball, {-.1, 0, .52}, {.3, .35, .12}, .1}}},
      {"teapot", 200, {{ball, {0, -.1, 0}, {.65, .55, .65}, .9}, {rod, {.7, .1, 0}, {.14, .28, 0}, .95, {0, 0, -40}},
                       {ring, {-.65, .0, 0}, {.28, .12, 0}, .5}, {ball, {0, .4, 0}, {.4, .16, .4}, .4},
                       {ball, {0, .62, 0}, {.14, .14, .14}, .9}}},
      {"duck", 300, {{ball, {-.05, -.35, 0}, {.65, .45, .58}, .85}, {ball, {.35, .3, 0}, {.42, .42, .42}, .95},
                     {ball, {.75, .25, 0}, {.22, .1, .25}, .4}, {ball, {-.65, -.1, 0}, {.25, .15, .28}, .8, {0, 0, -35}},
                     {ball, {.58, .45, .28}, {.1, .1, .1}, .0}, {ball, {.58, .45, -.28}, {.1, .1, .1}, .0},
                     {ball, {-.15, -.25, .48}, {.4, .25, .17}, .45}}},
      {"car", 120, {{box, {0, -.3, 0}, {.7, .3, .58}, .85}, {box, {-.2, .2, 0}, {.42, .3, .52}, .3},
                    {drum, {.4, -.55, .55}, {.24, .12, .24}, .05, {90, 0, 0}}, {drum, {-.4, -.55, .55}, {.24, .12, .24}, .05, {90, 0, 0}},
                    {drum, {.4, -.55, -.55}, {.24, .12, .24}, .05, {90, 0, 0}}, {drum, {-.4, -.55, -.55}, {.24, .12, .24}, .05, {90, 0, 0}},
                    {ball, {.7, -.2, .35}, {.08, .15, .15}, 1}, {ball, {.7, -.2, -.35}, {.08, .15, .15}, 1}}},
      {"house", 30, {{box, {0, -.35, 0}, {.6, .45, .55}, .5}, {box, {0, .1, 0}, {.68, .44, .44}, .8, {45, 0, 0}},
                     {box, {.3, .65, .25}, {.15, .3, .15}, .4}, {ball, {.6, -.45, .1}, {.06, .35, .22}, .0},
                     {ball, {-.1, -.3, .55}, {.3, .25, .06}, 1}}},
      {"boat", 160, {{ball, {0, -.5, 0}, {.85, .45, .65}, .25}, {box, {0, -.02, 0}, {1.2, .22, .7}, .8, {0, 0, 0}, true},
                     {rod, {.1, .3, 0}, {.08, .75, 0}, .6}, {ball, {-.2, .4, .1}, {.4, .55, .3}, 1, {0, 30, 0}},
                     {box, {.4, -.2, 0}, {.22, .2, .3}, .8}}},
      {"hammer", 250, {{rod, {-.1, -.25, 0}, {.15, .75, 0}, .7}, {box, {.1, .55, 0}, {.5, .25, .27}, .4},
                       {drum, {.7, .55, 0}, {.36, .15, .36}, .6, {0, 0, 90}}, {box, {-.5, .55, 0}, {.3, .1, .25}, .5, {0, 0, 25}}}},
      {"chair", 10, {{box, {0, -.15, 0}, {.5, .07, .5}, .7}, {box, {-.45, .45, 0}, {.07, .6, .5}, .5},
                     {rod, {.42, -.6, .42}, {.07, .4, 0}, .4}, {rod, {-.42, -.6, .42}, {.07, .4, 0}, .4},
                     {rod, {.42, -.6, -.42}, {.07, .4, 0}, .4}, {rod, {-.42, -.6, -.42}, {.07, .4, 0}, .4},
                     {ball, {.05, .02, .05}, {.38, .12, .38}, .95}}},
      {"rocket", 80, {{ball, {0, .1, 0}, {.32, 1., .32}, .9}, {box, {.35, -.6, 0}, {.35, .25, .04}, .4, {0, 0, 30}},
                      {box, {-.18, -.6, .32}, {.3, .22, .04}, .4, {0, 60, 20}}, {rod, {-.35, -.35, -.25}, {.13, .35, 0}, .6},
                      {ball, {.25, .35, .1}, {.14, .16, .14}, .1}}},
      {"plane", 330, {{ball, {0, 0, 0}, {.8, .35, .35}, .8}, {box, {.1, 0, 0}, {.32, .08, .85}, .5},
                      {box, {-.65, .35, 0}, {.18, .35, .08}, .2}, {box, {-.65, .1, 0}, {.18, .06, .45}, .6},
                      {ball, {.25, -.15, .5}, {.3, .2, .2}, .1}, {ball, {.65, .05, 0}, {.25, .25, .25}, .2}}},
      {"snail", 220, {{ball, {.0, -.65, 0}, {.75, .25, .5}, .4}, {ring, {-.15, -.05, 0}, {.38, .3, 0}, .95},
                      {ball, {-.15, -.05, .12}, {.28, .28, .32}, .1}, {ball, {.6, -.3, 0}, {.28, .36, .3}, .6},
                      {rod, {.7, .15, .17}, {.08, .25, 0}, .9, {20, 0, -15}}, {rod, {.7, .15, -.17}, {.08, .25, 0}, .9, {-20, 0, -15}}}},
      {"fish", 140, {{ball, {.1, 0, 0}, {.7, .6, .5}, .65}, {box, {-.65, .0, 0}, {.28, .28, .15}, .3, {0, 0, 45}},
                     {box, {.05, .55, 0}, {.3, .22, .12}, .3, {0, 0, -15}}, {ball, {.5, .15, .36}, {.16, .16, .1}, .0},
                     {ball, {.05, -.15, .45}, {.28, .2, .17}, 1}, {ball, {.75, -.1, 0}, {.12, .14, .2}, 1}}},
      {"cactus", 45, {{rod, {0, 0, 0}, {.26, .75, 0}, .4}, {rod, {.5, .0, 0}, {.14, .2, 0}, .5, {0, 0, 90}},
                      {rod, {.75, .35, 0}, {.14, .35, 0}, .6}, {rod, {-.1, -.2, .45}, {.13, .15, 0}, .5, {90, 0, 0}},
                      {rod, {-.1, .1, .62}, {.13, .3, 0}, .5}, {ball, {.1, .95, 0}, {.16, .14, .16}, 1},
                      {drum, {0, -.85, 0}, {.35, .2, .5}, .75}}},
      {"lamp", 270, {{drum, {-.3, -.8, 0}, {.55, .15, .45}, .5}, {rod, {-.5, -.3, 0}, {.1, .55, 0}, .7, {0, 0, 20}},
                     {rod, {-.25, .4, 0}, {.1, .5, 0}, .7, {0, 0, -60}}, {drum, {.35, .45, .1}, {.55, .38, .25}, .9, {20, 0, 25}},
                     {ball, {-.72, .2, 0}, {.2, .2, .2}, .3}}},
      {"pig", 180, {{ball, {-.1, -.05, 0}, {.65, .58, .62}, .95}, {ball, {.45, .25, 0}, {.42, .4, .4}, .95},
                    {drum, {.85, .2, 0}, {.2, .1, .2}, .4, {0, 0, 90}}, {rod, {.25, -.6, .3}, {.16, .25, 0}, .7},
                    {rod, {.25, -.6, -.3}, {.16, .25, 0}, .7}, {rod, {-.4, -.6, .3}, {.16, .25, 0}, .7},
                    {rod, {-.4, -.6, -.3}, {.16, .25, 0}, .7}, {ring, {-.8, .2, 0}, {.13, .06, 0}, .5},
                    {ball, {.35, .65, .25}, {.14, .2, .12}, .4}, {ball, {.35, .65, -.25}, {.14, .2, .12}, .4},
                    {ball, {-.2, .15, .45}, {.35, .3, .2}, .1}}},
      {"telephone", 60, {{box, {0, -.5, 0}, {.65, .25, .6}, .35}, {box, {.1, -.3, 0}, {.5, .2, .55}, .35, {0, 0, -25}},
                         {rod, {-.25, .25, 0}, {.13, .65, 0}, .2, {90, 0, 0}}, {ball, {-.2, .15, .7}, {.25, .22, .2}, .25},
                         {ball, {-.2, .15, -.7}, {.25, .22, .2}, .25}, {drum, {.4, -.15, 0}, {.32, .06, .32}, .95, {0, 0, -25}}}},
      {"camera", 100, {{box, {-.15, -.1, 0}, {.4, .55, .75}, .15}, {drum, {.35, -.1, .1}, {.46, .3, .4}, .7, {0, 0, -90}},
                       {drum, {.6, -.1, .1}, {.3, .12, .28}, .0, {0, 0, -90}}, {box, {-.15, .6, .1}, {.28, .2, .35}, .5},
                       {drum, {-.15, .5, -.5}, {.2, .15, .2}, 1}}},
      {"anvil", 350, {{box, {0, -.75, 0}, {.6, .18, .55}, .6}, {box, {0, -.35, 0}, {.35, .35, .35}, .3},
                      {box, {-.15, .2, 0}, {.5, .28, .48}, .5}, {drum, {.6, .25, 0}, {.36, .32, .08}, .9, {0, 0, -90}},
                      {ball, {-.2, .2, .48}, {.3, .18, .05}, 1}}},
      {"boot", 230, {{rod, {-.35, .2, 0}, {.33, .45, 0}, .5}, {ball, {.2, -.55, 0}, {.75, .3, .34}, .45},
                     {box, {.15, -.82, 0}, {.75, .07, .33}, .9}, {drum, {-.35, .75, 0}, {.36, .14, .38}, .85},
                     {box, {-.05, .05, .1}, {.05, .45, .1}, .95, {0, 0, 10}}, {box, {-.5, -.82, 0}, {.18, .14, .3}, .2}}},
      {"mushroom", 0, {{drum, {-.1, -.45, 0}, {.3, .5, .2}, .85, {0, 0, -12}}, {ball, {.1, .3, 0}, {.85, .45, .8}, .35, {0, 0, -15}},
                       {ball, {.6, .4, .25}, {.2, .2, .2}, 1}, {ball, {.35, .45, -.5}, {.2, .2, .2}, 1},
                       {ball, {.05, .68, .2}, {.2, .12, .2}, 1}, {drum, {-.6, -.7, .45}, {.12, .22, .08}, .8},
                       {ball, {-.6, -.4, .45}, {.28, .15, .28}, .5}}},
  };
  return table;
}
// clang-format on

/// A solid with its rotation worked out.
struct Placed {
  Solid solid;
  Eigen::Matrix3f to_local;
};

float radians(float degrees) { return degrees * std::numbers::pi_v<float> / 180; }

Eigen::Matrix3f rotation(const Vec& degrees) {
  const auto about = [&](int axis) { return Eigen::AngleAxisf(radians(degrees[axis]), Vec::Unit(axis)); };
  return (about(2) * about(1) * about(0)).toRotationMatrix();
}

std::vector<Placed> place(const Object& object) {
  std::vector<Placed> placed;
  for (const Solid& solid : object.solids) placed.push_back({solid, rotation(solid.turn).transpose()});
  return placed;
}

/// Distance from a point to a solid's surface, negative inside; never more than the true one by much.
float distance(const Placed& placed, const Vec& point) {
  const Vec p = placed.to_local * (point - placed.solid.at), &size = placed.solid.size;
  switch (placed.solid.shape) {
    case ball: {  // first-order distance of an ellipsoid
      const Vec scaled = p.cwiseQuotient(size);
      const float k = scaled.norm();
      return k < 1e-4f ? -size.minCoeff() : k * (k - 1) / scaled.cwiseQuotient(size).norm();
    }
    case box: {
      const Vec beyond = p.cwiseAbs() - size;
      return beyond.cwiseMax(0).norm() + std::min(beyond.maxCoeff(), 0.0f);
    }
    case drum: {
      const float slope = (size.z() - size.x()) / (2 * size.y());
      const float radius = (size.x() + size.z()) / 2 + slope * p.y();
      const float side = (std::hypot(p.x(), p.z()) - radius) / std::hypot(1.0f, slope),
                  end = std::abs(p.y()) - size.y();
      return std::max(side, end);
    }
    case ring:
      return std::hypot(std::hypot(p.x(), p.y()) - size.x(), p.z()) - size.y();
    case rod:
      return (p - Vec(0, std::clamp(p.y(), -size.y(), size.y()), 0)).norm() - size.x();
  }
  return kReach;
}

/// Smooth minimum: exact where the two differ by more than kBlend (polynomial blend, Quilez).
float melt(float a, float b) {
  const float h = std::max(kBlend - std::abs(a - b), 0.0f);
  return std::min(a, b) - h * h / (4 * kBlend);
}

float distance(const std::vector<Placed>& solids, const Vec& point) {
  float nearest = kReach;
  for (const Placed& placed : solids) {
    const float d = distance(placed, point);
    nearest = placed.solid.hollow ? std::max(nearest, -d) : melt(nearest, d);
  }
  return nearest;
}

/// Paint of the solid whose surface is nearest, lighter towards the object's light side.
float paint(const Object& object, const std::vector<Placed>& solids, const Vec& point) {
  float nearest = kReach, grey = 0;
  for (const Placed& placed : solids) {
    const float d = std::abs(distance(placed, point));
    if (d < nearest) {
      nearest = d;
      grey = placed.solid.paint;
    }
  }
  const float azimuth = std::atan2(point.z(), point.x());
  return (0.1f + 0.9f * grey) * (0.65f + 0.35f * std::cos(azimuth - radians(object.light_side)));
}

/// Central differences on the corners of a tetrahedron: four evaluations instead of six.
Vec normal(const std::vector<Placed>& solids, const Vec& point) {
  static const std::array<Vec, 4> corners = {Vec(1, -1, -1), Vec(-1, -1, 1), Vec(-1, 1, -1), Vec(1, 1, 1)};
  Vec sum(0, 0, 0);
  for (const Vec& corner : corners) sum += corner * distance(solids, point + 0.002f * corner);
  return sum.normalized();
}

/// The camera's axes and its light, in the frame of an object that has turned by `angle` degrees.
struct View {
  Vec right, up, ahead, light;
  explicit View(float angle) {
    const Eigen::Matrix3f turn = rotation({0, -angle, 0}), tilt = rotation({-kElevation, 0, 0});
    right = turn * tilt * Vec(1, 0, 0);
    up = turn * tilt * Vec(0, 1, 0);
    ahead = turn * tilt * Vec(0, 0, -1);
    light = (-ahead + 0.5f * up - 0.6f * right).normalized();
  }
};

/// Brightness seen along a ray that starts at `origin`. A ray that passes within a pixel's width still sees a part of
/// the surface, which keeps outlines smooth as the object turns.
float trace(const Object& object, const std::vector<Placed>& solids, const View& view, const Vec& origin, float pixel) {
  float travelled = 0, closest = kReach;
  Vec seen = origin;
  for (int step = 0; step < kMostSteps && travelled < 2 * kReach && closest > kTouch; ++step) {
    const Vec point = origin + travelled * view.ahead;
    const float d = distance(solids, point);
    if (d < closest) {
      closest = d;
      seen = point;
    }
    travelled += 0.9f * std::max(d, kTouch);
  }
  const float cover = closest <= kTouch ? 1 : 1 - closest / pixel;
  if (cover <= 0) return 0;
  const float facing = std::max(normal(solids, seen).dot(view.light), 0.0f);
  return cover * paint(object, solids, seen) * (0.4f + 0.9f * facing);
}

/// A lens slightly out of focus, the same for every size, keeps what five degrees change small against what tells
/// objects apart: `passes` of the binomial filter [1 2 1]/4 along rows or columns, black beyond the border.
void soften(std::vector<float>& image, std::size_t lines, std::size_t line_step, std::size_t step, int passes) {
  for (std::size_t line = 0; line < lines; ++line)
    for (int pass = 0; pass < passes; ++pass) {
      float* p = image.data() + line * line_step;
      float before = 0;
      for (std::size_t i = 0; i < lines; ++i, p += step) {
        const float here = *p, after = i + 1 < lines ? p[step] : 0;
        *p = (before + 2 * here + after) / 4;
        before = here;
      }
    }
}

/// Renders size x size pixels by parallel projection.
void render(const Object& object, float angle, int size, std::uint8_t* pixels) {
  const std::vector<Placed> solids = place(object);
  const View view(angle);
  const float pixel = 2 * kReach / float(size);
  const std::size_t n = std::size_t(size);
  std::vector<float> image;
  for (int row = 0; row < size; ++row)
    for (int column = 0; column < size; ++column) {
      const float x = (float(column) + 0.5f) * pixel - kReach, y = kReach - (float(row) + 0.5f) * pixel;
      const float outside = kReach * kReach - x * x - y * y;  // the ball that holds the object begins at this depth
      const Vec origin = x * view.right + y * view.up - std::sqrt(std::max(outside, 0.0f)) * view.ahead;
      image.push_back(outside < 0 ? 0 : std::min(trace(object, solids, view, origin, pixel), 1.0f));
    }
  const int passes = int(std::lround(2 * float(size) * float(size) / (64 * 64)));
  soften(image, n, n, 1, passes);
  soften(image, n, 1, n, passes);
  for (const float grey : image) *pixels++ = std::uint8_t(std::lround(255 * grey));
}

struct Args {
  int size = 64;
  int angles = 72;
};

Args parse(Cli& cli) {
  Args args;
  cli.usage("[options]", "Renders twenty objects on a turntable: images, labels and ids as a sample file.", false);
  cli.count("size", args.size, "height and width of an image in pixels", 8, 512);
  cli.count("angles", args.angles, "images of each object, evenly over a full turn", 1, 3600);
  cli.output();
  cli.parse(true);
  if (!cli.operands().empty()) throw UsageError("no operand expected, got '{}'", cli.operands()[0]);
  return args;
}

int run(Cli& cli) {
  const Args args = parse(cli);
  const Control control = cli.control();
  const std::size_t pixels = std::size_t(args.size) * std::size_t(args.size), angles = std::size_t(args.angles);
  Output output(cli.output_path());
  output.file().begin_rows("/data", Type::u8, {1, std::size_t(args.size), std::size_t(args.size)});
  std::vector<std::uint8_t> images(angles * pixels);
  std::vector<std::int32_t> labels;
  std::vector<std::string> names, ids;
  for (const Object& object : objects()) {
    control.report("rendering", double(names.size()), double(objects().size()));
    const auto degrees = [&](std::size_t i) { return 360.0 * double(i) / double(angles); };
    parallel_for(angles,
                 [&](std::size_t i, int) { render(object, float(degrees(i)), args.size, &images[i * pixels]); });
    output.file().append_rows("/data", Type::u8, angles, images.data());
    for (std::size_t i = 0; i < angles; ++i) ids.push_back(fmt::format("{}/{:g}", object.name, degrees(i)));
    labels.insert(labels.end(), angles, std::int32_t(names.size()));
    names.push_back(object.name);
  }
  output.file().write("/labels", {labels.size()}, labels);
  output.file().set_attribute("/labels", "names", names);
  output.file().write_strings("/ids", ids);
  output.add_history(cli.history());
  output.commit();
  return kDone;
}

}  // namespace

int main(int argc, char** argv) { return tool_main("turntable", argc, argv, run); }
