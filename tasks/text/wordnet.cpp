// The lines of data.POS, one meaning each: offset, words, pointers to other meanings. Read wndb(5WN) first.
#include "tasks/text/wordnet.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <unordered_map>

#include "engine/base.h"
#include "engine/strings.h"

namespace text {

using engine::check;

namespace {

bool is_single(const std::string& word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

std::ifstream opened(const std::string& directory, const std::string& name) {
  std::ifstream in(directory + "/" + name);
  check(in.good(), "{}/{}: no such file; WordNet's are in Debian's package wordnet-base (apt-get install wordnet-base)",
        directory, name);
  return in;
}

}  // namespace

// A pointer of a line of data.POS: kind, offset of the other meaning, which of the words are meant (0: all).
struct WordNet::Pointer {
  std::string kind;
  long at;
  char part;
  int from, to;
};

WordNet::WordNet(const std::string& directory) {
  for (const char* part : {"noun", "verb", "adj", "adv"}) read_index(directory, part, read_data(directory, part));
}

// data.POS:  offset lexicographer type w_count(hex) word lex_id ... p_cnt(dec) kind offset POS source/target(4 hex) ...
WordNet::Offsets WordNet::read_data(const std::string& directory, const std::string& part) {
  Offsets at;
  std::vector<std::pair<size_t, Pointer>> pointers;
  const std::string data = "data." + part;
  std::ifstream in = opened(directory, data);
  long number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.starts_with("  ")) continue;  // the licence
    std::istringstream fields(line);
    std::string word, hex, type, count;
    long offset = 0, links = 0;
    fields >> offset >> hex >> type >> count;
    Synset synset;
    synset.part = part == "adv" ? 'r' : part[0];
    const long words = fields ? std::strtol(count.c_str(), nullptr, 16) : 0;
    for (long w = 0; w < words && fields >> word >> hex; ++w) {
      word = engine::ascii_lower(word.substr(0, word.find('(')));  // "galore(ip)": where an adjective may stand
      synset.words.push_back(word);
    }
    fields >> links;
    check(fields.good() && long(synset.words.size()) == words && words > 0, "{}/{}:{}: not a line of WordNet",
          directory, data, number);
    at[offset] = synsets_.size();
    for (Pointer p; links-- > 0 && fields >> p.kind >> p.at >> p.part >> hex;) {
      const long both = std::strtol(hex.c_str(), nullptr, 16);
      p.from = int(both >> 8), p.to = int(both & 255);
      if (p.kind == "!" || p.kind == "&") pointers.emplace_back(synsets_.size(), p);
    }
    synsets_.push_back(std::move(synset));
  }
  link(pointers, at);
  return at;
}

// Antonyms are of one word of a synset, likeness is of all.
void WordNet::link(const std::vector<std::pair<size_t, Pointer>>& pointers, const Offsets& at) {
  for (const auto& [from, p] : pointers) {
    const auto to = at.find(p.at);
    if (to == at.end()) continue;
    if (p.kind == "&")
      synsets_[from].similar.push_back(to->second);
    else if (p.to >= 1 && size_t(p.to) <= synsets_[to->second].words.size())
      synsets_[from].antonyms.emplace_back(p.from - 1, synsets_[to->second].words[size_t(p.to - 1)]);
  }
}

// index.POS: word POS synset_cnt p_cnt kind ... sense_cnt tagsense_cnt offset ...
void WordNet::read_index(const std::string& directory, const std::string& part, const Offsets& at) {
  std::ifstream in = opened(directory, "index." + part);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("  ")) continue;
    std::istringstream fields(line);
    std::string word, skip;
    long senses = 0, kinds = 0, offset = 0;
    fields >> word >> skip >> senses >> kinds;
    for (long k = 0; k < kinds + 2; ++k) fields >> skip;
    for (long s = 0; s < senses && fields >> offset; ++s)
      if (const auto found = at.find(offset); found != at.end()) synsets_of_[word].push_back(found->second);
  }
}

