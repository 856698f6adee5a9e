// The search. Read tasks/attack/search.h first: its formula.
#include "tasks/attack/search.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "engine/random.h"
#include "tasks/text/augment.h"
#include "tasks/text/utf8.h"

namespace attack {
namespace {

using Words = std::vector<std::string>;

std::string joined(const Words& words) { return fmt::format("{}", fmt::join(words, " ")); }

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Letters alone, and single signs: what stands between blanks is cut where letters end, and joined again with blanks.
Words words_of(const std::string& text) {
  Words words;
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    if (is_letter(text[at]))
      while (end < text.size() &&
             (is_letter(text[end]) || (text[end] == '\'' && end + 1 < text.size() && is_letter(text[end + 1]))))
        ++end;
    else if (text[at] != ' ')
      while (end < text.size() && text[end] != ' ' && !is_letter(text[end])) ++end;
    if (end > at) words.push_back(text.substr(at, end - at));
    at = std::max(end, at + 1);
  }
  return words;
}

Words with(const Words& words, size_t at, const std::string& other) {
  Words changed = words;
  changed[at] = other;
  return changed;
}

// The way of one text: what has been asked, and what may still be.
class Search {
 public:
  Search(const Victim& victim, int label, const Limits& limits) : victim_(victim), label_(label), limits_(limits) {}
  long queries() const { return queries_; }
  bool may_ask(size_t n) const { return queries_ + long(n) <= limits_.queries; }
  std::vector<std::vector<double>> ask(const std::vector<Words>& texts) {
    queries_ += long(texts.size());
    std::vector<std::string> lines;
    for (const Words& words : texts) lines.push_back(joined(words));
    return victim_(lines);
  }
  double own(const std::vector<double>& p) const { return p[size_t(label_)]; }

 private:
  const Victim& victim_;
  int label_;
  const Limits& limits_;
  long queries_ = 0;
};

int largest(const std::vector<double>& p) { return int(std::max_element(p.begin(), p.end()) - p.begin()); }

struct Swap {
  size_t at;
  std::string word;
  double drop, weight;
};

std::vector<double> saliency(Search& search, const Words& words, double p, const std::string& unknown) {
  std::vector<Words> hidden;
  for (size_t i = 0; i < words.size(); ++i) hidden.push_back(with(words, i, unknown));
  std::vector<double> s;
  for (const auto& row : search.ask(hidden)) s.push_back(p - search.own(row));
  const double most = *std::max_element(s.begin(), s.end());
  double sum = 0;
  for (double& x : s) sum += x = std::exp(x - most);
  for (double& x : s) x /= sum;
  return s;
}

std::string cased(const std::string& like, std::string word) {
  if (like[0] >= 'A' && like[0] <= 'Z' && word[0] >= 'a' && word[0] <= 'z') word[0] = char(word[0] - 'a' + 'A');
  return word;
}

// Of every word the stand-in that hurts most, where one hurts, the heaviest first; nothing: too many questions.
//   p: of the label now; phi [words]: their saliency
std::optional<std::vector<Swap>> best_swaps(Search& search, const Candidates& candidates, const Words& words, double p,
                                            const std::vector<double>& phi) {
  std::vector<Swap> swaps;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::vector<std::string> others = is_letter(words[i][0]) ? candidates(words[i]) : std::vector<std::string>();
    if (others.empty()) continue;
    if (!search.may_ask(others.size())) return {};
    std::vector<Words> texts;
    for (const std::string& other : others) texts.push_back(with(words, i, cased(words[i], other)));
    const auto said = search.ask(texts);
    Swap best{i, "", 0, 0};
    for (size_t c = 0; c < others.size(); ++c)
      if (const double drop = p - search.own(said[c]); drop > best.drop)
        best = {i, cased(words[i], others[c]), drop, phi[i] * drop};
    if (!best.word.empty()) swaps.push_back(best);
  }
  std::stable_sort(swaps.begin(), swaps.end(), [](const Swap& a, const Swap& b) { return a.weight > b.weight; });
  return swaps;
}

}  // namespace

Attempt pwws(const Victim& victim, const Candidates& candidates, const std::string& text, int label,
             const Limits& limits) {
  Search search(victim, label, limits);
  Words words = words_of(text);
  Attempt done;
  done.text = text;
  done.words = long(words.size());
  const std::vector<double> before = victim({text})[0];
  const auto end = [&](Outcome outcome) {
    done.outcome = outcome;
    done.queries = search.queries() + 1;
    return done;
  };
  done.said = largest(before);
  if (done.said != label) return end(Outcome::skipped);
  if (words.empty()) return end(Outcome::failed);
  if (!search.may_ask(words.size())) return end(Outcome::unfinished);
  const double p = search.own(before);
  const std::vector<double> phi = saliency(search, words, p, limits.unknown);
  const auto swaps = best_swaps(search, candidates, words, p, phi);
  if (!swaps) return end(Outcome::unfinished);
  for (const Swap& swap : *swaps) {
    if (double(done.changed + 1) > limits.changed * double(words.size())) break;
    if (!search.may_ask(1)) return end(Outcome::unfinished);
    done.swaps.emplace_back(words[swap.at], swap.word);
    words[swap.at] = swap.word;
    ++done.changed;
    done.text = joined(words);
    done.said = largest(search.ask({words})[0]);
    if (done.said != label) return end(Outcome::successful);
  }
  return end(Outcome::failed);
}

Candidates slips(uint64_t seed) {
  return [seed](const std::string& word) {
    std::vector<std::string> all;
    const std::u32string letters = text::decode_utf8(word);
    if (letters.size() < 4) return all;
    uint32_t draws[8];
    engine::Random{seed ^ engine::hash_of(word), engine::Stream::sample}.words(0, 8, draws);
    for (int kind = 0; kind < 4; ++kind) {
      const size_t place = 1 + draws[kind] % (letters.size() - 2);
      std::string other = text::slipped(letters, kind, place, char32_t('a' + draws[4 + kind] % 26));
      if (other != word) all.push_back(std::move(other));
    }
    return all;
  };
}

}  // namespace attack
