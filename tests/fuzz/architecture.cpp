/// Architecture JSON: what is accepted is written and read again, and its parameters are listed.

#include "nn/architecture.h"

#include "fuzz.h"
#include "nn/stock.h"

using namespace espalier;

std::vector<std::string> fuzz_seeds() {
  return {
      R"({"input": [1, 4, 4], "classes": 2, "layers": [
          {"name": "c", "kind": "convolution", "channels": 2, "kernel": 3, "stride": 1, "padding": 1, "bias": true},
          {"name": "n", "kind": "batch-norm"}, {"name": "r", "kind": "relu"},
          {"name": "s", "kind": "shortcut", "inputs": ["c"], "stride": 1, "map": [1, -1]},
          {"name": "a", "kind": "add", "inputs": ["r", "s"]},
          {"name": "m", "kind": "max-pool", "kernel": 2, "stride": 2, "padding": 0}, {"name": "f", "kind": "flatten"},
          {"name": "d", "kind": "dropout", "rate": 0.5}, {"name": "l", "kind": "linear", "channels": 2, "bias": true}]})",
      to_json(stock_architecture("cnn-mini", {1, 28, 28}, 10)), to_json(stock_architecture("resnet20", {3, 8, 8}, 3))};
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  return refuse_or_read([&] {
    const Architecture network = parse_architecture({reinterpret_cast<const char*>(bytes), size}, "input");
    const std::string written = to_json(network);
    if (to_json(parse_architecture(written, "input")) != written) __builtin_trap();
    infer_shapes(network);
    list_parameters(network);
  });
}
