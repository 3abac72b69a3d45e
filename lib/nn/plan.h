#pragma once
/// How a network is computed: its layers as steps over stored activations, with norms and rectifiers that need no
/// memory of their own.
///
/// What a convolution wrote is stored once. A batch norm after it, and a rectifier after that, are a view: scale, shift
/// and max(0, .), applied by whoever reads them. Only sums, pools and what views cannot express are stored again.

#include <vector>

#include "nn/architecture.h"

namespace espalier {

/// What a layer gives to its readers.
struct Value {
  ImageShape shape;
  int stored = -1;       ///< the value whose step wrote the sites; itself, unless it is a view
  int norm = -1;         ///< the step whose scale and shift apply; -1: none
  bool rectify = false;  ///< max(0, .) after that
};

enum class StepKind { convolution, norm, rectify, max_pool, average_pool, add, shortcut, dropout, copy };

struct Step {
  StepKind kind;
  int layer;                ///< in the architecture; of a linear layer, too, which is a convolution of one pixel
  std::vector<int> inputs;  ///< values
  int output;               ///< value
};

struct Plan {
  std::vector<Value> values;  ///< value 0 is the input
  std::vector<Step> steps;
  std::vector<int> layer_values;  ///< of each layer, what it gives
  int logits = 0;
};

/// Values and steps in the order of the layers.
Plan make_plan(const Architecture&);

/// Bytes of the activations of so many images, about: of all that is stored where it is kept, for training (with its
/// gradients) or scoring; else of the three largest, as what has been read is forgotten.
enum class Keeping { largest, all, all_and_gradients };
double estimate_activations(const Architecture&, std::size_t images, Keeping);

}  // namespace espalier
