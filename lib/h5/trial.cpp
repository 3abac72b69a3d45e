#include "h5/trial.h"

#include <fcntl.h>
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#include <sanitizer/common_interface_defs.h>
#endif
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <vector>

#include "base/error.h"
#include "h5/hdf5_api.h"
#include "h5/stored.h"

namespace espalier {

namespace {

using Id = Handle::Id;

/// By the clock on the wall: a child that waits this long, for a disk or a lock, has shown nothing.
constexpr unsigned kMostSeconds = 600;
constexpr int kFatal[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGPROF};

/// Without the handlers that libraries have for fork: OpenBLAS's waits for its threads to end, and one that was refused
/// memory asks for it again for ever. The child uses no other threads, so it needs none of them, and finds no lock of
/// the allocator held, since the workers of parallel_for sleep. The thread sanitizer has threads and locks that only
/// fork knows.
pid_t fork_alone() {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34) && !defined(__SANITIZE_THREAD__)
  return ::_Fork();
#else
  return ::fork();
#endif
}

[[noreturn]] void be_tried(const std::function<void()>& work, double seconds) {
  for (int signal : kFatal) std::signal(signal, SIG_DFL);
  std::signal(SIGALRM, SIG_DFL);
  ::alarm(kMostSeconds);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  const itimerval patience{{0, 0}, {time_t(std::ceil(seconds)), 0}};
  ::setitimer(ITIMER_PROF, &patience, nullptr);
  // What the C library, or a sanitizer, has to say about a broken heap is not for the user.
  if (const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC); nowhere >= 0) ::dup2(nowhere, STDERR_FILENO);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  __sanitizer_set_report_path("stderr");
#endif
  try {
    work();
  } catch (...) {
    // A refusal: the tool will meet it again and say so.
  }
  ::_exit(0);
}

/// Does the type, or a part of it, stand in a heap of its own?
bool is_in_heap(Id type) {
  switch (H5Tget_class(type)) {
    case H5T_VLEN:
    case H5T_REFERENCE:
      return true;
    case H5T_STRING:
      return H5Tis_variable_str(type) > 0;
    case H5T_ARRAY:
      return is_in_heap(Handle(H5Tget_super(type), close_type));
    case H5T_COMPOUND:
      for (int i = 0; i < H5Tget_nmembers(type); ++i)
        if (is_in_heap(Handle(H5Tget_member_type(type, unsigned(i)), close_type))) return true;
      return false;
    default:
      return false;
  }
}

/// Elements of a dataset that are read at once.
constexpr hsize_t kSlab = 1 << 16;

/// Bytes of numbers that are read once more in a trial: some milliseconds.
constexpr std::size_t kMostNumbers = std::size_t(4) << 20;

/// Reads `count` elements that `read` puts into the buffer, and gives back what they hold.
template <class Read>
void read_and_drop(Id type, std::size_t count, Read read) {
  if (count == 0 || count > kMostUnstored) return;
  std::vector<char> values(count * std::max<std::size_t>(1, H5Tget_size(type)), 0);
  if (!read(values.data()) || !is_in_heap(type)) return;
  const hsize_t dims[] = {count};
  H5Dvlen_reclaim(type, Handle(H5Screate_simple(1, dims, nullptr), close_space), H5P_DEFAULT, values.data());
}

void try_attributes(Id object) {
  H5O_info_t info;
  if (H5Oget_info2(object, &info, H5O_INFO_NUM_ATTRS) < 0) return;
  for (hsize_t i = 0; i < info.num_attrs; ++i) {
    const Handle attribute(H5Aopen_by_idx(object, ".", H5_INDEX_NAME, H5_ITER_INC, i, H5P_DEFAULT, H5P_DEFAULT),
                           close_attribute);
    if (!attribute.valid()) return;
    const Handle type(H5Aget_type(attribute), close_type), space(H5Aget_space(attribute), close_space);
    read_and_drop(type, std::size_t(std::max<hssize_t>(0, H5Sget_simple_extent_npoints(space))),
                  [&](char* out) { return H5Aread(attribute, type, out) >= 0; });
  }
}

/// Bytes of numbers that a trial still reads.
std::size_t numbers_left = 0;

