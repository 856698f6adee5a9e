// Wording: intents by the words of a question alone, a linear classifier beside the encoder: a small encoder knows what
// texts mean, this one what they say, and they err on different questions.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "engine/tensor.h"

namespace answer {

// The common part of inflected English words, cut by rule: "returns", "returned" and "return" are "return". Others lose
// an ending now and then, too, which does little harm: it is the same one each time.
std::string stem_of(std::string word);

// Appends "#" and every run of n letters (code points) of "<word>".
void append_runs(const std::string& word, size_t n, std::vector<std::string>& to);

// Features f of a text: the stems of its words, pairs of neighbours, and the runs of 3 to 5 letters of each word. Of
// each of the two kinds
//   x_f = (1 + ln count_f) (1 + ln((1 + N) / (1 + N_f))), divided by the norm of the kind
// over N texts that were learned, N_f of which have f; features that no text had are left out. The classifier is
// multinomial logistic regression, logits = W x + b, learned by passes of stochastic gradients, each step
//   W -= rate / sqrt(1 + pass) ((softmax(W x + b) - onehot(y)) x^T)
// in an order drawn by seed. W begins at 0 and stays small where passes are few: that is its only regularisation.
class Wording {
 public:
  // Error: other sizes, no text.
  Wording(const std::vector<std::string>& texts, const std::vector<int>& classes, long K, uint64_t seed);
  static Wording load(const std::string& path);  // Error: not of this form
  void save(const std::string& path) const;

  std::vector<double> logits(const std::string& text) const;  // [K]
  long classes() const { return K_; }

  // The features of a text, in their order, for tests; words begin with a blank, letters with #.
  static std::vector<std::string> features(const std::string& text);

 private:
  struct Entry {
    int feature;
    double x;
  };
  Wording() = default;
  std::vector<Entry> vector_of(const std::string& text) const;
  std::vector<double> product(const std::vector<Entry>& x) const;

  long K_ = 0;
  std::unordered_map<std::string, int> ids_;
  std::vector<double> idf_;      // [F]
  std::vector<double> weights_;  // [F, K]
  std::vector<double> bias_;     // [K]
};

}  // namespace answer
