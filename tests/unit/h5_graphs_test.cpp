#include <doctest/doctest.h>

#include <cmath>

#include "base/error.h"
#include "h5/graphs.h"
#include "h5/output.h"
#include "h5_making.h"

using namespace espalier;
using making::TemporaryPath;

namespace {

template <class T>
Buffer<T> buffer(std::initializer_list<T> values) {
  Buffer<T> out(values.size());
  std::copy(values.begin(), values.end(), out.begin());
  return out;
}

template <class T>
std::vector<T> list(const Buffer<T>& values) {
  return {values.begin(), values.end()};
}

/// 3 samples on a line at 0, 1 and 3.
NeighborGraph line_graph() {
  NeighborGraph graph;
  graph.rows = 3;
  graph.k = 2;
  graph.indices = buffer<std::int32_t>({1, 2, 0, 2, 1, 0});
  graph.distances = buffer<float>({1, 3, 1, 2, 2, 3});
  graph.metric = Metric::cosine;
  graph.exact = false;
  graph.recall = 0.75;
  return graph;
}

Affinities chain() {
  return {3, buffer<std::int64_t>({0, 1, 3, 4}), buffer<std::int32_t>({1, 0, 2, 1}),
          buffer<float>({0.375f, 0.375f, 0.125f, 0.125f})};
}

/// What reading says about a file that `make` wrote.
template <class Make, class Read>
std::string complaint(const Make& make, const Read& read) {
  TemporaryPath at;
  {
    making::File file(at.path);
    make(file);
  }
  try {
    read(H5File::open(at.path));
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

std::string complaint_about_graph(std::vector<int> indices, const std::vector<float>& distances) {
  return complaint(
      [&](making::File& file) {
        file.dataset("/neighbors/indices", H5T_STD_I32LE, H5T_NATIVE_INT, {3, 2}, indices.data());
        file.floats("/neighbors/distances", {3, 2}, distances);
      },
      [](const H5File& file) { read_neighbors(file); });
}

std::string complaint_about_p(const std::vector<int>& indptr, const std::vector<int>& indices,
                              const std::vector<float>& values) {
  return complaint(
      [&](making::File& file) {
        file.ints("/affinities/indptr", indptr);
        file.ints("/affinities/indices", indices);
        file.floats("/affinities/data", {values.size()}, values);
        file.shape_attribute("/affinities", {3, 3});
      },
      [](const H5File& file) { read_affinities(file); });
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("graph and affinities come back as they were written, in our files and in AnnData") {
  for (Convention convention : {Convention::native, Convention::anndata}) {
    TemporaryPath at;
    {
      Output out(at.path);
      write_neighbors(out.file(), convention, line_graph(), {});
      write_affinities(out.file(), convention, chain(), {{"perplexity", 30.0}});
      out.commit();
    }
    const H5File file = H5File::open(at.path);
    const NeighborGraph graph = read_neighbors(file).value();
    CHECK_EQ(graph.rows, 3);
    CHECK_EQ(graph.k, 2);
    CHECK_EQ(list(graph.indices), list(line_graph().indices));
    CHECK_EQ(list(graph.distances), list(line_graph().distances));
    CHECK_EQ(graph.metric, Metric::cosine);
    CHECK_FALSE(graph.exact);
    CHECK_EQ(graph.recall, 0.75);
    const Affinities p = read_affinities(file).value();
    CHECK_EQ(list(p.indptr), list(chain().indptr));
    CHECK_EQ(list(p.indices), list(chain().indices));
    CHECK_EQ(list(p.values), list(chain().values));
  }
}

TEST_CASE("graphs in AnnData are csr_matrix groups that uns/qsne names as scanpy expects") {
  TemporaryPath at;
  {
    Output out(at.path);
    write_neighbors(out.file(), Convention::anndata, line_graph(), {});
    write_affinities(out.file(), Convention::anndata, chain(), {});
    out.commit();
  }
  const H5File file = H5File::open(at.path);
  CHECK_EQ(file.children("/"), std::vector<std::string>{"obsp", "uns"});
  CHECK_EQ(file.text_attribute("/obsp/qsne_distances", "encoding-type"), "csr_matrix");
  CHECK_EQ(file.text_attribute("/obsp/qsne_distances", "encoding-version"), "0.1.0");
  CHECK_EQ(file.numbers_attribute("/obsp/qsne_affinities", "shape"), std::vector<double>{3, 3});
  CHECK_EQ(file.read_ints("/obsp/qsne_distances/indices"), std::vector<std::int32_t>{1, 2, 0, 2, 0, 1});
  // scipy converts only matrices whose pointers and indices have one width.
  for (const std::string group : {"/obsp/qsne_distances", "/obsp/qsne_affinities"})
    CHECK_EQ(file.info(group + "/indptr").item_bytes, file.info(group + "/indices").item_bytes);
  CHECK_EQ(file.read_doubles("/uns/qsne/params/n_neighbors"), std::vector<double>{3});
  CHECK_EQ(file.read_strings("/uns/qsne/distances_key"), std::vector<std::string>{"qsne_distances"});
  CHECK_EQ(file.read_strings("/uns/qsne/connectivities_key"), std::vector<std::string>{"qsne_affinities"});
}

TEST_CASE("a file without graphs has none, and ann-benchmarks' answers are not taken for one") {
  TemporaryPath at;
  {
    making::File file(at.path);
    file.ints("/neighbors", {0, 1});
    file.floats("/distances", {2}, {0, 1});
  }
  CHECK_FALSE(read_neighbors(H5File::open(at.path)).has_value());
  CHECK_FALSE(read_affinities(H5File::open(at.path)).has_value());
  CHECK_THROWS_AS(read_neighbors(H5File::open(at.path), "obsp/distances"), DataError);
}

TEST_CASE("scanpy's distances and connectivities are read where they are named") {
  TemporaryPath at;
  {
    making::File file(at.path);
    file.ints("/obsp/distances/indptr", {0, 2, 4, 6});
    file.ints("/obsp/distances/indices", {1, 2, 0, 2, 0, 1});
    file.dataset("/obsp/distances/data", H5T_IEEE_F64LE, H5T_NATIVE_FLOAT, {6},
                 std::vector<float>{1, 3, 1, 2, 3, 2}.data());
    file.shape_attribute("/obsp/distances", {3, 3});
    file.ints("/obsp/connectivities/indptr", {0, 1, 3, 4});
    file.ints("/obsp/connectivities/indices", {1, 0, 2, 1});
    file.floats("/obsp/connectivities/data", {4}, {3, 3, 1, 1});
    file.shape_attribute("/obsp/connectivities", {3, 3});
  }
  const H5File file = H5File::open(at.path);
  CHECK_FALSE(read_neighbors(file).has_value());
  CHECK_EQ(list(read_neighbors(file, "obsp/distances")->indices), list(line_graph().indices));
  CHECK_EQ(list(read_affinities(file, "obsp/connectivities")->values), list(chain().values));
}

TEST_CASE("a graph that cannot be true is refused, saying why") {
  CHECK_EQ(complaint_about_graph({1, 2, 0, 2, 1, 0}, {1, 3, 1, 2, 2, 3}), "");
  CHECK(contains(complaint_about_graph({1, 3, 0, 2, 1, 0}, {1, 3, 1, 2, 2, 3}), "names sample 3 as neighbour of 0"));
  CHECK(contains(complaint_about_graph({1, -1, 0, 2, 1, 0}, {1, 3, 1, 2, 2, 3}), "names sample -1"));
  CHECK(contains(complaint_about_graph({1, 0, 0, 2, 1, 0}, {1, 3, 1, 2, 2, 3}), "its own neighbour"));
  CHECK(contains(complaint_about_graph({1, 1, 0, 2, 1, 0}, {1, 3, 1, 2, 2, 3}), "twice"));
  CHECK(contains(complaint_about_graph({1, 2, 0, 2, 1, 0}, {3, 1, 1, 2, 2, 3}), "nearest first in row 0"));
  CHECK(contains(complaint_about_graph({1, 2, 0, 2, 1, 0}, {1, 3, 1, NAN, 2, 3}), "distance nan in row 1"));
  CHECK(contains(complaint_about_graph({1, 2, 0, 2, 1, 0}, {1, 3, -1, 2, 2, 3}), "distance -1 in row 1"));
}

TEST_CASE("affinities that cannot be true are refused, saying why") {
  const std::vector<int> indptr{0, 1, 3, 4}, indices{1, 0, 2, 1};
  const std::vector<float> values{0.375f, 0.375f, 0.125f, 0.125f};
  CHECK_EQ(complaint_about_p(indptr, indices, values), "");
  CHECK(contains(complaint_about_p({0, 3, 1, 4}, indices, values), "does not ascend"));
  CHECK(contains(complaint_about_p({0, 1, 3, 5}, indices, values), "does not ascend"));
  CHECK(contains(complaint_about_p(indptr, {1, 2, 0, 1}, values), "do not ascend in row 1"));
  CHECK(contains(complaint_about_p(indptr, {3, 0, 2, 1}, values), "column 3 in row 0"));
  CHECK(contains(complaint_about_p(indptr, {0, 0, 2, 1}, values), "diagonal"));
  CHECK(contains(complaint_about_p(indptr, {2, 0, 2, 1}, values), "not symmetric"));
  CHECK(contains(complaint_about_p(indptr, indices, {0.375f, 0.37f, 0.125f, 0.13f}), "not symmetric"));
  CHECK(contains(complaint_about_p(indptr, indices, {0.375f, 0.375f, 0, 0}), "positive"));
  CHECK(contains(complaint_about_p(indptr, indices, {0.4f, 0.4f, 0.125f, 0.125f}), "sums to 1.05"));
}
