// Guide: which tokens of a text attention should fall on, from a list of words or from passages marked in the data.
#pragma once

#include <unordered_map>

#include "tasks/text/batches.h"

namespace text {

class Guide {
 public:
  // Every line of the file a word or phrase, and after a tab, if it has one, its weight (1). Error: no line, a weight
  // that is not positive, or no word that the vocabulary knows; `unknown` receives how many it does not know.
  static Guide from_lexicon(const std::string& path, const WordPiece& tokenizer, long& unknown);

  // The passages of each example, as they stand in its text, several with a | between them. Without any: no guidance.
  static Guide from_rationales(const std::vector<Example>& examples, const WordPiece& tokenizer);

  // [N]: the weight of every token of the batch; 0 where a word is not listed. Words count whole: "good" is not in
  // "goodness".
  engine::Tensor prior(const Batch& batch) const;

 private:
  struct Phrase {
    std::vector<int> ids;
    engine::real weight;
  };
  using Phrases = std::unordered_map<int, std::vector<Phrase>>;  // by their first piece

  explicit Guide(const WordPiece& tokenizer);
  bool add(Phrases& to, const std::string& phrase, engine::real weight, const WordPiece& tokenizer) const;
  void mark(const Phrases& phrases, const engine::Indices& ids, long begin, long end, engine::real* weights) const;

  std::vector<bool> continues_;  // [V] pieces that begin with ##
  Phrases everywhere_;
  std::vector<Phrases> of_example_;
};

}  // namespace text
