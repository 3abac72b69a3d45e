#pragma once
/// Files as other programs write them, made with HDF5's own functions.

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "h5/hdf5_api.h"

namespace making {

/// A path in the temporary folder that goes away with the object.
class TemporaryPath {
 public:
  explicit TemporaryPath(const std::string& suffix = ".h5")
      : path("/tmp/espalier-test-" + std::to_string(::getpid()) + "-" + std::to_string(count_++) + suffix) {}
  TemporaryPath(const TemporaryPath&) = delete;
  TemporaryPath& operator=(const TemporaryPath&) = delete;
  ~TemporaryPath() { std::remove(path.c_str()); }
  const std::string path;

 private:
  inline static int count_ = 0;
};

inline std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc).write(bytes.data(), std::streamsize(bytes.size()));
}

using Shape = std::vector<hsize_t>;

inline hid_t space_of(const Shape& shape) {
  return shape.empty() ? H5Screate(H5S_SCALAR) : H5Screate_simple(int(shape.size()), shape.data(), nullptr);
}

inline hid_t variable_string() {
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  return type;
}

inline hid_t fixed_string(std::size_t width) {
  const hid_t type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, width);
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  return type;
}

/// Booleans as h5py stores them.
inline hid_t boolean() {
  const hid_t type = H5Tenum_create(H5T_NATIVE_INT8);
  signed char no = 0, yes = 1;
  H5Tenum_insert(type, "FALSE", &no);
  H5Tenum_insert(type, "TRUE", &yes);
  return type;
}

/// IEEE half precision as h5py describes it.
inline hid_t half() {
  const hid_t type = H5Tcopy(H5T_IEEE_F32LE);
  H5Tset_fields(type, 15, 10, 5, 0, 10);
  H5Tset_size(type, 2);
  H5Tset_ebias(type, 15);
  return type;
}

/// A file under construction. Identifiers of types and property lists that the tests make live until the process ends.
class File {
 public:
  explicit File(const std::string& path, hsize_t user_block = 0) {
    const hid_t creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_userblock(creation, user_block);
    id = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation, H5P_DEFAULT);
    H5Pclose(creation);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { H5Fclose(id); }

  void group(const std::string& path) {
    H5Gclose(H5Gcreate2(id, path.c_str(), intermediate(), H5P_DEFAULT, H5P_DEFAULT));
  }
  /// `memory` describes `values`; the file gets type `stored`.
  void dataset(const std::string& path, hid_t stored, hid_t memory, const Shape& shape, const void* values,
               hid_t creation = H5P_DEFAULT) {
    const hid_t space = space_of(shape);
    const hid_t at = H5Dcreate2(id, path.c_str(), stored, space, intermediate(), creation, H5P_DEFAULT);
    if (values) H5Dwrite(at, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Dclose(at);
    H5Sclose(space);
  }
  void floats(const std::string& path, const Shape& shape, const std::vector<float>& values,
              hid_t stored = H5T_IEEE_F32LE, hid_t creation = H5P_DEFAULT) {
    dataset(path, stored, H5T_NATIVE_FLOAT, shape, values.data(), creation);
  }
  void ints(const std::string& path, const std::vector<int>& values, hid_t stored = H5T_STD_I32LE) {
    dataset(path, stored, H5T_NATIVE_INT, {values.size()}, values.data());
  }
  void texts(const std::string& path, const std::vector<std::string>& values) {
    std::vector<const char*> pointers;
    for (const std::string& value : values) pointers.push_back(value.c_str());
    dataset(path, variable_string(), variable_string(), {values.size()}, pointers.data());
  }
  void attribute(const std::string& object, const std::string& name, hid_t type, const Shape& shape,
                 const void* value) {
    const hid_t space = space_of(shape);
    const hid_t at =
        H5Acreate_by_name(id, object.c_str(), name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(at, type, value);
    H5Aclose(at);
    H5Sclose(space);
  }
  void text_attribute(const std::string& object, const std::string& name, const std::string& text) {
    const char* value = text.c_str();
    attribute(object, name, variable_string(), {}, &value);
  }
  void shape_attribute(const std::string& object, std::vector<long long> shape) {
    attribute(object, "shape", H5T_NATIVE_LLONG, {shape.size()}, shape.data());
  }
  void encoding(const std::string& object, const std::string& type, const std::string& version) {
    text_attribute(object, "encoding-type", type);
    text_attribute(object, "encoding-version", version);
  }

  hid_t id = -1;

 private:
  static hid_t intermediate() {
    static const hid_t list = [] {
      const hid_t made = H5Pcreate(H5P_LINK_CREATE);
      H5Pset_create_intermediate_group(made, 1);
      return made;
    }();
    return list;
  }
};

inline hid_t chunked(const Shape& chunk, bool shuffle = false, int deflate = 0) {
  const hid_t list = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(list, int(chunk.size()), chunk.data());
  if (shuffle) H5Pset_shuffle(list);
  if (deflate > 0) H5Pset_deflate(list, unsigned(deflate));
  return list;
}

/// 3 cells x 4 genes, 0 0 5 0 / 0 0 0 0 / 1 0 2 3, as CSR.
inline void add_csr(File& file, const std::string& group) {
  file.group(group);
  file.floats(group + "/data", {4}, {5, 1, 2, 3});
  file.ints(group + "/indices", {2, 0, 2, 3});
  file.ints(group + "/indptr", {0, 1, 1, 4});
}

/// A small AnnData file as anndata writes it today: 4 cells x 3 genes.
inline void add_anndata(File& file) {
  file.encoding("/", "anndata", "0.1.0");
  file.floats("/X", {4, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  file.encoding("/X", "array", "0.2.0");
  for (const char* group : {"/obs", "/var", "/obsm", "/uns"}) {
    file.group(group);
    file.encoding(group, group[3] == 's' && !group[4] ? "dataframe" : "dict", "0.1.0");
  }
  file.text_attribute("/obs", "_index", "cell");
  file.texts("/obs/cell", {"a", "b", "c", "d"});
  file.group("/obs/kind");
  file.encoding("/obs/kind", "categorical", "0.2.0");
  file.texts("/obs/kind/categories", {"B", "T"});
  file.ints("/obs/kind/codes", {1, -1, 0, 1}, H5T_STD_I8LE);
  file.texts("/obs/word", {"x", "y", "x", "z"});
  file.ints("/obs/number", {3, 1, 4, 1}, H5T_STD_I64LE);
  const signed char flags[] = {1, 0, 0, 1};
  file.dataset("/obs/flag", boolean(), boolean(), {4}, flags);
  file.floats("/obs/score", {4}, {0.5, 1, 2, 3});
}

}  // namespace making
