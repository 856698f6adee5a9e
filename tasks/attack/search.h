// How a text is changed until a classifier errs: word by word, where it hurts most.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace attack {

// A text that a classifier is asked about. Where end > 0 it is to read the word at bytes begin ... end - 1 as unknown.
struct Query {
  std::string text;
  size_t begin = 0, end = 0;
};
// What a classifier says of them: [queries][K] probabilities.
using Victim = std::function<std::vector<std::vector<double>>(const std::vector<Query>& queries)>;
// What may stand in the place of a word; none: it stays.
using Candidates = std::function<std::vector<std::string>(const std::string& word)>;

struct Limits {
  long queries = 2000;  // of one text
  double changed = 1;   // the largest share of its words
};

enum class Outcome { skipped, failed, successful, unfinished };  // wrong before; not found; found; queries ran out
struct Attempt {
  Outcome outcome = Outcome::failed;
  std::string text;  // as it was changed last
  long words = 0, changed = 0, queries = 0;
  int said = 0;                                            // the class of that
  std::vector<std::pair<std::string, std::string>> swaps;  // in their order
};

// Probability weighted word saliency (Ren, Deng, He, Che 2019), of a text of words w_1 ... w_W with class y:
//   saliency     S_i = p_y(text) - p_y(text with w_i unknown),   phi = softmax(S)
//   best swap    w_i* = the candidate c with the largest d_i = p_y(text) - p_y(text with c for w_i)
//   order        by phi_i d_i, falling; swaps one after the other, the text changed so far, until y is not the largest
// Words are attribution::words_of()'s, in any script, signs among them; what stands between them is left as it is. Words
// without candidates, with a digit in them, or whose best swap does not lower p_y, stay.
Attempt pwws(const Victim& victim, const Candidates& candidates, const std::string& text, int label,
             const Limits& limits);

// Four slips for a word of four letters and more, inside of it: neighbours swapped, a letter another one, left out,
// doubled (Gao, Lanchantin, Soffa, Qi 2018, "DeepWordBug"); the place by the word and `seed`.
Candidates slips(uint64_t seed);

}  // namespace attack
