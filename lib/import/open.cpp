#include "import/open.h"

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "h5/target.h"
#include "import/binary.h"
#include "import/idx.h"
#include "import/labels.h"
#include "import/npy.h"
#include "import/words.h"
#include "import/zip.h"

namespace espalier {

namespace {

namespace fs = std::filesystem;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  if (const std::size_t at = text.rfind(from); at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

bool exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

std::size_t size_of(const std::string& path) {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(path, error);
  if (error) throw SystemError(kNoInput, "{}: {}", path, error.message());
  return size;
}

/// Standard input, a pipe or a device: what is read is gone.
bool can_be_read_once(const std::string& path) { return path == "-" || is_special(path); }

std::vector<std::string> names_from(const std::string& path) {
  std::vector<std::string> names;
  if (!exists(path)) return names;
  ByteStream stream = ByteStream::open(path);
  for (std::string line; stream.read_line(line);)
    if (!line.empty()) names.push_back(line);
  return names;
}

/// Opens the operands one by one into an Import.
class Opener {
 public:
  Opener(const ImportOptions& options, const Control& control) : options_(options), control_(control) {}

  Import open(const std::vector<std::string>& paths) {
    require_label_options();
    add_all(paths, options_.label_file, import_.training, import_.test);
    if (!options_.test.empty()) add_all({options_.test}, options_.test_label_file, import_.test, import_.test);
    refuse_idle();
    return std::move(import_);
  }

 private:
  using Sources = std::vector<SourcePointer>;

  void require_label_options() const {
    const int ways = !options_.table.label.empty() + !options_.label_pattern.empty() + (options_.label_every > 0) +
                     !options_.label_file.empty();
    if (ways > 1)
      throw UsageError("--label, --label-file, --label-pattern and --label-every exclude each other: {} are given",
                       ways);
    if (!options_.test_label_file.empty() && options_.test.empty()) throw UsageError("--test-label-file needs --test");
  }

  /// Options that would be ignored are refused, so that nobody believes in them.
  void refuse_idle() const {
    using Kind = ImportKind;
    const auto refuse = [&](const char* option, bool given, std::initializer_list<Kind> kinds, const char* served) {
      const bool used = std::find_first_of(kinds_.begin(), kinds_.end(), kinds.begin(), kinds.end()) != kinds_.end();
      if (given && !used) throw UsageError("--{} is for {}, and none is among the input", option, served);
    };
    const TableOptions& table = options_.table;
    refuse("label", !table.label.empty(), {Kind::table, Kind::npz, Kind::mat}, "tables, NPZ and MAT files");
    refuse("id", !table.id.empty(), {Kind::table, Kind::npz, Kind::mat}, "tables, NPZ and MAT files");
    refuse("header", table.header != Header::guess, {Kind::table}, "tables");
    refuse("delimiter", table.delimiter != 0, {Kind::table}, "tables");
    refuse("label-pattern", !options_.label_pattern.empty(), {Kind::images}, "images");
    refuse("skip-broken", options_.pictures.skip_broken, {Kind::images}, "images");
    refuse("image", options_.image.has_value(), {Kind::npy, Kind::npz, Kind::mat, Kind::table}, "arrays and tables");
    refuse("resize", options_.pictures.size.has_value(), {Kind::images}, "images");
    refuse("color", options_.pictures.color != Color::as_is, {Kind::images}, "images");
    refuse("variable", !options_.variable.empty(), {Kind::npz, Kind::mat}, "NPZ and MAT files");
    refuse("samples", options_.samples != SamplesIn::guess, {Kind::mat}, "MAT files");
    refuse("channels", options_.axes != Axes::guess, {Kind::npy, Kind::npz}, "NPY and NPZ files");
    refuse("coarse", options_.coarse, {Kind::cifar100}, "CIFAR-100");
    refuse("unlabelled", options_.unlabelled, {Kind::stl10}, "STL-10");
  }

  void add_all(const std::vector<std::string>& paths, const std::string& label_file, Sources& first, Sources& second) {
    const std::size_t old_first = first.size();
    std::vector<std::string> pictures;
    for (const std::string& path : paths) {
      Found found{options_.kind, path};
      const bool stream = can_be_read_once(path), folder = !stream && is_folder(path);
      if (found.kind == ImportKind::guess && folder) found = kind_of_folder(path);
      if (found.kind == ImportKind::guess && !stream) found.kind = kind_of_file(path);
      if (!stream) kinds_.push_back(found.kind);
      if (found.kind == ImportKind::images && !folder && !stream)
        pictures.push_back(path);
      else if (folder)
        add_folder(found, first, second);
      else
        add_file(found, first, second);
    }
    if (!pictures.empty())
      add_pictures(list_pictures(pictures, options_.label_pattern, *import_.classes), first, second);
    if (!label_file.empty()) {
      if (first.size() != old_first + 1)
        throw UsageError("{} goes with one input of samples, here are {}", label_file, first.size() - old_first);
      first.back() = attach_labels(std::move(first.back()),
                                   read_label_file(ByteStream::open(label_file), *import_.classes), label_file);
    }
    if (options_.label_every > 0)
      for (std::size_t i = old_first; i < first.size(); ++i)
        first[i] = count_off_labels(std::move(first[i]), std::size_t(options_.label_every));
  }

  void add_folder(const Found& found, Sources& first, Sources& second) {
    switch (found.kind) {
      case ImportKind::images:
        return add_pictures(list_pictures(found.path, options_.label_pattern, *import_.classes), first, second);
      case ImportKind::idx:
        return add_idx_folder(found.path, first, second);
      case ImportKind::cifar10:
        return add_cifar10_folder(found.path, first, second);
      case ImportKind::cifar100:
        return add_cifar100_folder(found.path, first, second);
      case ImportKind::stl10:
        return add_stl10_folder(found.path, first, second);
      default:
        throw SystemError(kNoInput, "{}: is a directory, this kind is a file", found.path);
    }
  }

  void add_pictures(PictureFolder folder, Sources& first, Sources& second) {
    first.push_back(read_pictures(std::move(folder.training), folder.has_labels, options_.pictures, control_));
    if (!folder.test.empty())
      second.push_back(read_pictures(std::move(folder.test), folder.has_labels, options_.pictures, control_));
  }

  /// MNIST's names: train-images-idx3-ubyte and train-labels-idx1-ubyte, t10k- (or test-) the test part, with or
  /// without .gz, with a dot or a dash before idx.
  void add_idx_folder(const std::string& folder, Sources& first, Sources& second) {
    std::string training, test;
    for (const std::string& name : names_in(folder)) {
      if (name.find("images") == std::string::npos || name.find("idx") == std::string::npos) continue;
      const bool is_test = name.find("t10k") != std::string::npos || name.find("test") != std::string::npos;
      std::string& place = is_test ? test : training;
      const std::string path = (fs::path(folder) / name).string();
      if (place + ".gz" == path) continue;  // packed and unpacked side by side
      if (!place.empty()) throw DataError(folder, "", "holds {} and {}: name one", place, path);
      place = path;
    }
    if (training.empty() && test.empty()) throw DataError(folder, "", "holds no images by the names of MNIST");
    if (!training.empty()) first.push_back(open_idx(training));
    if (!test.empty()) (training.empty() ? first : second).push_back(open_idx(test));
  }

  SourcePointer open_idx(const std::string& path) {
    SourcePointer source = read_idx(ByteStream::open(path));
    if (can_be_read_once(path) || !options_.label_file.empty() || options_.label_every > 0) return source;
    const std::string name = fs::path(path).filename().string();
    const std::string labels = replaced(replaced(name, "images", "labels"), "idx3", "idx1");
    if (labels == name) return source;
    const std::string stem = labels.ends_with(".gz") ? labels.substr(0, labels.size() - 3) : labels;
    for (const std::string& candidate : {labels, stem, stem + ".gz"}) {
      const std::string at = (fs::path(path).parent_path() / candidate).string();
      if (!exists(at)) continue;
      return attach_labels(std::move(source), label_codes(read_idx_labels(ByteStream::open(at)), *import_.classes), at);
    }
    return source;
  }

  void add_cifar10_folder(const std::string& folder, Sources& first, Sources& second) {
    for (const std::string& name : names_in(folder)) {
      const std::string path = (fs::path(folder) / name).string();
      if (name.starts_with("data_batch_") && name.ends_with(".bin"))
        first.push_back(read_cifar(ByteStream::open(path), CifarLabels::ten));
      if (name == "test_batch.bin") second.push_back(read_cifar(ByteStream::open(path), CifarLabels::ten));
    }
    fix_names(folder + "/batches.meta.txt", 10);
  }

  void add_cifar100_folder(const std::string& folder, Sources& first, Sources& second) {
    const CifarLabels labels = options_.coarse ? CifarLabels::coarse : CifarLabels::fine;
    if (exists(folder + "/train.bin")) first.push_back(read_cifar(ByteStream::open(folder + "/train.bin"), labels));
    if (exists(folder + "/test.bin")) second.push_back(read_cifar(ByteStream::open(folder + "/test.bin"), labels));
    fix_names(folder + (options_.coarse ? "/coarse_label_names.txt" : "/fine_label_names.txt"),
              options_.coarse ? 20 : 100);
  }

  void add_stl10_folder(const std::string& folder, Sources& first, Sources& second) {
    if (exists(folder + "/train_X.bin")) first.push_back(open_stl10(folder + "/train_X.bin"));
    if (options_.unlabelled) {
      const std::string path = folder + "/unlabeled_X.bin";
      first.push_back(read_stl10(ByteStream::open(path), size_of(path)));
    }
    if (exists(folder + "/test_X.bin")) second.push_back(open_stl10(folder + "/test_X.bin"));
    fix_names(folder + "/class_names.txt", 10);
  }

  SourcePointer open_stl10(const std::string& path) {
    SourcePointer source = read_stl10(ByteStream::open(path), size_of(path));
    const std::string labels = replaced(path, "_X.bin", "_y.bin");
    if (labels == path || !exists(labels)) return source;
    return attach_labels(std::move(source), read_stl10_labels(ByteStream::open(labels), size_of(labels)), labels);
  }

  void fix_names(const std::string& path, std::size_t classes) {
    std::vector<std::string> names = names_from(path);
    if (names.empty()) return;
    if (names.size() != classes) throw DataError(path, "", "names {} classes, expected {}", names.size(), classes);
    import_.classes->fix_names(std::move(names));
  }

  void add_file(const Found& found, Sources& first, Sources& second) {
    const std::string& path = found.path;
    if (can_be_read_once(path)) return first.push_back(open_once(path, found.kind));
    switch (found.kind) {
      case ImportKind::idx:
        return first.push_back(open_idx(path));
      case ImportKind::stl10:
        return first.push_back(open_stl10(path));
      case ImportKind::npz:
        return add_npz(path, first, second);
      case ImportKind::mat:
        return add_mat(path, first);
      case ImportKind::cifar10:
      case ImportKind::cifar100:
        return add_cifar_file(found, first);
      default:
        return first.push_back(open_stream(ByteStream::open(path), found.kind));
    }
  }

  void add_cifar_file(const Found& found, Sources& first) {
    const CifarLabels labels = found.kind == ImportKind::cifar10 ? CifarLabels::ten
                               : options_.coarse                 ? CifarLabels::coarse
                                                                 : CifarLabels::fine;
    first.push_back(read_cifar(ByteStream::open(found.path), labels));
    const std::string folder = fs::path(found.path).parent_path().string();
    const std::string beside = folder.empty() ? "." : folder;
    if (labels == CifarLabels::ten) fix_names(beside + "/batches.meta.txt", 10);
    if (labels == CifarLabels::coarse) fix_names(beside + "/coarse_label_names.txt", 20);
    if (labels == CifarLabels::fine) fix_names(beside + "/fine_label_names.txt", 100);
  }

  SourcePointer open_once(const std::string& path, ImportKind kind) {
    ByteStream stream = ByteStream::open(path);
    if (kind == ImportKind::guess) kind = kind_of_bytes(stream.peek(4096));
    kinds_.push_back(kind);
    return open_stream(std::move(stream), kind);
  }

  TableOptions table_options() const {
    TableOptions table = options_.table;
    table.image = options_.image;
    return table;
  }

  /// The formats that can be read from front to back.
  SourcePointer open_stream(ByteStream stream, ImportKind kind) {
    switch (kind) {
      case ImportKind::idx:
        return read_idx(std::move(stream));
      case ImportKind::npy:
        return read_npy(std::move(stream), options_.axes, options_.image);
      case ImportKind::table:
        return read_table(std::move(stream), table_options(), *import_.classes);
      case ImportKind::words:
        return read_words(std::move(stream), options_.table.allow_nan);
      case ImportKind::cifar10:
        return read_cifar(std::move(stream), CifarLabels::ten);
      case ImportKind::cifar100:
        return read_cifar(std::move(stream), options_.coarse ? CifarLabels::coarse : CifarLabels::fine);
      case ImportKind::guess:
        throw DataError(stream.name(), "", "is of no format that can be told; --kind names it");
      default:
        throw DataError(stream.name(), "", "holds a format that cannot be read from a pipe: name a file");
    }
  }

  void add_mat(const std::string& path, Sources& first) {
    MatSamples mat = read_mat(path, {options_.variable, options_.table.label, options_.samples, options_.image});
    if (!mat.remark.empty()) control_.tell(mat.remark);
    if (!options_.table.label.empty())
      mat.source = attach_labels(std::move(mat.source), label_codes(mat.labels, *import_.classes),
                                 path + ": " + options_.table.label);
    first.push_back(std::move(mat.source));
  }

  /// Arrays by name, or by the names that are in use: Keras, scikit-learn, MedMNIST.
  void add_npz(const std::string& path, Sources& first, Sources& second) {
    struct Names {
      const char *data, *labels, *test, *test_labels;
    };
    static const Names conventions[] = {{"x_train", "y_train", "x_test", "y_test"},
                                        {"X_train", "y_train", "X_test", "y_test"},
                                        {"train_images", "train_labels", "test_images", "test_labels"},
                                        {"data", "labels", "", ""},
                                        {"data", "target", "", ""},
                                        {"X", "y", "", ""},
                                        {"x", "y", "", ""}};
    const std::vector<FilePart> members = list_zip(path);
    const auto has = [&](const std::string& name) {
      return std::any_of(members.begin(), members.end(), [&](const FilePart& m) { return m.name == name + ".npy"; });
    };
    if (!options_.variable.empty())
      return first.push_back(npz_part(path, members, options_.variable, options_.table.label));
    const Names* best = nullptr;
    for (const Names& names : conventions)
      if (has(names.data) && (!best || (!has(best->labels) && has(names.labels)))) best = &names;
    if (best) {
      const auto labels = [&](const char* name) { return has(name) ? std::string(name) : options_.table.label; };
      first.push_back(npz_part(path, members, best->data, labels(best->labels)));
      if (has(best->test)) second.push_back(npz_part(path, members, best->test, labels(best->test_labels)));
      return;
    }
    if (members.size() != 1) {
      std::string list;
      for (const FilePart& m : members) list += (list.empty() ? "" : ", ") + m.name;
      throw DataError(path, "", "holds {}: name one (--variable)", list.empty() ? "no arrays" : list);
    }
    first.push_back(npz_part(path, members, replaced(members[0].name, ".npy", ""), ""));
  }

  SourcePointer npz_part(const std::string& path, const std::vector<FilePart>& members, const std::string& name,
                         const std::string& labels) {
    const auto member = [&](const std::string& wanted) {
      for (const FilePart& m : members)
        if (m.name == wanted + ".npy" || m.name == wanted) return ByteStream::open_part(path, m);
      throw DataError(path, wanted, "is missing");
    };
    SourcePointer source = read_npy(member(name), options_.axes, options_.image);
    if (labels.empty()) return source;
    return attach_labels(std::move(source), label_codes(read_npy_texts(member(labels)), *import_.classes),
                         path + ": " + labels);
  }

  const ImportOptions& options_;
  const Control& control_;
  std::vector<ImportKind> kinds_;  ///< of the operands, once known
  Import import_;
};

}  // namespace

Import open_import(const std::vector<std::string>& paths, const ImportOptions& options, const Control& control) {
  Import import = Opener(options, control).open(paths);
  if (import.training.empty()) std::swap(import.training, import.test);
  if (import.training.empty()) throw DataError(paths[0], "", "holds no samples");
  return import;
}

}  // namespace espalier
