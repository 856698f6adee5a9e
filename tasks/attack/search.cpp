// The search. Read tasks/attack/search.h first: its formula.
#include "tasks/attack/search.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "engine/random.h"
#include "tasks/attribution/subject.h"
#include "tasks/text/augment.h"
#include "tasks/text/letters.h"
#include "tasks/text/utf8.h"

namespace attack {
namespace {

// A text cut into its words and what stands between them, so that a word is changed where it stands.
struct Words {
  std::vector<std::string> words, between;  // between[i] stands before word i, the last one behind all words
  std::vector<text::Span> places;           // of the words in the text as it was

  explicit Words(const std::string& text) : places(attribution::words_of(text)) {
    size_t at = 0;
    for (const auto& [begin, end] : places) {
      between.push_back(text.substr(at, begin - at));
      words.push_back(text.substr(begin, end - begin));
      at = end;
    }
    between.push_back(text.substr(at));
  }
  std::string text() const {
    std::string all;
    for (size_t i = 0; i < words.size(); ++i) all += between[i] + words[i];
    return all + between.back();
  }
  std::string with(size_t at, const std::string& other) const {
    Words changed = *this;
    changed.words[at] = other;
    return changed.text();
  }
};

// Whether it may get a stand-in: no sign, and no number.
bool may_change(const std::string& word) {
  size_t at = 0;
  return text::kind_of(text::next_code_point(word, at).value) == text::CodePointKind::letter &&
         std::ranges::none_of(word, [](char c) { return c >= '0' && c <= '9'; });
}

// The way of one text: what has been asked, and what may still be.
class Search {
 public:
  Search(const Victim& victim, int label, const Limits& limits) : victim_(victim), label_(label), limits_(limits) {}
  long queries() const { return queries_; }
  bool may_ask(size_t n) const { return queries_ + long(n) <= limits_.queries; }
  std::vector<std::vector<double>> ask(const std::vector<Query>& queries) {
    queries_ += long(queries.size());
    return victim_(queries);
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

std::vector<double> saliency(Search& search, const Words& words, double p) {
  std::vector<Query> hidden;
  for (const auto& [begin, end] : words.places) hidden.push_back({words.text(), begin, end});
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
  for (size_t i = 0; i < words.words.size(); ++i) {
    const std::string& word = words.words[i];
    const std::vector<std::string> others = may_change(word) ? candidates(word) : std::vector<std::string>();
    if (others.empty()) continue;
    if (!search.may_ask(others.size())) return {};
    std::vector<Query> texts;
    for (const std::string& other : others) texts.push_back({words.with(i, cased(word, other))});
    const auto said = search.ask(texts);
    Swap best{i, "", 0, 0};
    for (size_t c = 0; c < others.size(); ++c)
      if (const double drop = p - search.own(said[c]); drop > best.drop)
        best = {i, cased(word, others[c]), drop, phi[i] * drop};
    if (!best.word.empty()) swaps.push_back(best);
  }
  std::stable_sort(swaps.begin(), swaps.end(), [](const Swap& a, const Swap& b) { return a.weight > b.weight; });
  return swaps;
}

}  // namespace

Attempt pwws(const Victim& victim, const Candidates& candidates, const std::string& text, int label,
             const Limits& limits) {
  Search search(victim, label, limits);
  Words words(text);
  const size_t count = words.words.size();
  Attempt done;
  done.text = text;
  done.words = long(count);
  const std::vector<double> before = search.ask({{text}})[0];
  const auto end = [&](Outcome outcome) {
    done.outcome = outcome;
    done.queries = search.queries();
    return done;
  };
  done.said = largest(before);
  if (done.said != label) return end(Outcome::skipped);
  if (count == 0) return end(Outcome::failed);
  if (!search.may_ask(count)) return end(Outcome::unfinished);
  const double p = search.own(before);
  const std::vector<double> phi = saliency(search, words, p);
  const auto swaps = best_swaps(search, candidates, words, p, phi);
  if (!swaps) return end(Outcome::unfinished);
  for (const Swap& swap : *swaps) {
    if (double(done.changed + 1) > limits.changed * double(count)) break;
    if (!search.may_ask(1)) return end(Outcome::unfinished);
    done.swaps.emplace_back(words.words[swap.at], swap.word);
    words.words[swap.at] = swap.word;
    ++done.changed;
    done.text = words.text();
    done.said = largest(search.ask({{done.text}})[0]);
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
