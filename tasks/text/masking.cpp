// Which pieces are hidden, and by what: drawn from a counter, sequence by sequence. Read engine/random.h first.
#include "tasks/text/masking.h"

#include <algorithm>
#include <cmath>

namespace text {
namespace {

using engine::Random;

constexpr double kWord = 0x1p-32;      // a random word as a number in [0, 1)
constexpr double kGeometric = 0.2;     // SpanBERT's p
constexpr long kLongestSpan = 10;      // words
constexpr uint64_t kChoice = 1 << 20;  // where the words begin that say what becomes of a chosen piece

// Runs [begin, end) of rows that are hidden together.
struct Unit {
  int begin, end;
};

std::vector<Unit> units_of(const Indices& ids, int begin, int end, const WordPiece& tokenizer, HideBy by) {
  std::vector<Unit> units;
  for (int t = begin; t < end; ++t) {
    if (tokenizer.is_special(ids[t])) continue;
    const bool goes_on =
        by != HideBy::piece && !units.empty() && units.back().end == t && tokenizer.piece(ids[t]).starts_with("##");
    if (goes_on)
      ++units.back().end;
    else
      units.push_back({t, t + 1});
  }
  return units;
}

// The order in which units are tried: a permutation by random words.
Indices lot_of(long n, const Random& random) {
  std::vector<uint32_t> words(n);
  random.words(0, n, words.data());
  Indices lot(n);
  for (long i = 0; i < n; ++i) lot[i] = int(i);
  std::stable_sort(lot.begin(), lot.end(), [&](int i, int j) { return words[i] < words[j]; });
  return lot;
}

// How many words a span beginning at a unit has: 1 + the failures before a success of probability p.
long span_length(uint32_t word) {
  const double u = (double(word) + 0.5) * kWord;
  return std::min(kLongestSpan, 1 + long(std::log(u) / std::log1p(-kGeometric)));
}

// The chosen rows, rising.
Indices choose(const Indices& ids, int begin, int end, const WordPiece& tokenizer, const MaskOptions& o,
               const Random& random) {
  const std::vector<Unit> units = units_of(ids, begin, end, tokenizer, o.by);
  long pieces = 0;
  for (const Unit& u : units) pieces += u.end - u.begin;
  if (pieces == 0) return {};
  const long wanted = std::min(pieces, std::max(1L, std::lround(o.share * double(pieces))));
  const long n = long(units.size());
  std::vector<char> chosen(n, false);
  if (o.repeats) {
    std::vector<uint32_t> words(wanted);
    random.words(0, wanted, words.data());
    for (const uint32_t word : words) chosen[uint64_t(word) * uint64_t(n) >> 32] = true;
  } else {
    std::vector<uint32_t> lengths(n, 0);
    if (o.by == HideBy::span) random.words(n, n, lengths.data());
    long taken = 0;
    for (const int first : lot_of(n, random)) {
      const long last = std::min(n, first + (o.by == HideBy::span ? span_length(lengths[first]) : 1));
      for (long u = first; u < last && taken < wanted; ++u) {
        const long size = units[u].end - units[u].begin;
        if (chosen[u] || (taken > 0 && taken + size > wanted)) break;
        chosen[u] = true;
        taken += size;
      }
      if (taken >= wanted) break;
    }
  }
  Indices rows;
  for (long u = 0; u < n; ++u)
    for (int t = units[u].begin; chosen[u] && t < units[u].end; ++t) rows.push_back(t);
  return rows;
}

}  // namespace

Masked mask(nn::Tokens tokens, const std::vector<uint64_t>& draws, const WordPiece& tokenizer, const MaskOptions& o,
            uint64_t seed) {
  engine::check(tokenizer.mask_id() >= 0, "the vocabulary has no [MASK]: nothing can be hidden");
  engine::check(o.share > 0 && o.share <= 1, "the share of hidden pieces must be in (0, 1]; got {}", o.share);
  engine::check(!o.repeats || o.by == HideBy::piece, "places drawn with repeats are single pieces");
  engine::check(long(draws.size()) == tokens.sequences(), "mask: one draw a sequence; got {} for {}", draws.size(),
                tokens.sequences());
  Masked result;
  Indices& ids = tokens.ids;
  for (size_t b = 0; b < draws.size(); ++b) {
    const Random random{seed, engine::Stream::mask, uint32_t(draws[b] >> 32), uint32_t(draws[b])};
    const Indices rows = choose(ids, tokens.offsets[b], tokens.offsets[b + 1], tokenizer, o, random);
    std::vector<uint32_t> words(2 * rows.size());  // what becomes of each, and another piece
    random.words(kChoice, long(words.size()), words.data());
    for (size_t i = 0; i < rows.size(); ++i) {
      const int row = rows[i];
      const double what = double(words[2 * i]) * kWord;
      result.rows.push_back(row);
      result.targets.push_back(ids[row]);
      if (what < o.hidden)
        ids[row] = tokenizer.mask_id();
      else if (what < o.hidden + o.replaced)
        ids[row] = int(words[2 * i + 1] % uint32_t(tokenizer.vocab_size()));
    }
  }
  result.tokens = std::move(tokens);
  return result;
}

}  // namespace text
