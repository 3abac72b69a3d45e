#pragma once
/// Which format a file or folder has, by its content and then by its name.

#include <string>

namespace espalier {

enum class ImportKind { guess, idx, cifar10, cifar100, stl10, npy, npz, table, words, mat, images };

struct Found {
  ImportKind kind = ImportKind::guess;
  std::string path;  ///< the operand, or the one folder in it that holds the data
};

/// Of a file, "-" (standard input) aside. DataError, saying what it looks like, where it is none of these.
ImportKind kind_of_file(const std::string& path);

/// Of a folder; a folder that holds nothing but one folder stands for it.
Found kind_of_folder(const std::string& path);

/// Of the first bytes of a stream; guess where they do not tell.
ImportKind kind_of_bytes(std::string_view head);

}  // namespace espalier
