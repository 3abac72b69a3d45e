/// H5File: opening, closing and looking around.

#include "h5/file.h"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "base/error.h"
#include "h5/hdf5_api.h"
#include "h5/image.h"
#include "h5/stored.h"
#include "h5/target.h"
#include "h5/trial.h"

namespace espalier {

namespace {

using Id = Handle::Id;

/// Levels of groups inside groups.
constexpr int kMostLevels = 64;

/// Where the HDF5 signature stands among the places that the format allows, or -1; a user block may come first.
off_t signature_place(int descriptor) {
  static const unsigned char magic[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
  for (off_t at : {0, 512, 1024, 2048, 4096}) {
    unsigned char head[8];
    if (::pread(descriptor, head, 8, at) == 8 && std::memcmp(head, magic, 8) == 0) return at;
  }
  return -1;
}

/// A superblock of version 3 marks a file that is open for writing; the mark stays where the writer died.
bool is_marked_as_written(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  unsigned char head[12] = {};
  const bool read = ::pread(descriptor, head, sizeof head, signature_place(descriptor)) == sizeof head;
  ::close(descriptor);
  return read && head[8] == 3 && (head[11] & 1) != 0;
}

Handle open_file(const std::string& path, const std::string& name) {
  require_survivable(path, name);
  Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access_properties(path)), close_file);
  if (file.valid()) return file;
  if (is_marked_as_written(path))
    throw DataError(name, "", "is open in a program that writes it, or that died; h5clear -s then removes the mark");
  throw DataError(name, "", "is a truncated or damaged HDF5 file");
}

void require_hdf5(const std::string& path, const std::string& name) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw SystemError(kNoInput, "{}: {}", name, std::strerror(errno));
  struct stat status = {};
  ::fstat(descriptor, &status);
  unsigned char head[64];
  const ssize_t got = S_ISDIR(status.st_mode) ? 0 : ::pread(descriptor, head, sizeof head, 0);
  const bool good = got > 0 && signature_place(descriptor) >= 0;
  ::close(descriptor);
  if (S_ISDIR(status.st_mode)) throw SystemError(kNoInput, "{}: is a directory", name);
  if (!good) throw DataError(name, "", "{}", guess_format(head, std::size_t(std::max<ssize_t>(got, 0))));
}

}  // namespace

std::string DatasetInfo::describe() const {
  static const char* const words[] = {"integer", "real", "boolean", "text", "other"};
  const std::string type = kind == Kind::text || kind == Kind::other || kind == Kind::boolean
                               ? words[int(kind)]
                               : fmt::format("{} of {} bytes", words[int(kind)], item_bytes);
  return fmt::format("{}: {} {}", path, shape.empty() ? "scalar" : fmt::format("{}", fmt::join(shape, " x ")), type);
}

H5File H5File::open(const std::string& path) {
  silence_hdf5();
  const bool standard = path.empty() || path == "-";
  if (standard || is_special(path)) {
    const std::string name = standard ? "standard input" : path;
    if (standard && ::isatty(STDIN_FILENO)) throw UsageError("no input: name a file, or pipe one in");
    const int descriptor = standard ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) throw SystemError(kNoInput, "{}: {}", name, std::strerror(errno));
    MemoryFile image;
    image.fill_from(descriptor, name);
    if (!standard) ::close(descriptor);
    require_hdf5(image.path(), name);
    // HDF5 opens the memory file by its path and keeps it open, so the image itself may go.
    H5File file(open_file(image.path(), name), name);
    file.refuse_cycles();
    return file;
  }
  require_hdf5(path, path);
  H5File file(open_file(path, path), path);
  file.refuse_cycles();
  return file;
}

H5File H5File::create(const std::string& path, const std::string& name) {
  silence_hdf5();
  Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access_properties(path)), close_file);
  if (!file.valid()) throw SystemError(kNoOutput, "{}: {}", name, std::strerror(errno));
  return H5File(std::move(file), name);
}

namespace {

struct Link {
  std::string name;
  H5L_type_t type;
  haddr_t address;  ///< of the object, where the link is a hard one
};

herr_t append_link(hid_t, const char* name, const H5L_info_t* info, void* links) {
  static_cast<std::vector<Link>*>(links)->push_back(
      {name, info->type, info->type == H5L_TYPE_HARD ? info->u.address : HADDR_UNDEF});
  return 0;
}

/// The links of a group, by name.
std::vector<Link> links_of(Id group, const std::string& file, const std::string& path) {
  std::vector<Link> links;
  hsize_t start = 0;
  if (H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &start, append_link, &links) < 0)
    throw DataError(file, path, "is a damaged group");
  return links;
}

}  // namespace

