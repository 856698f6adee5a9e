// A decision: the one number of what a head says that is explained, as a function of a text.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tasks/model/text_model.h"
#include "tasks/text/batches.h"

namespace attribution {

using engine::Indices;
using engine::Tensor;
using Windows = std::vector<text::Encoding>;

// The score before the softmax or sigmoid, which moves also where a probability is near 0 or 1; or the probability.
enum class Of { logit, probability };

// What head `head` says of class `k`, y its logits, averaged over the windows of a text:
//   label    logit y_k                       probability softmax(y)_k, of a binary loss s(y_k), s the sigmoid
//   labels   logit y_k                       probability s(y_k)
//   ordinal  logit log p - log(1 - p), each kept above 1e-9;   probability p = P(y = k) = s(x_i) - s(x_j)
//            x_i the least of x_0 ... x_{k-1} (s = 1 for the first class), x_j of x_0 ... x_k (0 for the last)
//   number   the number itself; it has no probability
class Decision {
 public:
  // Error: a head of tags or vectors, a class that is none, the probability of a number. The model must outlive it.
  Decision(const model::TextModel& model, size_t head, int k, Of of = Of::logit);

  const model::TextModel& model() const { return model_; }
  const spec::TaskSpec& task() const { return model_.tasks[head_]; }
  size_t head() const { return head_; }
  int k() const { return k_; }
  Of of() const { return of_; }
  std::string class_name() const;  // empty: a number

  // Of a batch of B texts with W windows.    [W, K] -> [B], with its gradient
  Tensor of_logits(const Tensor& logits, const text::Batch& batch) const;
  // Of texts, each its windows, without gradient; the texts run in packed batches of kTokens tokens.
  std::vector<double> of_texts(const std::vector<Windows>& texts) const;
  double of_text(const Windows& text) const { return of_texts({text})[0]; }
  long runs() const { return runs_; }  // how many texts have been through the model, by of_texts

  static constexpr long kTokens = 4096;

 private:
  const model::TextModel& model_;
  size_t head_;
  int k_;
  Of of_;
  mutable long runs_ = 0;
};

// Texts laid end to end as a batch.
text::Batch pack_texts(const std::vector<Windows>& texts);

// The class of that name, or where `name` is empty the one that the model says of this text; of a number 0.
// Error: no such class (the nearest name), a class of a number.
int class_of(const model::TextModel& model, size_t head, const std::string& name, const Windows& text);

}  // namespace attribution
