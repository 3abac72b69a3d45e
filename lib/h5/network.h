#pragma once
/// Network files: /network, or a state dict as h5py saves one. See espalier-hdf5(5).

#include <string>
#include <vector>

#include "h5/file.h"
#include "nn/images.h"
#include "nn/parameters.h"

namespace espalier {

/// A network with all that it needs to be used.
struct StoredNetwork {
  Architecture architecture;
  Parameters parameters;
  Normalization normalization;
  std::vector<std::string> names;  ///< of the classes; may be empty
};

/// DataError naming the parameter or layer that is missing, misshapen, unknown or not finite.
StoredNetwork read_network(const H5File&);

/// Parameters by PyTorch's names at the root (or in /network/parameters), for this architecture. "module." before a
/// name and PyTorch's counters num_batches_tracked are ignored. DataError as above. The normalisation is left empty.
StoredNetwork read_state_dict(const H5File&, const Architecture&);

/// The normalisation that was given beside a state dict: a number for each channel, or one for all; none: 0 and 1.
/// UsageError that names --mean or --std where there are too many or too few.
Normalization given_normalization(const std::vector<double>& mean, const std::vector<double>& deviation, int channels);

void write_network(H5File&, const StoredNetwork&);

}  // namespace espalier
