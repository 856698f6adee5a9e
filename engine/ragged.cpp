// What the layout of packed attention checks and knows. Read engine/ragged.h first, engine/ops_attention.cpp next.
#include "engine/ragged.h"

#include <algorithm>

namespace engine {

Ragged::Ragged(Indices query_offsets, Indices key_offsets, long heads_, bool causal_)
    : queries(std::move(query_offsets)), keys(std::move(key_offsets)), heads(heads_), causal(causal_), blocks{0} {
  check(queries.size() == keys.size() && queries.size() >= 2 && queries[0] == 0 && keys[0] == 0,
        "attention: query and key offsets must be two lists of B + 1 numbers from 0; got {} and {} numbers",
        queries.size(), keys.size());
  check(heads > 0, "attention: at least one head is needed; got {}", heads);
  for (long b = 0; b < sequences(); ++b) {
    check(query_count(b) >= 1 && key_count(b) >= 1, "attention: sequence {} has {} queries and {} keys; both need one",
          b, query_count(b), key_count(b));
    check(!causal || key_count(b) >= query_count(b), "attention: causal sequence {} has {} queries but only {} keys", b,
          query_count(b), key_count(b));
    blocks.push_back(blocks.back() + heads * query_count(b) * key_count(b));
  }
}

Ragged Ragged::within(long reach, long first_tokens) const {
  check(reach >= 0 && first_tokens >= 0, "attention: a window and its global tokens must be 0 or more; got {} and {}",
        reach, first_tokens);
  check(!causal && queries == keys, "attention: a window is for a sequence that looks at all of itself");
  Ragged local = *this;
  const long most = queries.empty() ? 0 : queries.back();  // further is nobody
  local.window = std::min(reach, most);
  local.globals = std::min(first_tokens, most);
  return local;
}

Ragged::Seen Ragged::seen(long b, long query) const {
  const long n = key_count(b);
  if (causal) return {0, 0, n - query_count(b) + query + 1};
  if (!local() || query < globals) return {0, 0, n};
  const long first = std::max(0L, query - window), last = std::min(n, query + window + 1);
  if (first <= globals) return {0, 0, last};  // one stretch
  return {globals, first, last};
}

long Ragged::pairs() const {
  if (!causal && !local()) return size();
  long sum = 0;
  for (long b = 0; b < sequences(); ++b)
    for (long query = 0; query < query_count(b); ++query) sum += heads * seen(b, query).count();
  return sum;
}

}  // namespace engine
