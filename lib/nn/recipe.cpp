#include "nn/recipe.h"

#include <fmt/ranges.h>

#include "base/error.h"

namespace espalier {

std::vector<std::string> recipe_names() { return {"one-cycle", "long", "he", "mitsuno", "digits"}; }

TrainingOptions find_recipe(const std::string& name) {
  TrainingOptions options;
  if (name == "one-cycle") {
    options.epochs = 30;
    options.rate = {.course = RateCourse::one_cycle, .rate = 0.4, .last = 1e-3};
    options.update = {.nesterov = true, .weight_decay = 5e-4};
  } else if (name == "long") {
    options.epochs = 80;
    options.rate = {.course = RateCourse::cosine, .rate = 0.2, .warmup = 2, .last = 1e-4};
    options.update = {.nesterov = true, .weight_decay = 5e-4};
  } else if (name == "he") {
    options.epochs = 200;
    options.rate = {.course = RateCourse::step, .rate = 0.1, .drops = {100, 150}};
    options.update.weight_decay = 1e-4;
  } else if (name == "mitsuno") {
    options.epochs = 100;
    options.rate = {.course = RateCourse::step, .rate = 0.01, .drops = {100.0 / 3, 200.0 / 3}, .factor = 0.2};
    options.update.weight_decay = 5e-4;
  } else if (name == "digits") {
    options.epochs = 10;
    options.rate = {.course = RateCourse::one_cycle, .rate = 3e-3, .last = 1e-3};
    options.update = {.rule = UpdateRule::adamw, .weight_decay = 0.01};
    options.augment = {.crop = 2, .flip = false};
  } else {
    throw UsageError("no recipe is called '{}': expected {}", name, fmt::join(recipe_names(), ", "));
  }
  return options;
}

}  // namespace espalier
