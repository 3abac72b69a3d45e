#include "nn/recipe.h"

#include <fmt/ranges.h>

#include "base/error.h"

namespace espalier {

std::vector<std::string> recipe_names() { return {"one-cycle", "long", "he", "mitsuno", "digits"}; }

TrainingOptions find_recipe(const std::string& name) {
  TrainingOptions options;
  RateOptions& rate = options.rate;
  UpdateOptions& update = options.update;
  if (name == "one-cycle") {
    options.epochs = 30;
    rate.rate = 0.2;
    update.nesterov = true;
  } else if (name == "long") {
    options.epochs = 80;
    rate.course = RateCourse::cosine;
    rate.rate = 0.2;
    rate.warmup = 2;
    update.nesterov = true;
  } else if (name == "he") {
    options.epochs = 200;
    rate.course = RateCourse::step;
    rate.drops = {100, 150};
    update.weight_decay = 1e-4;
  } else if (name == "mitsuno") {
    options.epochs = 100;
    rate.course = RateCourse::step;
    rate.rate = 0.01;
    rate.drops = {100.0 / 3, 200.0 / 3};
    rate.factor = 0.2;
  } else if (name == "digits") {
    options.epochs = 10;
    rate.rate = 3e-3;
    update.rule = UpdateRule::adamw;
    update.weight_decay = 0.01;
    options.augment.crop = 2;
    options.augment.flip = false;
  } else {
    throw UsageError("no recipe is called '{}': expected {}", name, fmt::join(recipe_names(), ", "));
  }
  return options;
}

}  // namespace espalier
