// Search: the sequences that a model finds likely, token by token. It knows a function that gives the next token's
// logits, and no model.
#pragma once

#include <functional>
#include <vector>

#include "engine/ops.h"

namespace nn {
using namespace engine;

// When a sentence is done. All wait until so many hypotheses have ended as are kept. With a the length penalty, S the
// largest sum of log p of those that go on:
//   exact      the worst kept score is not below S / (longest length)^a (a <= 0: present length): nothing that goes on
//              can become better. As many are kept as are asked for.
//   present    Hugging Face's early_stopping=false: not below S / (present length)^a, S of the present ends, too.
//              As many as beams are kept.
//   first      early_stopping=true: at once.
enum class Stop { exact, present, first };

struct SearchOptions {
  int beams = 5;              // 1: the most likely token at every step, or, with `sample`, a drawn one
  double length_penalty = 1;  // score = sum of log p / (tokens, the end included)^length_penalty
  Stop stop = Stop::exact;
  int n_best = 1;                   // how many hypotheses a sentence gets: at most beams; of draws, that many
  long least = 0;                   // tokens before the end
  int no_repeat = 0;                // n-grams of this length occur once; 0: as they come
  std::vector<int> forbidden = {};  // tokens that never occur
  // Whether log p is of what may follow alone (Hugging Face's renormalize_logits); else what is kept out by `least`,
  // `no_repeat` and `forbidden` keeps its probability.
  bool renormalize = false;
  // At the most tokens that a sentence may have the end is forced and costs nothing (Hugging Face's
  // forced_eos_token_id). If not, what goes on there ends as it is, without an end.
  bool force_end = true;
  bool sample = false;
  double temperature = 1;  // that divides the logits before a draw
  int top_k = 0;           // draw among so many; 0: all
  double top_p = 1;        // draw among the fewest tokens whose probabilities reach this
  uint64_t seed = 42;
  void check_values() const;
};

// What a search must know of a sentence.
struct Asked {
  long most = 100;      // tokens, the end included
  Indices forced = {};  // how the sequence begins
  long free = 0;        // of `forced` so many, the first, cost nothing, as Hugging Face's forced_bos_token_id
  uint32_t number = 0;  // of the sentence: what its draws depend on, beside the seed
};

struct Hypothesis {
  Indices ids;  // with the end if it has one, without the start
  double score = 0;
  std::vector<double> log_probs;  // of each token; of a draw as well: before temperature and cuts
};

// Logits that follow rows which go on; see Decoding::step().    ids [R], parents [R] -> [R, V]
using Next = std::function<Tensor(const Indices& ids, const Indices& parents)>;

// Of every sentence its n_best hypotheses, the best first.
//   beam search: each step the 2 beams best continuations of a sentence; among the first `beams` of them those that end
//   are hypotheses, and the `beams` best others go on.                        (Sutskever, Vinyals, Le 2014)
// A sentence's result does not depend on the others, but for rounding. Error: logits that hold a NaN or infinity.
std::vector<std::vector<Hypothesis>> search(const Next& next, const std::vector<Asked>& sentences, int start, int end,
                                            const SearchOptions& options);

}  // namespace nn
