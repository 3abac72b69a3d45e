#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "base/error.h"
#include "h5/lzf.h"
#include "h5/samples.h"
#include "h5_making.h"

using namespace espalier;
using making::TemporaryPath;

namespace {

using Ints = std::vector<std::int32_t>;
using Words = std::vector<std::string>;

SampleFile open(const TemporaryPath& at, const std::string& dataset = "", const std::string& labels = "") {
  return SampleFile::open(at.path, {dataset, labels}, {});
}

std::vector<float> values_of(const Matrix& matrix) { return {matrix.data(), matrix.data() + matrix.size()}; }

/// Samples as dense numbers, sparse ones too.
std::vector<float> dense(const SampleFile& file) {
  const Samples samples = file.read_samples();
  Matrix out(sample_count(samples), dimension(samples));
  dense_rows(samples, 0, out.rows(), out.data());
  return values_of(out);
}

std::string error_of(const auto& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// The AnnData file before anndata 0.7: obs and obsm are tables.
void make_legacy_anndata(const std::string& path) {
  making::File file(path);
  file.floats("/X", {3, 2}, {1, 2, 3, 4, 5, 6});
  struct Cell {
    char index[4];
    signed char kind, grade;
    float score;
  };
  const Cell cells[] = {{"c1", 1, 7, 0}, {"c2", -1, 9, 1}, {"c3", 0, 7, 2}};
  const hid_t grades = H5Tenum_create(H5T_NATIVE_INT8);
  const signed char low = 7, high = 9;
  H5Tenum_insert(grades, "low", &low);
  H5Tenum_insert(grades, "high", &high);
  const hid_t obs = H5Tcreate(H5T_COMPOUND, sizeof(Cell));
  H5Tinsert(obs, "index", HOFFSET(Cell, index), making::fixed_string(4));
  H5Tinsert(obs, "kind", HOFFSET(Cell, kind), H5T_NATIVE_INT8);
  H5Tinsert(obs, "grade", HOFFSET(Cell, grade), grades);
  H5Tinsert(obs, "score", HOFFSET(Cell, score), H5T_NATIVE_FLOAT);
  file.dataset("/obs", obs, obs, {3}, cells);
  file.dataset("/var", obs, obs, {3}, cells);
  struct Maps {
    float pca[3];
    double umap[2];
  };
  const Maps maps[] = {{{1, 2, 3}, {0.5, 1.5}}, {{4, 5, 6}, {2.5, 3.5}}, {{7, 8, 9}, {4.5, 5.5}}};
  const hsize_t three = 3, two = 2;
  const hid_t obsm = H5Tcreate(H5T_COMPOUND, sizeof(Maps));
  H5Tinsert(obsm, "X_pca", HOFFSET(Maps, pca), H5Tarray_create2(H5T_NATIVE_FLOAT, 1, &three));
  H5Tinsert(obsm, "X_umap", HOFFSET(Maps, umap), H5Tarray_create2(H5T_NATIVE_DOUBLE, 1, &two));
  file.dataset("/obsm", obsm, obsm, {3}, maps);
  file.texts("/uns/kind_categories", {"B", "T"});
}

EmbeddingSet two_maps(std::size_t rows) {
  EmbeddingSet set;
  for (double q : {1.5, 2.0}) {
    Embedding map{Matrix(rows, 2, float(q)), q, 0.25 * q, 100.0, ""};
    set.maps.push_back(std::move(map));
  }
  set.settings = {{"perplexity", 30.0}, {"seed", std::int64_t(7)}, {"method", std::string("q-SNE")}};
  return set;
}

}  // namespace

TEST_CASE("a file that another program is writing is said to be that, not damaged") {
  const making::TemporaryPath written, copy;
  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_LATEST);
  const hid_t file = H5Fcreate(written.path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access);
  H5Fflush(file, H5F_SCOPE_GLOBAL);
  making::write_bytes(copy.path, making::bytes_of(written.path));
  H5Fclose(file);
  H5Pclose(access);
  CHECK_THROWS_WITH(H5File::open(copy.path), doctest::Contains("is open in a program that writes it"));
  CHECK_NOTHROW(H5File::open(written.path));
}

