#pragma once
/// A dataset as it stands in a file, or one field of a table (a dataset of compound values) taken as a dataset of its
/// own: /obsm/X_pca where /obsm is a table. Array types count as further axes.

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "h5/library.h"

namespace espalier {

/// What the elements are. Any enumeration counts as boolean: h5py stores booleans as one.
enum class Kind { integer, real, boolean, text, other };

/// An element type without the arrays around it.
Kind kind_of_type(Handle::Id type);

std::vector<std::size_t> shape_of_space(Handle::Id space);

struct Stored {
  std::string file, path;  ///< for messages
  Handle dataset, space;
  Handle element;                  ///< type of one number or string
  std::vector<std::size_t> shape;  ///< axes of the dataset, then those of array types
  std::vector<std::size_t> inner;  ///< the axes that array types add
  std::string field;               ///< empty: the dataset's elements are taken whole

  Kind kind() const { return kind_of_type(element); }
  std::size_t item_bytes() const;
  std::size_t count() const;
  /// The type of a buffer of `item`s, one for each number or string.
  Handle memory_type(Handle::Id item) const;
  /// DataError for filters that are not installed, and for values that stand in other files.
  void require_readable() const;
  /// Rows that are compressed together, at least 1: reading fewer at once unpacks the same bytes again.
  std::size_t chunk_rows() const;
  /// Elements in one row of the first axis.
  std::size_t row_items() const;
  /// Rows to take at once where they pass through memory: whole chunks, some megabytes.
  std::size_t slab_rows(std::size_t item_bytes) const;
  /// Reads rows of the first axis; false where HDF5 cannot.
  bool read(std::size_t first, std::size_t rows, Handle::Id item, void* out) const;
};

/// Opens a dataset, or a field of it where `field` is not empty. DataError for sizes that cannot be true and for
/// what is damaged.
Stored open_stored(Handle::Id file, const std::string& file_name, const std::string& object, const std::string& field);

/// An attribute open for reading, with the number of its elements.
struct StoredAttribute {
  Handle attribute, type, space;
  std::size_t count = 0;
};

StoredAttribute open_attribute(Handle::Id file, const std::string& file_name, const std::string& object,
                               const std::string& name);

/// Names of the fields of a table; empty where the dataset is none.
std::vector<std::string> table_fields(Handle::Id dataset);

/// Strings of fixed or variable length, through `read(memory type, buffer)`, which is false where reading fails; then
/// the result is empty. `wrap` turns the type of a string into that of the buffer.
std::vector<std::string> read_texts(Handle::Id element, Handle::Id space, std::size_t count,
                                    const std::function<Handle(Handle::Id)>& wrap,
                                    const std::function<bool(Handle::Id, void*)>& read);

/// Elements that may be claimed without being stored (fill values): beyond, the claim is taken for damage.
inline constexpr std::size_t kMostUnstored = std::size_t(1) << 24;

}  // namespace espalier
