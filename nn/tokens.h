// A batch on its way through a model: tokens laid end to end, which rows will be read, and the rows.
#pragma once

#include "engine/ops.h"

namespace nn {
using namespace engine;

// Sentences laid end to end. There is no padding.
struct Tokens {
  Indices ids, positions, types;  // [N] each
  Indices offsets;                // [B + 1]: sequence b is the rows offsets[b] ... offsets[b + 1] - 1
  long count() const { return long(ids.size()); }
  long sequences() const { return long(offsets.size()) - 1; }
};

// Which rows of an encoder's result will be read: what nobody reads is not computed in the last layer.
struct Rows {
  enum Kind { first, all, some } kind = all;
  Indices which = {};  // of `some`: token numbers of the batch, ascending
  static Rows only(Indices which) { return {some, std::move(which)}; }
};

// Where the first token of every sequence stands.    [B + 1] -> [B]
inline Indices first_of(const Indices& offsets) { return {offsets.begin(), offsets.end() - 1}; }

// What an encoder made of a batch: one of the three, as was asked for.
struct Encoded {
  Tensor tokens;    // [N, C] of all tokens that are left
  Tensor first;     // [B, C] of [CLS]
  Tensor some;      // [M, C]
  Indices offsets;  // [B + 1] of the tokens that are left
  Indices rows = {};  // which tokens of the batch those are, where some were left behind; empty: all
};

}  // namespace nn