std::vector<std::string> WordNet::antonyms(const std::string& word) const {
  std::vector<std::string> all;
  const auto found = synsets_of_.find(word);
  if (found == synsets_of_.end()) return all;
  for (const size_t s : found->second) {
    const auto add = [&](const Synset& of, bool any) {
      for (const auto& [i, antonym] : of.antonyms)
        if (any || of.words[size_t(i)] == word) all.push_back(antonym);
    };
    add(synsets_[s], false);
    for (const size_t other : synsets_[s].similar) add(synsets_[other], true);
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

// Of senses that can have the ending: -s nouns and verbs, -ed and -ing verbs.
std::vector<std::string> WordNet::synonyms_of_base(const std::string& word, const std::string& ending) const {
  std::vector<std::string> all;
  const auto found = synsets_of_.find(word);
  if (found == synsets_of_.end()) return all;
  const std::vector<std::string> opposite = antonyms(word);
  const std::string parts = ending.empty() ? "nvar" : ending == "s" ? "nv" : "v";
  for (const size_t s : found->second)
    for (const std::string& other : synsets_[s].words)
      if (parts.find(synsets_[s].part) != std::string::npos && other != word && is_single(other) &&
          !std::ranges::count(all, other) && !std::binary_search(opposite.begin(), opposite.end(), other))
        all.push_back(other);
  return all;
}

namespace {

bool is_vowel(char c) { return std::string_view("aeiou").find(c) != std::string_view::npos; }

std::string cut(const std::string& word, size_t letters) { return word.substr(0, word.size() - letters); }

// "stopped", "loved", "cried", "stories", "boxes", "making": what they may come from.
std::vector<Base> bases_of(const std::string& word) {
  std::vector<Base> all;
  const auto ends = [&](const char* ending, size_t length) {
    return word.size() > length + 2 && word.ends_with(ending);
  };
  const auto stems = [&](size_t letters, const char* ending) {
    const std::string stem = cut(word, letters);
    all.push_back({stem + "e", ending});
    all.push_back({stem, ending});
    if (stem.size() > 2 && stem.back() == stem[stem.size() - 2]) all.push_back({cut(stem, 1), ending});
  };
  if (ends("ies", 3)) all.push_back({cut(word, 3) + "y", "s"});
  if (ends("es", 2)) all.push_back({cut(word, 2), "s"});
  if (ends("s", 1) && !word.ends_with("ss")) all.push_back({cut(word, 1), "s"});
  if (ends("ied", 3)) all.push_back({cut(word, 3) + "y", "ed"});
  if (ends("ed", 2)) stems(2, "ed");
  if (ends("ing", 3)) stems(3, "ing");
  return all;
}

}  // namespace

std::string inflected(const std::string& base, const std::string& ending) {
  if (ending.empty() || base.size() < 2) return base + ending;
  const char last = base.back(), before = base[base.size() - 2];
  const bool y = last == 'y' && !is_vowel(before);
  if (ending == "s") {
    if (y) return cut(base, 1) + "ies";
    const bool hissing = last == 's' || last == 'x' || last == 'z' || base.ends_with("ch") || base.ends_with("sh");
    return base + (hissing ? "es" : "s");
  }
  if (ending == "ed" && y) return cut(base, 1) + "ied";
  if (last == 'e' && before != 'e') return cut(base, 1) + ending;
  return base + ending;
}

std::vector<std::string> WordNet::synonyms(const std::string& word) const {
  if (!is_single(word)) return {};
  if (knows(word)) return synonyms_of_base(word, "");
  for (const Base& base : bases_of(word)) {
    if (!knows(base.word)) continue;
    std::vector<std::string> all;
    for (const std::string& other : synonyms_of_base(base.word, base.ending))
      all.push_back(inflected(other, base.ending));
    std::erase(all, word);
    return all;
  }
  return {};
}

}  // namespace text
