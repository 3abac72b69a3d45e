#pragma once
/// Word vectors as text: "word x x x" lines (GloVe), or the same below a line "count dimensions" (word2vec, fastText).

#include "import/source.h"
#include "import/stream.h"

namespace espalier {

/// Words become ids; a word may itself hold spaces. A line with too few numbers, and a count that does not fit the
/// lines, are a DataError naming the line.
SourcePointer read_words(ByteStream, bool allow_nan);

/// Do these first bytes look like word vectors: a count line, or one word and then at least two numbers?
bool looks_like_words(std::string_view head);

}  // namespace espalier