TEST_CASE("numbers of every width, sign and byte order, half precision, booleans and scalars are read") {
  TemporaryPath at;
  {
    making::File file(at.path);
    const std::vector<float> values{0, 1, 2, 100, 7, 8};
    for (hid_t type : {H5T_STD_I8LE, H5T_STD_U8BE, H5T_STD_I16BE, H5T_STD_U16LE, H5T_STD_I32BE, H5T_STD_U32LE,
                       H5T_STD_I64LE, H5T_STD_U64BE, H5T_IEEE_F32BE, H5T_IEEE_F64LE, H5T_IEEE_F64BE, making::half()}) {
      static int count = 0;
      file.floats("/numbers/" + std::to_string(count++), {3, 2}, values, type);
    }
    file.floats("/packed", {3, 2}, values, H5T_IEEE_F32LE, making::chunked({2, 1}, true, 6));
    const signed char flags[] = {1, 0, 1};
    file.dataset("/flags", making::boolean(), making::boolean(), {3}, flags);
    file.floats("/scalar", {}, {42});
    file.floats("/empty", {0, 5}, {});
    file.floats("/column", {3}, {1, 2, 3});
    file.dataset("/fixed", making::fixed_string(4), making::fixed_string(4), {2}, "abcdef\0\0");
    file.texts("/variable", {"", "zwei ü"});
  }
  const H5File file = H5File::open(at.path);
  for (const std::string& child : file.children("/numbers"))
    CHECK_EQ(file.read_floats("/numbers/" + child), std::vector<float>{0, 1, 2, 100, 7, 8});
  CHECK_EQ(file.children("/numbers").size(), 12);
  CHECK_EQ(file.read_floats("/packed"), std::vector<float>{0, 1, 2, 100, 7, 8});
  CHECK_EQ(file.read_floats("/flags"), std::vector<float>{1, 0, 1});
  CHECK_EQ(file.read_ints("/flags"), Ints{1, 0, 1});
  CHECK_EQ(file.read_floats("/scalar"), std::vector<float>{42});
  CHECK_EQ(file.read_floats("/empty").size(), 0);
  CHECK_EQ(file.read_strings("/fixed"), Words{"abcd", "ef"});
  CHECK_EQ(file.read_strings("/variable"), Words{"", "zwei ü"});
  CHECK_EQ(dense(open(at, "column")), std::vector<float>{1, 2, 3});
  CHECK_THROWS_AS(open(at, "scalar"), DataError);
  CHECK_THROWS_AS(open(at, "empty"), DataError);
  CHECK_THROWS_AS(open(at, "variable"), DataError);
  CHECK(contains(error_of([&] { open(at); }), "/numbers/3: 3 x 2 integer of 2 bytes"));
}

TEST_CASE("AnnData without X: the maps that are there, for as many samples as obs names") {
  TemporaryPath at(".h5ad");
  {
    making::File file(at.path);
    file.encoding("/", "anndata", "0.1.0");
    file.group("/obs");
    file.group("/var");
    file.encoding("/obs", "dataframe", "0.2.0");
    file.text_attribute("/obs", "_index", "_index");
    file.texts("/obs/_index", {"c1", "c2", "c3"});
    file.floats("/obsm/X_umap", {3, 2}, {1, 2, 3, 4, 5, 6});
  }
  const SampleFile file = open(at);
  CHECK_EQ(file.rows(), 3);
  CHECK_FALSE(file.has_data());
  CHECK(file.read_embeddings().empty());
  CHECK_EQ(values_of(file.read_embeddings("obsm/X_umap").at(0).coordinates), std::vector<float>{1, 2, 3, 4, 5, 6});
  CHECK(contains(error_of([&] { (void)file.read_samples(); }), "holds no samples"));
}

