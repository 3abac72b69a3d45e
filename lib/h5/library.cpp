#include "h5/library.h"

#include <hdf5.h>

#include <cstdlib>
#include <type_traits>

namespace espalier {

static_assert(std::is_same_v<hid_t, Handle::Id> || sizeof(hid_t) == sizeof(Handle::Id));

void silence_hdf5() {
  static bool done = false;
  if (std::exchange(done, true)) return;
  setenv("HDF5_USE_FILE_LOCKING", "FALSE", 1);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

}  // namespace espalier
