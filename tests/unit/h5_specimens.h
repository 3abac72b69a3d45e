#pragma once
/// One small file of each kind that the suite reads as HDF5, and everything that a tool might ask of it.

#include <string>
#include <vector>

#include "h5/graphs.h"
#include "h5/network.h"
#include "h5/samples.h"
#include "h5_making.h"
#include "nn/executor.h"

namespace specimens {

using namespace espalier;

/// Everything that a tool might ask of a file.
inline void use(const std::string& path, const std::string& labels) {
  const SampleFile file = SampleFile::open(path, {"", labels}, {});
  if (file.has_data()) file.read_samples();
  file.read_labels();
  file.read_ids();
  file.read_split();
  file.read_embeddings();
  read_neighbors(file.file());
  read_affinities(file.file());
}

/// Everything that net-eval does with a network.
inline void use_network(const std::string& path, const std::string&) {
  StoredNetwork network = read_network(H5File::open(path));
  Executor executor(network.architecture, network.parameters);
  const std::vector<float> image(network.architecture.input.size(), 0.5f);
  executor.forward(image.data(), 1);
}

inline void make_native(const std::string& path) {
  making::File file(path);
  file.floats("/data", {8, 3}, std::vector<float>(24, 1.5f), H5T_IEEE_F32LE, making::chunked({4, 3}, true, 4));
  file.ints("/labels", {0, 1, 2, 0, 1, 2, 0, 1});
  file.dataset("/ids", making::fixed_string(2), making::fixed_string(2), {8}, "a b c d e f g h ");
  file.floats("/embedding", {8, 2}, std::vector<float>(16, 1));
}

inline void make_tenx(const std::string& path) {
  making::File file(path);
  making::add_csr(file, "/matrix");
  file.ints("/matrix/shape", {4, 3});
  file.dataset("/matrix/barcodes", making::fixed_string(3), making::fixed_string(3), {3}, "AAAAACAAG");
}

inline void make_anndata(const std::string& path) {
  making::File file(path);
  making::add_anndata(file);
}

inline void make_network(const std::string& path) {
  StoredNetwork network;
  network.architecture = parse_architecture(R"({"input": [1, 4, 4], "classes": 2, "layers": [
      {"name": "c", "kind": "convolution", "channels": 2, "kernel": 3, "stride": 1, "padding": 1, "bias": true},
      {"name": "n", "kind": "batch-norm"}, {"name": "r", "kind": "relu"},
      {"name": "s", "kind": "shortcut", "inputs": ["c"], "stride": 1, "map": [1, -1]},
      {"name": "a", "kind": "add", "inputs": ["r", "s"]},
      {"name": "m", "kind": "max-pool", "kernel": 2, "stride": 2, "padding": 0}, {"name": "f", "kind": "flatten"},
      {"name": "d", "kind": "dropout", "rate": 0.5}, {"name": "l", "kind": "linear", "channels": 2, "bias": true}]})",
                                            path);
  network.parameters = initial_parameters(network.architecture, 1);
  network.normalization = {{0.5f}, {0.25f}};
  network.names = {"cat", "dog"};
  H5File file = H5File::create(path);
  write_network(file, network);
  file.close();
}

}  // namespace specimens