void H5File::refuse_cycles() const {
  std::vector<haddr_t> above;
  std::set<haddr_t> done;  // an object with many names is looked at once
  const auto visit = [&](auto& self, Id group, const std::string& path) -> void {
    H5O_info_t here;
    if (H5Oget_info2(group, &here, H5O_INFO_BASIC) < 0) throw DataError(name_, path, "cannot be read");
    if (std::find(above.begin(), above.end(), here.addr) != above.end() || above.size() > kMostLevels)
      throw DataError(name_, path, "is a group that contains itself");
    if (!done.insert(here.addr).second) return;
    above.push_back(here.addr);
    for (const Link& link : links_of(group, name_, path)) {
      if (link.type != H5L_TYPE_HARD) continue;
      const std::string below = (path == "/" ? "" : path) + "/" + link.name;
      Handle object(H5Oopen(group, link.name.c_str(), H5P_DEFAULT), close_object);
      if (!object.valid()) throw DataError(name_, below, "is damaged");
      if (H5Iget_type(object) == H5I_GROUP) self(self, object, below);
    }
    above.pop_back();
  };
  Handle root(H5Gopen2(file_, "/", H5P_DEFAULT), close_group);
  if (!root.valid()) throw DataError(name_, "", "is a truncated or damaged HDF5 file");
  visit(visit, root, "/");
}

std::optional<H5File::Place> H5File::find(const std::string& path) const {
  if (path == "/") return Place{path, "", {}, true};
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (H5Lexists(file_, part.c_str(), H5P_DEFAULT) <= 0) return std::nullopt;
    Handle object(H5Oopen(file_, part.c_str(), H5P_DEFAULT), close_object);
    if (!object.valid()) return std::nullopt;
    const bool group = H5Iget_type(object) == H5I_GROUP;
    std::vector<std::string> fields;
    if (H5Iget_type(object) == H5I_DATASET) fields = table_fields(object);
    if (slash == std::string::npos) return Place{part, "", fields, group};
    if (group) continue;
    const std::string field = path.substr(slash + 1);
    if (std::find(fields.begin(), fields.end(), field) == fields.end()) return std::nullopt;
    return Place{part, field, {}, false};
  }
}

std::size_t H5File::bytes() const {
  hsize_t size = 0;
  H5Fflush(file_, H5F_SCOPE_LOCAL);
  if (H5Fget_filesize(file_, &size) < 0) throw DataError(name_, "", "has no size");
  return size;
}

bool H5File::has(const std::string& path) const { return find(path).has_value(); }

bool H5File::is_group(const std::string& path) const {
  const std::optional<Place> place = find(path);
  return place && (place->group || !place->fields.empty());
}

bool H5File::is_table(const std::string& path) const {
  const std::optional<Place> place = find(path);
  return place && !place->fields.empty();
}

std::vector<std::string> H5File::children(const std::string& path) const {
  const std::optional<Place> place = find(path);
  if (place && !place->fields.empty()) return place->fields;
  Handle group(H5Gopen2(file_, path.c_str(), H5P_DEFAULT), close_group);
  if (!group.valid()) throw DataError(name_, path, "is not a readable group");
  std::vector<std::string> names;
  for (const Link& link : links_of(group, name_, path)) names.push_back(link.name);
  return names;
}

void H5File::refuse_missing(const std::string& path) const {
  H5L_info_t link;
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (H5Lexists(file_, part.c_str(), H5P_DEFAULT) <= 0 || H5Lget_info(file_, part.c_str(), &link, H5P_DEFAULT) < 0)
      break;
    if (link.type == H5L_TYPE_EXTERNAL)
      throw DataError(name_, part, "is a link to another file, which is not followed");
    if (link.type == H5L_TYPE_SOFT && H5Oexists_by_name(file_, part.c_str(), H5P_DEFAULT) <= 0)
      throw DataError(name_, part, "is a link that leads nowhere");
    if (slash == std::string::npos) throw DataError(name_, path, "is damaged");
  }
  throw DataError(name_, path, "is missing");
}

Stored H5File::open_stored(const std::string& path) const {
  const std::optional<Place> place = find(path);
  if (!place) refuse_missing(path);
  if (place->group) throw DataError(name_, path, "is a group, not a dataset");
  if (!place->fields.empty())
    throw DataError(name_, path, "is a table; name one of its columns: {}", fmt::join(place->fields, ", "));
  return espalier::open_stored(file_, name_, place->object, place->field);
}

Handle H5File::open_object(const std::string& path) const {
  Handle object(H5Oopen(file_, path.c_str(), H5P_DEFAULT), close_object);
  if (!object.valid()) throw DataError(name_, path, "is missing");
  return object;
}

void H5File::close() {
  const bool flushed = H5Fflush(file_, H5F_SCOPE_LOCAL) >= 0;
  if (!file_.close() || !flushed) throw SystemError(kNoOutput, "{}: {}", name_, std::strerror(errno));
}

}  // namespace espalier
