#pragma once
/// What the tests of lib/import/ share: a temporary folder, and a source read to its end.

#include <matio.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <string>

#include "import/source.h"

namespace espalier {

/// A folder that goes away with the object.
struct TemporaryFolder {
  std::string path;
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "espalier-import-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path); }

  /// Writes a file, with the folders above it, and returns its path.
  std::string write(const std::string& name, const std::string& bytes) const {
    const std::filesystem::path at = std::filesystem::path(path) / name;
    std::filesystem::create_directories(at.parent_path());
    std::ofstream(at, std::ios::binary) << bytes;
    return at.string();
  }
};

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// All batches, one after the other.
struct Gathered {
  SampleHeader header;
  std::size_t rows = 0;
  std::vector<std::uint8_t> bytes;
  std::vector<float> floats;
  std::vector<std::int32_t> labels;
  std::vector<std::string> ids;
};

inline Gathered gather(const SourcePointer& source, std::size_t most) {
  Gathered all;
  all.header = source->header();
  for (SampleBatch batch; source->read(most, batch), batch.rows > 0; all.rows += batch.rows) {
    all.bytes.insert(all.bytes.end(), batch.bytes.begin(), batch.bytes.end());
    all.floats.insert(all.floats.end(), batch.floats.begin(), batch.floats.end());
    all.labels.insert(all.labels.end(), batch.labels.begin(), batch.labels.end());
    all.ids.insert(all.ids.end(), batch.ids.begin(), batch.ids.end());
  }
  return all;
}

/// faces: 16 x 3 uint8, counting down the columns. real: 4 x 6 double, halves. stack: 2 x 3 x 2 x 5 uint8. y: 3 1 2 1.
inline void write_mat(const std::string& path, mat_ft version = MAT_FT_MAT5) {
  mat_t* file = Mat_CreateVer(path.c_str(), nullptr, version);
  const auto add = [&](const char* name, std::vector<std::size_t> dims, matio_classes kind, matio_types type,
                       void* data, matio_compression packing) {
    matvar_t* variable = Mat_VarCreate(name, kind, type, int(dims.size()), dims.data(), data, 0);
    Mat_VarWrite(file, variable, packing);
    Mat_VarFree(variable);
  };
  std::vector<std::uint8_t> bytes(60);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t(0));
  std::vector<double> halves(24), labels{3, 1, 2, 1};
  for (std::size_t i = 0; i < halves.size(); ++i) halves[i] = 0.5 * double(i);
  add("faces", {16, 3}, MAT_C_UINT8, MAT_T_UINT8, bytes.data(), MAT_COMPRESSION_ZLIB);
  add("real", {4, 6}, MAT_C_DOUBLE, MAT_T_DOUBLE, halves.data(), MAT_COMPRESSION_NONE);
  if (version != MAT_FT_MAT4) add("stack", {2, 3, 2, 5}, MAT_C_UINT8, MAT_T_UINT8, bytes.data(), MAT_COMPRESSION_NONE);
  add("y", {4, 1}, MAT_C_DOUBLE, MAT_T_DOUBLE, labels.data(), MAT_COMPRESSION_ZLIB);
  Mat_Close(file);
}

}  // namespace espalier