/// Are the values in this file, and of no more bytes than may still be read?
bool is_small_enough(Id dataset, Id type, Id space) {
  const Handle plist(H5Dget_create_plist(dataset), close_properties);
  if (!plist.valid() || H5Pget_layout(plist) == H5D_VIRTUAL || H5Pget_external_count(plist) > 0) return false;
  const std::size_t item = std::max<std::size_t>(1, H5Tget_size(type));
  const auto items = std::size_t(std::max<hssize_t>(0, H5Sget_simple_extent_npoints(space)));
  hsize_t chunk[H5S_MAX_RANK], in_chunk = 1;
  const int axes = H5Pget_layout(plist) == H5D_CHUNKED ? H5Pget_chunk(plist, H5S_MAX_RANK, chunk) : 0;
  for (int axis = 0; axis < axes; ++axis)
    if (__builtin_mul_overflow(in_chunk, chunk[axis], &in_chunk)) return false;
  if (std::max<hsize_t>(items, in_chunk) > numbers_left / item) return false;
  numbers_left -= items * item;
  return true;
}

/// Strings are read whole, and so are numbers while they are few, a slab of rows at a time; of others only where they
/// stand is looked at.
void try_dataset(Id dataset) {
  const Handle type(H5Dget_type(dataset), close_type), space(H5Dget_space(dataset), close_space);
  H5Dget_storage_size(dataset);
  if (!is_in_heap(type) && !is_small_enough(dataset, type, space)) return;
  const std::vector<std::size_t> shape = shape_of_space(space);
  const std::size_t count = std::size_t(std::max<hssize_t>(0, H5Sget_simple_extent_npoints(space)));
  const std::size_t rows = shape.empty() ? 1 : shape[0], row = count / std::max<std::size_t>(1, rows);
  std::vector<hsize_t> start(shape.size(), 0), extent(shape.begin(), shape.end());
  for (std::size_t at = 0, step = std::max<std::size_t>(1, kSlab / std::max<std::size_t>(1, row)); at < rows;
       at += step) {
    const std::size_t some = std::min(step, rows - at);
    if (!shape.empty()) {
      start[0] = at;
      extent[0] = some;
      H5Sselect_hyperslab(space, H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr);
    }
    const hsize_t items[] = {some * row};
    const Handle memory(H5Screate_simple(1, items, nullptr), close_space);
    read_and_drop(type, some * row,
                  [&](char* out) { return H5Dread(dataset, type, memory, space, H5P_DEFAULT, out) >= 0; });
  }
}

herr_t try_object(hid_t root, const char* name, const H5O_info_t*, void*) {
  const Handle object(H5Oopen(root, name, H5P_DEFAULT), close_object);
  if (!object.valid()) return 0;
  try_attributes(object);
  if (H5Iget_type(object) == H5I_DATASET) try_dataset(object);
  return 0;
}

void walk(const std::string& path) {
  numbers_left = kMostNumbers;
  {
    const Handle file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access_properties(path)), close_file);
    if (!file.valid()) return;
    H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, try_object, nullptr, H5O_INFO_BASIC);
  }
  // HDF5 keeps its buffers for later; given back, those written past their end make the C library abort.
  H5garbage_collect();
}

}  // namespace

bool survives_trial(const std::function<void()>& work, double seconds) {
  const pid_t child = fork_alone();
  if (child == 0) be_tried(work, seconds);
  int status = 0;
  pid_t ended = -1;
  do ended = child < 0 ? -1 : ::waitpid(child, &status, 0);
  while (ended < 0 && child > 0 && errno == EINTR);
  if (ended < 0) return true;
  if (WIFEXITED(status)) return WEXITSTATUS(status) == 0;
  return std::find(std::begin(kFatal), std::end(kFatal), WTERMSIG(status)) == std::end(kFatal);
}

void require_survivable(const std::string& path, const std::string& name) {
  struct stat status = {};
  ::stat(path.c_str(), &status);
  // HDF5 reads tens of megabytes of strings a second.
  const double seconds = 1 + double(status.st_size) / 1e6;
  if (!survives_trial([&] { walk(path); }, seconds)) throw DataError(name, "", "is damaged: HDF5 fails on reading it");
}

}  // namespace espalier
