#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include "h5/library.h"

/// HDF5 is silenced first, as in every tool: once another call was made it can no longer be kept from trying a failed
/// close again at the end of the process, and tests come in any order.
int main(int argc, char** argv) {
  espalier::silence_hdf5();
  return doctest::Context(argc, argv).run();
}
