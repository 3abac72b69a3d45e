#include "h5/library.h"

#include <cstdlib>
#include <type_traits>

#include "h5/hdf5_api.h"
#include "h5/lzf.h"

namespace espalier {

static_assert(std::is_same_v<hid_t, Handle::Id> || sizeof(hid_t) == sizeof(Handle::Id));

/// A file that cannot be written out stays open, for the little time that the program still has: H5Fclose of HDF5 2.2
/// ends the program on it.
int close_file(Handle::Id id) {
  unsigned intent = H5F_ACC_RDONLY;
  H5Fget_intent(id, &intent);
  if ((intent & H5F_ACC_RDWR) != 0 && H5Fflush(id, H5F_SCOPE_LOCAL) < 0) return -1;
  return H5Fclose(id);
}
int close_dataset(Handle::Id id) { return H5Dclose(id); }
int close_object(Handle::Id id) { return H5Oclose(id); }
int close_group(Handle::Id id) { return H5Gclose(id); }
int close_space(Handle::Id id) { return H5Sclose(id); }
int close_type(Handle::Id id) { return H5Tclose(id); }
int close_attribute(Handle::Id id) { return H5Aclose(id); }
int close_properties(Handle::Id id) { return H5Pclose(id); }

Handle properties(Handle::Id cls) { return Handle(H5Pcreate(cls), close_properties); }

Handle access_properties(const std::string& path) {
  Handle list = properties(H5P_FILE_ACCESS);
  if (path.starts_with("/proc/self/fd/")) H5Pset_fapl_stdio(list);
  return list;
}

void silence_hdf5() {
  static bool done = false;
  if (std::exchange(done, true)) return;
  setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1);
  // After a failed close HDF5 would try again while the program exits, and complain on standard error.
  H5dont_atexit();
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  register_lzf();
  H5Lunregister(H5L_TYPE_EXTERNAL);  // a file cannot make us open others
}

}  // namespace espalier
