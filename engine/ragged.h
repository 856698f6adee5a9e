// Ragged: which keys a query of a packed batch sees, and where the values of its heads, queries and keys lie.
#pragma once

#include "engine/base.h"

namespace engine {

using Indices = std::vector<int>;  // ids, rows, offsets

// B pairs of a query sequence and a key sequence, laid end to end: sequence b has the query rows queries[b] ...
// queries[b + 1] - 1 and likewise the keys. H heads stand side by side in the columns. "Ragged" values, one per head,
// query and key, lie flat [S]: sequence after sequence, head after head, each a row-major block queries x keys.
struct Ragged {
  Ragged() = default;  // of nothing
  Ragged(Indices query_offsets, Indices key_offsets, long heads, bool causal = false);
  Ragged(const Indices& offsets, long heads, bool causal = false) : Ragged(offsets, offsets, heads, causal) {}

  long sequences() const { return std::max(0L, long(queries.size()) - 1); }
  long query_count(long b) const { return queries[b + 1] - queries[b]; }
  long key_count(long b) const { return keys[b + 1] - keys[b]; }
  long size() const { return blocks.empty() ? 0 : blocks.back(); }  // S
  long block(long b, long h) const { return blocks[b] + h * query_count(b) * key_count(b); }
  // Local attention with global tokens (Longformer: Beltagy, Peters, Cohan 2020): a query sees the keys within `reach`
  // positions on each side and the first tokens of its sequence; the first tokens see all. Self-attention only.
  Ragged within(long reach, long first_tokens) const;
  bool local() const { return window >= 0; }
  // The keys that a query sees: 0 ... globals - 1 and first ... last - 1, globals <= first. As a rule all, when causal
  // the first ones.
  struct Seen {
    long globals, first, last;
    long count() const { return globals + last - first; }
  };
  Seen seen(long b, long query) const;
  long pairs() const;  // of queries and keys that they see, all heads: the work

  Indices queries, keys;  // [B + 1]
  long heads = 0;
  bool causal = false;            // a query sees the keys up to its own position, the last query sees all
  long window = -1, globals = 0;  // of local attention; -1: a query sees everything
  std::vector<long> blocks;       // [B + 1] where each sequence's values begin
};

}  // namespace engine
