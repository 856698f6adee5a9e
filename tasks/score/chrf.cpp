// chrF and chrF++: F of n-grams of characters and words. Read tasks/score/bleu.cpp first.
#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "engine/base.h"
#include "tasks/score/bleu.h"
#include "tasks/score/bleu_tokens.h"
#include "tasks/text/letters.h"
#include "tasks/text/utf8.h"

namespace score {
namespace {

// Words with a punctuation mark split off: one at the end or else one at the start.
std::vector<std::string> words_and_marks(const std::string& text) {
  constexpr std::string_view kMarks = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
  const auto is_mark = [&](char c) { return kMarks.find(c) != std::string_view::npos; };
  std::vector<std::string> words;
  for (const std::string& word : split_words(text)) {
    const bool one = text::decode_utf8(word).size() == 1;
    if (!one && is_mark(word.back())) {
      words.push_back(word.substr(0, word.size() - 1));
      words.push_back(word.substr(word.size() - 1));
    } else if (!one && is_mark(word.front())) {
      words.push_back(word.substr(0, 1));
      words.push_back(word.substr(1));
    } else {
      words.push_back(word);
    }
  }
  return words;
}

template <class Gram>
using Counted = std::unordered_map<Gram, long>;

// [n-grams of the hypothesis, of the reference, matches] of one order. Without any in the reference there is nothing
// to be right about: the hypothesis' do not count.
template <class Gram>
void add_order(const Counted<Gram>& ours, const Counted<Gram>& theirs, Tallies& to) {
  long mine = 0, reference = 0, matches = 0;
  for (const auto& [gram, times] : ours) {
    mine += times;
    const auto found = theirs.find(gram);
    if (found != theirs.end()) matches += std::min(times, found->second);
  }
  for (const auto& [gram, times] : theirs) reference += times;
  to.insert(to.end(), {theirs.empty() ? 0 : mine, reference, matches});
}

// A text as its characters and its words; n-grams of one order.
struct Parts {
  std::u32string characters;
  std::vector<std::string> words;
  Parts(const std::string& text, const ChrfOptions& o) {
    const std::string cased = o.lowercase ? text::lower(text) : text;
    if (o.whitespace) characters = text::decode_utf8(cased);
    if (!o.whitespace)
      for (const std::string& word : split_words(cased)) characters += text::decode_utf8(word);
    if (o.word_order) words = words_and_marks(cased);
  }
  Counted<std::u32string> of_characters(size_t n) const {
    Counted<std::u32string> grams;
    for (size_t i = 0; i + n <= characters.size(); ++i) ++grams[characters.substr(i, n)];
    return grams;
  }
  Counted<std::string> of_words(size_t n) const {
    Counted<std::string> grams;
    for (size_t i = 0; i + n <= words.size(); ++i) {
      std::string gram = words[i];
      for (size_t j = i + 1; j < i + n; ++j) gram += " " + words[j];
      ++grams[gram];
    }
    return grams;
  }
};

// With P_n and R_n precision and recall of order n, P and R their means over the orders that occur on both sides:
//   chrF = 100 (1 + beta^2) P R / (beta^2 P + R);      eps_smoothing: the mean over all orders of their own F
double score_of(const Tallies& sums, const ChrfOptions& o) {
  constexpr double kEps = 1e-16;
  const int orders = o.char_order + o.word_order;
  const double factor = o.beta * o.beta;
  double smoothed = 0, precision = 0, recall = 0;
  int occurring = 0;
  for (int i = 0; i < orders; ++i) {
    const double mine = double(sums[3 * i]), theirs = double(sums[3 * i + 1]), matches = double(sums[3 * i + 2]);
    const double p = mine > 0 ? matches / mine : kEps, r = theirs > 0 ? matches / theirs : kEps;
    const double below = factor * p + r;
    smoothed += below > 0 ? (1 + factor) * p * r / below : kEps;
    if (mine > 0 && theirs > 0) precision += p, recall += r, ++occurring;
  }
  if (o.eps_smoothing) return 100 * smoothed / orders;
  if (occurring) precision /= occurring, recall /= occurring;
  if (precision + recall == 0) return 0;
  return 100 * ((1 + factor) * precision * recall / (factor * precision + recall));
}

// Of several references the one with the best score counts, the first of equals.
Tallies count(const std::string& hypothesis, const std::vector<std::string>& references, const ChrfOptions& o) {
  const Parts ours(hypothesis, o);
  Tallies best;
  double best_score = -1;
  for (const std::string& reference : references) {
    const Parts theirs(reference, o);
    Tallies tallies;
    for (int n = 1; n <= o.char_order; ++n) add_order(ours.of_characters(n), theirs.of_characters(n), tallies);
    for (int n = 1; n <= o.word_order; ++n) add_order(ours.of_words(n), theirs.of_words(n), tallies);
    const double score = score_of(tallies, o);
    if (score > best_score) best_score = score, best = tallies;
  }
  return best;
}

}  // namespace

CorpusMetric chrf(const ChrfOptions& o) {
  engine::check(o.char_order >= 0 && o.word_order >= 0 && o.char_order + o.word_order > 0,
                "chrf: one order of characters or words at least; got {} and {}", o.char_order, o.word_order);
  CorpusMetric metric;
  metric.name = fmt::format("chrF{:g}{}", o.beta, std::string(o.word_order, '+'));
  metric.count = [o](const std::string& h, const std::vector<std::string>& r) { return count(h, r, o); };
  metric.score = [o](const Tallies& sums) { return score_of(sums, o); };
  metric.settings = [o](const std::string& before) {
    return fmt::format("{}case:{}|eff:{}|nc:{}|nw:{}|space:{}", before, o.lowercase ? "lc" : "mixed",
                       o.eps_smoothing ? "no" : "yes", o.char_order, o.word_order, o.whitespace ? "yes" : "no");
  };
  return metric;
}

}  // namespace score