TEST_CASE("columns of a table are read by name, the table as a whole is refused with their list") {
  TemporaryPath at(".h5ad");
  make_legacy_anndata(at.path);
  const H5File file = H5File::open(at.path);
  CHECK_EQ(file.read_floats("/obs/score"), std::vector<float>{0, 1, 2});
  CHECK_EQ(file.read_strings("/obs/index"), Words{"c1", "c2", "c3"});
  CHECK_EQ(file.info("/obsm/X_umap").shape, std::vector<std::size_t>{3, 2});
  CHECK(contains(error_of([&] { file.read_floats("/obs"); }), "name one of its columns: index, kind, grade, score"));
  CHECK(contains(error_of([&] { open(at, "obs"); }), "name one of its columns"));
}

TEST_CASE("a filter whose plug-in is missing is named") {
  TemporaryPath at;
  {
    making::File file(at.path);
    const hid_t list = making::chunked({2, 2});
    H5Pset_filter(list, 32015, H5Z_FLAG_OPTIONAL, 0, nullptr);
    file.floats("/data", {4, 2}, std::vector<float>(8, 1), H5T_IEEE_F32LE, list);
  }
  CHECK(contains(error_of([&] { open(at).read_samples(); }), "/data is compressed by filter 32015"));
}

TEST_CASE("a user block, as in MATLAB 7.3 files, does not hide the file") {
  TemporaryPath at(".mat");
  {
    making::File file(at.path, 512);
    file.floats("/fea", {3, 2}, {1, 2, 3, 4, 5, 6});
  }
  CHECK_EQ(dense(open(at, "fea")), std::vector<float>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("AnnData: labels come from categories, text, booleans and integers") {
  TemporaryPath at(".h5ad");
  {
    making::File file(at.path);
    making::add_anndata(file);
    file.group("/obs/maybe");
    file.encoding("/obs/maybe", "nullable-integer", "0.1.0");
    file.ints("/obs/maybe/values", {1, 2, 3, 4});
    const signed char mask[] = {0, 1, 0, 0};
    file.dataset("/obs/maybe/mask", making::boolean(), making::boolean(), {4}, mask);
    file.group("/obs/years");
    file.ints("/obs/years/categories", {1999, 2001});
    file.ints("/obs/years/codes", {1, 1, 0, 0}, H5T_STD_I8LE);
  }
  const auto labels = [&](const std::string& column) { return open(at, "X", column).read_labels().value(); };
  CHECK_EQ(labels("kind").values, Ints{1, -1, 0, 1});
  CHECK_EQ(labels("obs/kind").names, Words{"B", "T"});
  CHECK_EQ(labels("word").values, Ints{0, 1, 0, 2});
  CHECK_EQ(labels("word").names, Words{"x", "y", "z"});
  CHECK_EQ(labels("number").values, Ints{3, 1, 4, 1});
  CHECK_EQ(labels("flag").values, Ints{1, 0, 0, 1});
  CHECK_EQ(labels("flag").names, Words{"FALSE", "TRUE"});
  CHECK_EQ(labels("maybe").values, Ints{1, -1, 3, 4});
  CHECK_EQ(labels("years").names, Words{"1999", "2001"});
  CHECK_EQ(open(at).read_ids(), Words{"a", "b", "c", "d"});
  CHECK_FALSE(open(at).read_labels().has_value());
  const std::string message = error_of([&] { labels("colour"); });
  CHECK(contains(message, "/obs/colour is missing; labels could come from: flag, kind, maybe, number, word, years"));
  CHECK(contains(error_of([&] { labels("score"); }), "does not hold classes"));
}

TEST_CASE("AnnData: a code beyond the categories is refused") {
  TemporaryPath at(".h5ad");
  {
    making::File file(at.path);
    making::add_anndata(file);
    file.group("/obs/bad");
    file.texts("/obs/bad/categories", {"B", "T"});
    file.ints("/obs/bad/codes", {0, 1, 2, 0}, H5T_STD_I8LE);
  }
  CHECK_THROWS_AS(open(at, "", "bad").read_labels(), DataError);
}

TEST_CASE("AnnData of 0.7: the names of categories stand in obs/__categories") {
  TemporaryPath at(".h5ad");
  {
    making::File file(at.path);
    file.group("/X");
    making::add_csr(file, "/X");
    file.encoding("/X", "csr_matrix", "0.1.0");
    file.shape_attribute("/X", {3, 4});
    file.group("/var");
    file.ints("/obs/kind", {0, -1, 1}, H5T_STD_I8LE);
    file.texts("/obs/__categories/kind", {"B", "T"});
  }
  const SampleFile file = open(at, "", "kind");
  CHECK_EQ(dense(file), std::vector<float>{0, 0, 5, 0, 0, 0, 0, 0, 1, 0, 2, 3});
  CHECK_EQ(file.read_labels()->values, Ints{0, -1, 1});
  CHECK_EQ(file.read_labels()->names, Words{"B", "T"});
}

TEST_CASE("AnnData before 0.7: tables of obs and obsm, categories in uns or in an enumeration") {
  TemporaryPath at(".h5ad");
  make_legacy_anndata(at.path);
  CHECK_EQ(dense(open(at)), std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK_EQ(dense(open(at, "obsm/X_umap")), std::vector<float>{0.5, 1.5, 2.5, 3.5, 4.5, 5.5});
  CHECK_EQ(dense(open(at, "X")), std::vector<float>{1, 2, 3, 4, 5, 6});
  CHECK_EQ(open(at, "", "kind").read_labels()->values, Ints{1, -1, 0});
  CHECK_EQ(open(at, "", "kind").read_labels()->names, Words{"B", "T"});
  CHECK_EQ(open(at, "", "grade").read_labels()->values, Ints{0, 1, 0});
  CHECK_EQ(open(at, "", "grade").read_labels()->names, Words{"low", "high"});
  CHECK_EQ(open(at).read_ids(), Words{"c1", "c2", "c3"});
  CHECK(contains(error_of([&] { open(at, "", "x").read_labels(); }), "labels could come from: kind, grade"));
}

TEST_CASE("AnnData: CSR and CSC matrices give the same samples") {
  TemporaryPath csr(".h5ad"), csc(".h5ad");
  for (const auto* at : {&csr, &csc}) {
    making::File file(at->path);
    file.group("/obs");
    file.group("/var");
    file.group("/X");
    if (at == &csr) {
      making::add_csr(file, "/X");
    } else {
      file.floats("/X/data", {4}, {1, 5, 2, 3});
      file.ints("/X/indices", {2, 0, 2, 2});
      file.ints("/X/indptr", {0, 1, 1, 3, 4});
    }
    file.encoding("/X", at == &csr ? "csr_matrix" : "csc_matrix", "0.1.0");
    file.shape_attribute("/X", {3, 4});
  }
  CHECK_EQ(dense(open(csr)), std::vector<float>{0, 0, 5, 0, 0, 0, 0, 0, 1, 0, 2, 3});
  CHECK_EQ(dense(open(csc)), dense(open(csr)));
}

TEST_CASE("10x Genomics: features x cells by columns are cells x features, under today's name and a genome's") {
  for (const std::string group : {"/matrix", "/GRCh38"}) {
    TemporaryPath at;
    {
      making::File file(at.path);
      making::add_csr(file, group);
      file.ints(group + "/shape", {4, 3});
      file.texts(group + "/barcodes", {"AAA", "AAC", "AAG"});
    }
    const SampleFile file = open(at);
    CHECK_EQ(file.layout().convention, Convention::tenx);
    CHECK_EQ(dense(file), std::vector<float>{0, 0, 5, 0, 0, 0, 0, 0, 1, 0, 2, 3});
    CHECK_EQ(file.read_ids(), Words{"AAA", "AAC", "AAG"});
  }
}

TEST_CASE("10x Genomics: of several genomes one must be named") {
  TemporaryPath at;
  {
    making::File file(at.path);
    for (const std::string group : {"/hg19", "/mm10"}) {
      making::add_csr(file, group);
      file.ints(group + "/shape", {4, 3});
      file.texts(group + "/barcodes", {"AAA", "AAC", "AAG"});
    }
  }
  CHECK(contains(error_of([&] { open(at); }), "name one with --dataset: /hg19, /mm10"));
  CHECK_EQ(open(at, "mm10").rows(), 3);
}

TEST_CASE("ann-benchmarks and Keras: training and test rows follow one another, with their split and labels") {
  TemporaryPath ann, keras;
  {
    making::File file(ann.path);
    file.floats("/train", {2, 2}, {1, 2, 3, 4});
    file.floats("/test", {1, 2}, {5, 6});
    file.ints("/neighbors", {0, 1});
    file.text_attribute("/", "distance", "angular");
    making::File pairs(keras.path);
    pairs.floats("/x_train", {2, 1, 2}, {1, 2, 3, 4}, H5T_STD_U8LE);
    pairs.floats("/x_test", {1, 1, 2}, {5, 6}, H5T_STD_U8LE);
    pairs.texts("/y_train", {"dog", "cat"});
    pairs.texts("/y_test", {"bee"});
  }
  for (const auto* at : {&ann, &keras}) {
    CHECK_EQ(dense(open(*at)), std::vector<float>{1, 2, 3, 4, 5, 6});
    CHECK_EQ(open(*at).read_split(), std::vector<std::uint8_t>{0, 0, 1});
  }
  CHECK_EQ(open(keras).read_labels()->values, Ints{2, 1, 0});
  CHECK_EQ(open(keras).read_labels()->names, Words{"bee", "cat", "dog"});
}

TEST_CASE("AnnData gets its maps in obsm, settings and history in uns, and nothing at the root") {
  TemporaryPath at(".h5ad"), to(".h5ad");
  {
    making::File file(at.path);
    making::add_anndata(file);
  }
  const Words before = H5File::open(at.path).children("/");
  for (int run = 0; run < 2; ++run) {
    const SampleFile file = open(run == 0 ? at : to);
    Output out(to.path);
    out.pass_through(file.file());
    write_embeddings(out, file.layout().convention, two_maps(4));
    add_history(out, file.layout().convention, "qsne");
    out.commit();
  }
  const SampleFile file = open(to);
  const H5File& raw = file.file();
  CHECK_EQ(raw.children("/"), before);
  CHECK_FALSE(raw.has_attribute("/", "history"));
  CHECK_EQ(raw.children("/obsm"), Words{"X_qsne_q1.5", "X_qsne_q2"});
  CHECK_EQ(raw.text_attribute("/obsm/X_qsne_q2", "encoding-type"), "array");
  CHECK_EQ(raw.text_attribute("/obsm/X_qsne_q2", "encoding-version"), "0.2.0");
  CHECK_EQ(raw.text_attribute("/uns/qsne", "encoding-type"), "dict");
  CHECK_EQ(raw.text_attribute("/uns/qsne", "encoding-version"), "0.1.0");
  CHECK_EQ(raw.text_attribute("/uns/qsne/perplexity", "encoding-type"), "numeric-scalar");
  CHECK_EQ(raw.text_attribute("/uns/qsne/method", "encoding-type"), "string");
  CHECK_EQ(raw.read_strings("/uns/qsne/history"), Words{"qsne", "qsne"});
  CHECK_EQ(raw.text_attribute("/uns/qsne/history", "encoding-type"), "string-array");
  const std::vector<Embedding> maps = file.read_embeddings();
  REQUIRE_EQ(maps.size(), 2);
  CHECK_EQ(maps[0].q.value(), 1.5);
  CHECK_EQ(maps[1].kl.value(), 0.5);
  CHECK_EQ(maps[1].coordinates(3, 1), 2);
}

TEST_CASE("AnnData: q and cost are found where another program dropped the attributes") {
  TemporaryPath at(".h5ad");
  {
    making::File file(at.path);
    making::add_anndata(file);
    for (const char* name : {"/obsm/X_qsne_q1.5", "/obsm/X_qsne_q2"})
      file.floats(name, {4, 2}, std::vector<float>(8, 1));
    file.dataset("/uns/qsne/q", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, {2}, std::array{1.5, 2.0}.data());
    file.dataset("/uns/qsne/kl", H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, {2}, std::array{0.7, 0.6}.data());
  }
  const std::vector<Embedding> maps = open(at).read_embeddings();
  REQUIRE_EQ(maps.size(), 2);
  CHECK_EQ(maps[1].q.value(), 2);
  CHECK_EQ(maps[0].kl.value(), 0.7);
}

TEST_CASE("AnnData before 0.7: the table obsm becomes a group that holds its columns and the map") {
  TemporaryPath at(".h5ad"), to(".h5ad");
  make_legacy_anndata(at.path);
  {
    const SampleFile file = open(at);
    Output out(to.path);
    out.pass_through(file.file());
    EmbeddingSet set = two_maps(3);
    set.maps.pop_back();
    write_embeddings(out, file.layout().convention, set);
    out.commit();
  }
  const H5File file = H5File::open(to.path);
  CHECK_FALSE(file.is_table("/obsm"));
  CHECK_EQ(file.children("/obsm"), Words{"X_pca", "X_qsne", "X_umap"});
  CHECK_EQ(file.read_floats("/obsm/X_pca"), std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK_EQ(file.info("/obsm/X_umap").item_bytes, 8);
  CHECK(file.is_table("/obs"));
  CHECK_EQ(open(to).read_embeddings().at(0).q.value(), 1.5);
}

TEST_CASE("what is passed on keeps attributes, soft links, hard links and references") {
  TemporaryPath at, to;
  {
    making::File file(at.path);
    file.floats("/data", {2, 2}, {1, 2, 3, 4}, H5T_IEEE_F32LE, making::chunked({1, 2}, true, 4));
    file.text_attribute("/data", "note", "hello");
    file.text_attribute("/", "title", "root");
    H5Lcreate_soft("/data", file.id, "/soft", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/nowhere", file.id, "/dangling", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_hard(file.id, "/data", file.id, "/hard", H5P_DEFAULT, H5P_DEFAULT);
    file.floats("/dropped", {1}, {1});
    hobj_ref_t reference;
    H5Rcreate(&reference, file.id, "/data", H5R_OBJECT, -1);
    file.attribute("/data", "self", H5T_STD_REF_OBJ, {}, &reference);
  }
  {
    const H5File from = H5File::open(at.path);
    Output out(to.path);
    out.pass_through(from, {"/dropped"});
    out.commit();
  }
  const H5File file = H5File::open(to.path);
  CHECK_EQ(file.children("/"), Words{"dangling", "data", "hard", "soft"});
  CHECK_EQ(file.text_attribute("/data", "note"), "hello");
  CHECK_EQ(file.text_attribute("/", "title"), "root");
  CHECK_EQ(file.read_floats("/soft"), std::vector<float>{1, 2, 3, 4});
  CHECK_FALSE(file.has("/dangling"));
  const hid_t raw = H5Fopen(to.path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  H5O_info_t data, hard, referred;
  H5Oget_info_by_name2(raw, "/data", &data, H5O_INFO_BASIC, H5P_DEFAULT);
  H5Oget_info_by_name2(raw, "/hard", &hard, H5O_INFO_BASIC, H5P_DEFAULT);
  CHECK_EQ(data.addr, hard.addr);
  const hid_t attribute = H5Aopen_by_name(raw, "/data", "self", H5P_DEFAULT, H5P_DEFAULT);
  hobj_ref_t reference = 0;
  H5Aread(attribute, H5T_STD_REF_OBJ, &reference);
  const hid_t object = H5Rdereference2(raw, H5P_DEFAULT, H5R_OBJECT, &reference);
  REQUIRE(object >= 0);
  H5Oget_info2(object, &referred, H5O_INFO_BASIC);
  CHECK_EQ(referred.addr, data.addr);
  H5Oclose(object);
  H5Aclose(attribute);
  H5Fclose(raw);
}

TEST_CASE("real AnnData, 10x and ann-benchmarks files are read as their makers meant them") {
  const char* root = std::getenv("ESPALIER_DATA");
  const std::string data = root ? root : "data/cache";
  const auto at = [&](const std::string& name) { return data + "/" + name; };
  if (::access(at("anndata/pbmc68k_reduced.h5ad").c_str(), R_OK) != 0) {
    MESSAGE("skipped: no anndata/ under ESPALIER_DATA");
    return;
  }
  const auto load = [&](const std::string& name, const std::string& dataset, const std::string& labels) {
    return SampleFile::open(at(name), {dataset, labels}, {});
  };
  const auto classes = [](const SampleFile& file) { return file.read_labels()->names.size(); };
  const SampleFile today = load("anndata/pbmc68k_reduced.h5ad", "X", "bulk_labels");
  CHECK_EQ(dimension(today.read_samples()), 765);
  CHECK_EQ(today.rows(), 700);
  CHECK_EQ(classes(today), 10);
  CHECK_EQ(classes(load("anndata/pbmc68k_reduced.h5ad", "", "louvain")), 11);
  CHECK_EQ(dimension(load("anndata/pbmc68k_reduced.h5ad", "", "").read_samples()), 50);
  const SampleFile old = load("anndata/pbmc68k_reduced.old-format.h5ad", "", "bulk_labels");
  CHECK_EQ(dimension(old.read_samples()), 50);
  CHECK_EQ(old.read_labels()->names.size(), 10);
  CHECK_EQ(old.read_ids().size(), old.rows());
  const SampleFile archive = load("anndata/anndata-archive-v0.7.0.h5ad", "", "obs_cat");
  CHECK_EQ(archive.read_labels()->values.size(), sample_count(archive.read_samples()));
  CHECK_EQ(load("anndata/anndata-archive-v0.7.0.h5ad", "obsm/sparse", "").rows(), archive.rows());
  const SampleFile tenx = load("anndata/10x_filtered_feature_bc_matrix.h5", "", "");
  CHECK_EQ(tenx.read_ids().size(), sample_count(tenx.read_samples()));
  const SampleFile glove = load("ann-benchmarks/glove-25-angular-11k-500.hdf5", "", "");
  CHECK_EQ(dimension(glove.read_samples()), 25);
  const std::vector<std::uint8_t> split = glove.read_split();
  CHECK_EQ(std::count(split.begin(), split.end(), 1), 500);
}

TEST_CASE("LZF: literals, repeats and overlapping repeats are unpacked, damage is noticed") {
  std::vector<unsigned char> out;
  // "abc" as it is; 3 from 3 back; 9 + 2 + 1 from 1 back, which overlaps.
  const std::vector<unsigned char> packed{2, 'a', 'b', 'c', 1 << 5, 2, 7 << 5, 3, 0};
  REQUIRE(unpack_lzf(packed, 100, out));
  CHECK_EQ(std::string(out.begin(), out.end()), "abcabc" + std::string(12, 'c'));
  for (std::size_t size = 1; size < packed.size(); ++size) {
    out.clear();
    const bool whole = size == 4 || size == 6;
    CHECK_EQ(unpack_lzf({packed.data(), size}, 100, out), whole);
  }
  out.clear();
  CHECK_FALSE(unpack_lzf(packed, 17, out));
  out.clear();
  CHECK_FALSE(unpack_lzf(std::vector<unsigned char>{0, 'a', 1 << 5, 1}, 100, out));
}
