// Byte-pair encoding over the words of a corpus, with pair counts that are kept up to date rather than counted again.
// Read tasks/text/wordpiece.h before.
#include "tasks/text/vocab_trainer.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <set>
#include <utility>

#include "engine/base.h"
#include "tasks/text/utf8.h"

namespace text {

using engine::check;

namespace {

std::vector<std::string> letters_of(const std::string& word) {
  std::vector<std::string> letters;
  for (size_t at = 0; at < word.size();) {
    const size_t start = at;
    next_code_point(word, at);
    letters.push_back(word.substr(start, at - start));
  }
  return letters;
}

// The letters that get a piece, in the order of their code points: the most frequent ones, at most `most`.
std::vector<std::string> alphabet_of(const WordCounts& words, size_t most, long min_frequency) {
  std::map<std::string, long> counts;
  for (const auto& [word, count] : words)
    for (const std::string& letter : letters_of(word)) counts[letter] += count;
  std::vector<std::pair<long, std::string>> ranked;  // the most frequent first, then by code point
  for (const auto& [letter, count] : counts)
    if (count >= min_frequency) ranked.emplace_back(-count, letter);
  std::sort(ranked.begin(), ranked.end());
  ranked.resize(std::min(ranked.size(), most));
  std::vector<std::string> letters;
  for (const auto& [count, letter] : ranked) letters.push_back(letter);
  std::sort(letters.begin(), letters.end());
  return letters;
}

using Pair = uint64_t;  // two adjacent symbols: left << 32 | right

Pair pair_of(int left, int right) { return Pair(left) << 32 | Pair(right); }
int left_of(Pair pair) { return int(pair >> 32); }
int right_of(Pair pair) { return int(pair & 0xFFFFFFFF); }

class Merger {
 public:
  explicit Merger(std::vector<std::string> pieces) : pieces_(std::move(pieces)), queue_(Later{&pieces_}) {
    for (size_t i = 0; i < pieces_.size(); ++i) ids_[pieces_[i]] = int(i);
  }
  Merger(const Merger&) = delete;  // queue_ looks into pieces_
  Merger& operator=(const Merger&) = delete;

  // Words that are [UNK] whatever is merged are left out: too long, or with a letter that has no piece.
  void add_word(const std::string& word, long count) {
    const std::vector<std::string> letters = letters_of(word);
    if (long(letters.size()) > kLongestWord) return;
    Word cut{{}, count};
    for (const std::string& letter : letters) {
      const auto id = ids_.find(cut.symbols.empty() ? letter : "##" + letter);
      if (id == ids_.end()) return;
      cut.symbols.push_back(id->second);
    }
    words_.push_back(std::move(cut));
  }

  std::vector<std::string> run(size_t size, long min_frequency, const MergeProgress& progress) {
    for (size_t w = 0; w < words_.size(); ++w) for_each_pair(words_[w], [&](Pair pair) { add_pair(pair, w); });
    for (const auto& [pair, place] : places_) queue_.push({place.count, pair});
    while (pieces_.size() < size && !queue_.empty()) {
      const auto [count, pair] = queue_.top();
      queue_.pop();
      const long now = places_[pair].count;
      if (now < min_frequency) continue;
      if (now == count) {
        merge(pair);
        if (progress) progress(pieces_.size());
      } else if (now < count) {
        queue_.push({now, pair});  // it became rarer while it waited; one that became more frequent was pushed again
      }
    }
    return pieces_;
  }

 private:
  struct Word {
    std::vector<int> symbols;
    long count;
  };
  struct Place {
    long count = 0;             // occurrences in all words, times the counts of the words
    std::vector<size_t> words;  // where it occurs, or did
  };
  struct Candidate {
    long count;
    Pair pair;
  };
  // The heap's order: `a` comes later than `b` if it is rarer, or as frequent and its strings are greater.
  struct Later {
    const std::vector<std::string>* pieces;
    const std::string& text(int id) const { return (*pieces)[id]; }
    bool operator()(const Candidate& a, const Candidate& b) const {
      if (a.count != b.count) return a.count < b.count;
      if (left_of(a.pair) != left_of(b.pair)) return text(left_of(a.pair)) > text(left_of(b.pair));
      return text(right_of(a.pair)) > text(right_of(b.pair));
    }
  };

  template <class Body>
  static void for_each_pair(const Word& word, Body body) {
    for (size_t i = 1; i < word.symbols.size(); ++i) body(pair_of(word.symbols[i - 1], word.symbols[i]));
  }

