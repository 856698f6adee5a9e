// WordNet: words that mean the same, out of the dictionary files of Princeton (Miller 1995; wndb(5WN)), as Debian's
// package wordnet-base has them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace text {

class WordNet {
 public:
  static constexpr const char* kPlace = "/usr/share/wordnet";
  // Reads index.POS, data.POS of nouns, verbs, adjectives and adverbs, into memory. Error: no such files, by name, with
  // the package that has them; a file that is not in their form.
  explicit WordNet(const std::string& directory = kPlace);

  // Single words that share a meaning with `word` (lower-case letters), in the order of WordNet's senses, each once,
  // without the word itself and without its antonyms, nor those of what it is similar to: "unthinkable" is never
  // "imaginable". A regular plural or verb form is looked up by its base and gets its ending back. Empty: none is
  // known.
  std::vector<std::string> synonyms(const std::string& word) const;
  std::vector<std::string> antonyms(const std::string& word) const;
  bool knows(const std::string& word) const { return synsets_of_.contains(word); }
  size_t words() const { return synsets_of_.size(); }

 private:
  struct Synset {
    char part = 'n';                                    // noun, verb, adjective (a), adverb (r)
    std::vector<std::string> words;                     // lower case, single ones and phrases
    std::vector<std::pair<int, std::string>> antonyms;  // of word i (from 0): its antonym
    std::vector<size_t> similar;                        // of adjectives
  };
  struct Pointer;
  using Offsets = std::unordered_map<long, size_t>;  // where a synset stands in its file: which of synsets_
  Offsets read_data(const std::string& directory, const std::string& part);
  void link(const std::vector<std::pair<size_t, Pointer>>& pointers, const Offsets& at);
  void read_index(const std::string& directory, const std::string& part, const Offsets& at);
  std::vector<std::string> synonyms_of_base(const std::string& word, const std::string& ending) const;

  std::vector<Synset> synsets_;
  std::map<std::string, std::vector<size_t>, std::less<>> synsets_of_;  // by word, in the order of its senses
};

// An inflected English word is its base and an ending: "", "s", "ed" or "ing"; inflected("story", "s") is "stories".
struct Base {
  std::string word, ending;
};
std::string inflected(const std::string& base, const std::string& ending);

}  // namespace text
