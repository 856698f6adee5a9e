// Which pieces are hidden, and by what: drawn from a counter, text by text. Read engine/random.h first.
#include "tasks/text/masking.h"

#include <algorithm>
#include <cmath>

namespace text {
namespace {

// 80 %, 10 % and 10 % of the words of 32 bits.
constexpr uint32_t kMaskBelow = uint32_t(0.8 * 4294967296.0), kReplaceBelow = uint32_t(0.9 * 4294967296.0);

}  // namespace

Masked mask(Batch batch, const WordPiece& tokenizer, double share, uint64_t seed, uint32_t epoch) {
  engine::check(tokenizer.mask_id() >= 0, "the vocabulary has no [MASK]: nothing can be hidden");
  engine::check(share > 0 && share <= 1, "the share of hidden pieces must be in (0, 1]; got {}", share);
  Masked result;
  Indices& ids = batch.tokens.ids;
  for (size_t b = 0; b < batch.rows.size(); ++b) {
    const int begin = batch.tokens.offsets[batch.windows[b]], end = batch.tokens.offsets[batch.windows[b + 1]];
    Indices candidates;
    for (int t = begin; t < end; ++t)
      if (!tokenizer.is_special(ids[t])) candidates.push_back(t);
    const long n = long(candidates.size()), chosen = std::min(n, std::max(1L, std::lround(share * double(n))));
    std::vector<uint32_t> words(3 * n);  // for each candidate: its place in the lot, what becomes of it, another piece
    engine::Random{seed, engine::Stream::mask, epoch, uint32_t(batch.rows[b])}.words(0, 3 * n, words.data());
    Indices lot(n);
    for (long i = 0; i < n; ++i) lot[i] = int(i);
    std::stable_sort(lot.begin(), lot.end(), [&](int i, int j) { return words[i] < words[j]; });
    std::sort(lot.begin(), lot.begin() + chosen);
    for (long c = 0; c < chosen; ++c) {
      const int row = candidates[lot[c]];
      const uint32_t what = words[n + lot[c]], piece = words[2 * n + lot[c]];
      result.rows.push_back(row);
      result.targets.push_back(ids[row]);
      if (what < kMaskBelow)
        ids[row] = tokenizer.mask_id();
      else if (what < kReplaceBelow)
        ids[row] = int(piece % uint32_t(tokenizer.vocab_size()));
    }
  }
  result.batch = std::move(batch);
  return result;
}

}  // namespace text
