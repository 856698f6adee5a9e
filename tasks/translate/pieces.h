// Pieces: texts as ids and back, by SentencePiece and the vocabulary of a Marian directory.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace sentencepiece {
class SentencePieceProcessor;
}

namespace translate {

// What new pieces are to be.
struct PieceOptions {
  std::string kind = "unigram";  // or bpe
  long vocabulary = 8000;        // with </s>, <unk> and <pad>; a small corpus may give fewer
  bool lowercase = false;        // texts are lower-cased before they are cut
};

// A directory holds source.spm and target.spm, which cut, and vocab.json, which numbers what they cut into; lowercase
// stands in translate.json. A piece carries its blank, so that decode(encode(text)) is the text, if its characters are
// known and its blanks single.
class Pieces {
 public:
  // Learned from both sides together, one model for both; the same texts give the same pieces.
  static Pieces learn(const std::vector<std::string>& texts, const PieceOptions& options);
  // Error: a file that is missing or is no model; ids that are not 0 ... V - 1, each once; no </s> or <unk>.
  static Pieces load(const std::string& directory);
  void save(const std::string& directory) const;

  // With the end. Of a source, a first word >>xx<< that the vocabulary has is one piece (opus-mt's target language).
  std::vector<int> source(const std::string& text) const;
  std::vector<int> target(const std::string& text) const;
  std::string text(const std::vector<int>& ids) const;  // without end and padding
  const std::string& piece(int id) const { return names_.at(id); }

  long size() const { return long(names_.size()); }
  int end() const { return end_; }
  int padding() const { return padding_; }
  bool lowercase() const { return lowercase_; }

 private:
  using Model = std::shared_ptr<sentencepiece::SentencePieceProcessor>;
  void number(const std::vector<std::string>& names);
  std::vector<int> encode(const Model& model, const std::string& text) const;

  Model source_, target_;
  std::vector<std::string> names_;  // by id
  std::unordered_map<std::string, int> ids_;
  int end_ = 0, unknown_ = 0, padding_ = 0;
  bool lowercase_ = false;
};

}  // namespace translate
