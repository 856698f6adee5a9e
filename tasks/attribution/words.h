// Why: how much every word of a text adds to the score of a class, and a text with the strongest words marked.
#pragma once

#include <string>
#include <vector>

#include "tasks/model/predict.h"

namespace attribution {

using engine::Indices;

// How much each token adds to the score of class classes[b] of text b of the batch, before softmax or sigmoid; of a
// number to the number; of ordered classes to the score that rises with them.    N tokens, in the order of the batch;
// the windows of a text are not yet averaged.
// The parameters should be frozen: a gradient that arrives there is left where it is. Error: a head of tags.
std::vector<double> token_shares(const model::TextModel& model, size_t head, const text::Batch& batch,
                                 const Indices& classes);

// A word of a text, or of the second text; what it adds.
struct WordShare {
  std::string word;
  bool second = false;
  size_t begin = 0, end = 0;  // its bytes in the text; both 0 where pieces could not be found in it
  double share = 0;
};
// Pieces joined to words, of every text in its order, the windows averaged as the logits are. Texts are taken in
// batches of model::kEvaluationBatch from the first on.
std::vector<std::vector<WordShare>> word_shares(const model::TextModel& model, size_t head,
                                                const std::vector<text::Example>& examples, const text::EncodedSet& set,
                                                const Indices& classes);

constexpr size_t kStrongest = 5;

// "lovely:+0.31 not:-0.05": the strongest, as far as they have two digits to show.
std::string strongest(const std::vector<WordShare>& words);

// How words are marked: green and bold for what speaks for the label, red and underlined for what speaks against it;
// bold and reversed; [[+lovely]] [[-not]].
enum class Marks { colour, plain_terminal, brackets };
// What standard output can show: brackets where it is no terminal, where NO_COLOR is set (no-color.org) or TERM is
// dumb.
Marks marks_of_output();

// The text on one line with its strongest words marked; of more than `columns` the beginning. 0: all of it.
std::string marked(const std::string& text, const std::vector<WordShare>& words, Marks marks, size_t columns = 0,
                   bool second = false);

}  // namespace attribution
