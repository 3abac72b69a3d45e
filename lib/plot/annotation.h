#pragma once
/// Names written on the map: of classes, or of samples.

#include <span>
#include <string>
#include <vector>

#include "plot/canvas.h"
#include "plot/colouring.h"
#include "plot/projection.h"

namespace espalier {

struct Annotation {
  std::string text;
  Box box;               ///< of the text, mm
  Place anchor;          ///< what it names
  std::size_t item = 0;  ///< which class or sample
};

/// The name of each class where its samples are densest, or beside that place if it would hide much of a class there;
/// no two overlap, and all lie within the box. A name for which there is no room within 30 mm is left out.
/// Cost: O(N) plus 150 places for each class.
std::vector<Annotation> name_classes(std::span<const Spot>, const Colouring&, const Box&, double points);

/// Names beside the samples' points, in the order of the samples, each that finds room; empty ones are passed over.
std::vector<Annotation> name_samples(std::span<const Spot>, std::span<const std::string> names, const Box&,
                                     double points);

/// Writes the texts, with a thin line to what they name where they stand away from it.
void draw_annotations(Canvas&, std::span<const Annotation>, double points, bool bold);

}  // namespace espalier
