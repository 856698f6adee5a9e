// Words and letters, drawn. Read tasks/text/augment.h first.
#include "tasks/text/augment.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "engine/strings.h"
#include "tasks/text/utf8.h"

namespace text {

using engine::check;

Augmentation augmentation_named(const std::string& name) {
  if (name == "eda") return Augmentation::eda;
  if (name == "words") return Augmentation::words;
  check(name == "characters", "augment: eda, words or characters; got {}", name);
  return Augmentation::characters;
}

namespace {

// Numbers in order, from one sequence.
class Chances {
 public:
  explicit Chances(const engine::Random& random) : random_(random) {}
  double share() { return double(word()) / 4294967296.0; }                         // [0, 1)
  size_t below(size_t n) { return size_t(uint64_t(word()) * uint64_t(n) >> 32); }  // 0 ... n - 1

 private:
  uint32_t word() {
    uint32_t w = 0;
    random_.words(at_++, 1, &w);
    return w;
  }
  engine::Random random_;
  uint64_t at_ = 0;
};

using Words = std::vector<std::string>;

Words split(const std::string& text) {
  Words words;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = text.find_first_not_of(" \t\n\r", at);
    if (begin == std::string::npos) break;
    const size_t end = std::min(text.find_first_of(" \t\n\r", begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    at = end;
  }
  return words;
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// A word between its signs: "(fine," is "(", "fine", ",".
struct Cut {
  std::string before, core, after;
};
Cut cut_of(const std::string& word) {
  const auto first = std::find_if(word.begin(), word.end(), is_letter);
  const auto last = std::find_if(word.rbegin(), word.rend(), is_letter).base();
  if (first == word.end()) return {word, "", ""};
  return {{word.begin(), first}, {first, last}, {last, word.end()}};
}

// One of its synonyms; empty: it has none.
std::string synonym_of(const std::string& word, const Synonyms& synonyms, Chances& draw) {
  const std::vector<std::string> all =
      synonyms ? synonyms(engine::ascii_lower(cut_of(word).core)) : std::vector<std::string>();
  return all.empty() ? "" : all[draw.below(all.size())];
}

void replace_some(Words& words, size_t n, const Synonyms& synonyms, Chances& draw, bool in_place) {
  for (size_t tries = 0, done = 0; done < n && tries < 10 * n; ++tries) {
    const size_t at = draw.below(words.size());
    const std::string other = synonym_of(words[at], synonyms, draw);
    if (other.empty()) continue;
    const Cut cut = cut_of(words[at]);
    if (in_place)
      words[at] = cut.before + other + cut.after;
    else
      words.insert(words.begin() + long(draw.below(words.size() + 1)), other);
    ++done;
  }
}

void drop_some(Words& words, double share, Chances& draw) {
  if (words.size() < 2) return;
  const size_t keeper = draw.below(words.size());
  Words left;
  for (size_t i = 0; i < words.size(); ++i)
    if (draw.share() >= share || i == keeper) left.push_back(words[i]);
  words = left;
}

void eda(Words& words, double share, const Synonyms& synonyms, Chances& draw) {
  const auto n = std::max<size_t>(1, size_t(share * double(words.size())));
  const size_t what = synonyms ? draw.below(4) : 2 + draw.below(2);
  if (what < 2) return replace_some(words, n, synonyms, draw, what == 0);
  if (what == 3) return drop_some(words, share, draw);
  for (size_t i = 0; i < n; ++i) std::swap(words[draw.below(words.size())], words[draw.below(words.size())]);
}

void slip(Words& words, double share, Chances& draw) {
  for (std::string& word : words) {
    const Cut cut = cut_of(word);
    if (cut.core.size() < 4 || draw.share() >= share) continue;
    const std::u32string letters = decode_utf8(cut.core);
    if (letters.size() < 4) continue;
    const int kind = int(draw.below(4));
    const size_t place = 1 + draw.below(letters.size() - 2);
    word = cut.before + slipped(letters, kind, place, char32_t('a' + draw.below(26))) + cut.after;
  }
}

}  // namespace

std::string slipped(const std::u32string& word, int kind, size_t place, char32_t letter) {
  check(word.size() >= 3 && place >= 1 && place + 1 < word.size(), "slipped: a letter inside of the word; got {} of {}",
        place, word.size());
  std::u32string w = word;
  if (kind == 0) {
    const size_t other = place + 2 < w.size() ? place + 1 : place - (place > 1);
    std::swap(w[place], w[other]);
  } else if (kind == 1) {
    w[place] = letter;
  } else if (kind == 2) {
    w.erase(place, 1);
  } else {
    w.insert(place, 1, w[place]);
  }
  std::string out;
  for (const char32_t c : w) append_utf8(out, c);
  return out;
}

std::string augmented(const std::string& text, Augmentation how, double share, const Synonyms& synonyms,
                      engine::Random random) {
  Words words = split(text);
  if (words.empty()) return text;
  Chances draw(random);
  if (how == Augmentation::eda) {
    eda(words, share, synonyms, draw);
  } else if (how == Augmentation::characters) {
    slip(words, share, draw);
  } else {
    drop_some(words, share / 2, draw);
    for (size_t i = 0; i < words.size(); ++i)
      if (draw.share() < share / 2) {
        const std::string twice = words[i];
        words.insert(words.begin() + long(i++), twice);
      }
  }
  return fmt::format("{}", fmt::join(words, " "));
}

}  // namespace text
