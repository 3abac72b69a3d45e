#pragma once
/// Damage on which HDF5 itself crashes or never ends, met in a child process instead of the tool.
///
/// Strings of variable length stand in heaps whose sizes HDF5 1.10 believes (H5HG_read copies as many bytes as an
/// object claims; an object of size 0 is passed over for ever), and no function of the library tells where they are, so
/// that they could be looked at first. A child therefore reads all that is small or stands in such heaps; what kills it
/// would have killed the tool.

#include <cstddef>
#include <functional>
#include <string>

namespace espalier {

/// True unless `work`, run in a child process, is ended by a signal of its own making or uses up `seconds` of the
/// processor; what it throws does not count. True also where there can be no child: nothing is then known.
bool survives_trial(const std::function<void()>& work, double seconds);

/// DataError where opening the HDF5 file at `path`, looking at each of its objects, and reading its attributes and
/// strings, and its numbers while they are few, kills a child. Cost: one fork; metadata, strings and the first 4 MiB of
/// numbers are read once more, larger arrays are not.
void require_survivable(const std::string& path, const std::string& name);

}  // namespace espalier
