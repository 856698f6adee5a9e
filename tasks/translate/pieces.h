// Pieces: texts as ids and back, by SentencePiece and the vocabulary of a Marian directory, or by WordPiece.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "tasks/text/wordpiece.h"

namespace sentencepiece {
class SentencePieceProcessor;
}

namespace translate {

// What new pieces are to be.
struct PieceOptions {
  std::string kind = "unigram";  // or bpe, wordpiece
  long vocabulary = 8000;        // with </s>, <unk> and <pad>; a small corpus may give fewer
  bool lowercase = false;        // texts are lower-cased before they are cut
};

// A directory holds source.spm and target.spm, which cut, and vocab.json, which numbers what they cut into; lowercase
// stands in translate.json. A piece carries its blank, so that decode(encode(text)) is the text, if its characters are
// known, which a tab never is, none is ▁, which stands for a blank, and its blanks are single and none at its ends.
// WordPieces have no .spm; translate.json says so. They do not carry blanks: text() puts none in front of . , ? ! ; : )
// ], behind ( [ and around ' and -, which is a guess; came_back() counts how often it is right.
class Pieces {
 public:
  // Learned from both sides together, one model for both; the same texts give the same pieces.
  static Pieces learn(const std::vector<std::string>& texts, const PieceOptions& options);
  // Error: a file that is missing or is no model; ids that are not 0 ... V - 1, each once; no </s> or <unk>; a .spm
  // most of whose pieces vocab.json does not know.
  static Pieces load(const std::string& directory);
  void save(const std::string& directory) const;

  // With the end. Of a source, a first word >>xx<< that the vocabulary has is one piece (opus-mt's target language).
  // `dropout`, of BPE: each merge is left out with that probability (BPE-dropout; Provilkov, Emelianenko, Voita 2020).
  std::vector<int> source(const std::string& text, float dropout = 0) const;
  std::vector<int> target(const std::string& text, float dropout = 0) const;
  // What threads draw with that begin after this: SentencePiece's generator lives as long as its thread.
  static void seed_threads(uint32_t seed);
  std::string text(const std::vector<int>& ids) const;  // without end and padding
  const std::string& piece(int id) const { return names_.at(id); }
  // Of each piece of source(text) the number of the word of the text, between blanks, that it stands in; of the end -1.
  std::vector<int> source_words(const std::string& text) const;
  std::vector<int> words(const std::vector<int>& ids) const;  // the same of text(ids)
  // How many of these texts are text(target(text)), in lower case where that is what the pieces read.
  long came_back(const std::vector<std::string>& texts) const;
  // Whether both give a text the same ids, as far as vocabularies say.
  bool same_ids(const Pieces& other) const { return names_ == other.names_ && lowercase_ == other.lowercase_; }

  long size() const { return long(names_.size()); }
  int end() const { return end_; }
  int padding() const { return padding_; }
  bool lowercase() const { return lowercase_; }

 private:
  using Model = std::shared_ptr<sentencepiece::SentencePieceProcessor>;
  static Pieces learn_words(const std::vector<std::string>& texts, const PieceOptions& options);
  void number(const std::vector<std::string>& names);
  void take_words();
  void check_cuts(const sentencepiece::SentencePieceProcessor& model, const std::string& where) const;
  std::vector<int> encode(const Model& model, const std::string& text, float dropout) const;
  size_t behind_language(const std::string& text) const;
  std::vector<std::string> names_of(const std::vector<int>& ids) const;  // without end and padding

  Model source_, target_;
  std::shared_ptr<const text::WordPiece> words_;  // or this for both
  std::vector<std::string> names_;                // by id
  std::unordered_map<std::string, int> ids_;
  int end_ = 0, unknown_ = 0, padding_ = 0;
  bool lowercase_ = false;
};

}  // namespace translate
