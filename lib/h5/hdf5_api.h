#pragma once
/// hdf5.h, with the functions and structures of HDF5 1.10 whatever release is installed: later ones (1.12, 1.14, 2.x)
/// keep them beside their own. Included by the .cpp files of this room only.

#define H5_USE_110_API
#include <hdf5.h>