  void add_pair(Pair pair, size_t word) {
    Place& place = places_[pair];
    place.count += words_[word].count;
    if (place.words.empty() || place.words.back() != word) place.words.push_back(word);
  }

  // Replaces the pair in every word that holds it. A word's pairs are all taken off the counts and put back after it.
  void merge(Pair pair) {
    const auto text = [&](int id) { return pieces_[id]; };
    const auto merged = int(pieces_.size());
    pieces_.push_back(text(left_of(pair)) + text(right_of(pair)).substr(2));  // new: equal strings are cut alike
    std::set<Pair> grown;
    for (size_t w : std::exchange(places_[pair].words, {})) {
      for_each_pair(words_[w], [&](Pair old) { places_[old].count -= words_[w].count; });
      replace(words_[w].symbols, pair, merged);
      for_each_pair(words_[w], [&](Pair now) {
        if (left_of(now) != merged && right_of(now) != merged) {
          places_[now].count += words_[w].count;  // as before, and known to be here
        } else {
          add_pair(now, w);
          grown.insert(now);
        }
      });
    }
    for (Pair now : grown) queue_.push({places_[now].count, now});
  }

  // From the left, in place: "aaa" with (a, a) becomes (aa, a).
  static void replace(std::vector<int>& symbols, Pair pair, int merged) {
    size_t kept = 0;
    for (size_t i = 0; i < symbols.size(); ++i, ++kept) {
      const bool here = i + 1 < symbols.size() && pair_of(symbols[i], symbols[i + 1]) == pair;
      symbols[kept] = here ? merged : symbols[i];
      if (here) ++i;
    }
    symbols.resize(kept);
  }

  std::vector<std::string> pieces_;
  std::unordered_map<std::string, int> ids_;
  std::vector<Word> words_;
  std::unordered_map<Pair, Place> places_;
  std::priority_queue<Candidate, std::vector<Candidate>, Later> queue_;
};

}  // namespace

void count_words(std::string_view text, const TokenizerOptions& options, WordCounts& counts) {
  for (std::string& word : split_words(text, options)) ++counts[std::move(word)];
}

// Every thread counts for itself, then adds what it has: sums of integers, the same in any order.
void count_words(const std::vector<std::string_view>& texts, const TokenizerOptions& options, WordCounts& counts) {
#pragma omp parallel if (texts.size() > 1)
  {
    WordCounts own;
#pragma omp for schedule(dynamic, 16) nowait
    for (size_t i = 0; i < texts.size(); ++i) count_words(texts[i], options, own);
#pragma omp critical
    for (const auto& [word, count] : own) counts[word] += count;
  }
}

long forget_rarest(WordCounts& counts, size_t most) {
  if (counts.size() <= most) return 0;
  std::vector<long> ranked;
  for (const auto& [word, count] : counts) ranked.push_back(count);
  const auto first_over = ranked.begin() + long(most);
  std::nth_element(ranked.begin(), first_over, ranked.end(), std::greater<>());
  const long rare = *first_over;
  std::erase_if(counts, [&](const auto& entry) { return entry.second <= rare; });
  return rare;
}

std::vector<std::string> train_vocab(const WordCounts& counts, int size, long min_frequency,
                                     const MergeProgress& progress) {
  std::vector<std::string> pieces = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
  check(size >= 7, "train_vocab: room for five special pieces and a letter, size >= 7; got {}", size);
  check(min_frequency >= 1, "train_vocab: min_frequency >= 1; got {}", min_frequency);
  const auto most = (size_t(size) - pieces.size()) / 2;
  const std::vector<std::string> alphabet = alphabet_of(counts, most, min_frequency);
  check(!alphabet.empty(), "train_vocab: no letter is seen {} times in {} different words", min_frequency,
        counts.size());
  pieces.insert(pieces.end(), alphabet.begin(), alphabet.end());
  for (const std::string& letter : alphabet) pieces.push_back("##" + letter);
  Merger merger(std::move(pieces));
  for (const auto& [word, count] : counts) merger.add_word(word, count);
  return merger.run(size_t(size), min_frequency, progress);
}

std::vector<std::string> train_vocab(const std::vector<std::string>& texts, int size, long min_frequency,
                                     const TokenizerOptions& options) {
  WordCounts counts;
  count_words(std::vector<std::string_view>(texts.begin(), texts.end()), options, counts);
  return train_vocab(counts, size, min_frequency);
}

}  // namespace text
