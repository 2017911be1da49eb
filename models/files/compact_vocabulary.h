// A table of token embeddings with only those rows that a model has learnt: sfumato-draw's, whose captions use one word
// in ten. Beside TABLE.weight [rows, width] lies TABLE.ids [rows] (i32): which token each row is of. The largest of
// them is the number of tokens that there are, and its row stands for all that have none.
#pragma once

#include "models/files/checkpoint.h"

namespace sfumato {

/// Gives each such table a row for every token, and takes its ids away. Throws error: ids and rows that do not fit.
void expand_vocabularies(checkpoint&);

} // namespace sfumato
