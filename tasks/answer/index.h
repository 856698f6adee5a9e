// Index: articles with their vectors in one file, and the search in it, by meaning and by words.
#pragma once

#include "tasks/answer/knowledge.h"
#include "tasks/answer/reader.h"
#include "tasks/score/bm25.h"
#include "tasks/score/nearest.h"

namespace answer {

struct Found {
  int article = 0;
  double cosine = 0, words = 0;  // of the vectors; BM25
  double score = 0;              // of both rankings
};

class Index {
 public:
  static constexpr long kDepth = 100;
  static constexpr double kByVector = 0.02;

  // An article's vector is the mean of its title's and its text's, each of unit length: its product with a question's
  // is the mean of two cosines.
  Index(const std::vector<Article>& articles, const model::TextModel& model, std::string model_hash);
  // NAME.safetensors: "vectors" [n, C]; the metadata have ids, titles and texts, and the model's hash.
  // Error: no such file, not of this form, of another model than `model_hash`.
  static Index load(const std::string& path, const std::string& model_hash);
  void save(const std::string& path) const;
  // New ones, and others in the place of those of their ids; only their vectors are computed.
  void add(std::vector<Article> articles, const model::TextModel& model);

  // The k best by both rankings fused (score::fused), `by_vector` the weight of that of the vectors, the rest that of
  // the words; of each the first kDepth count, by words only what shares one; what neither names is not found.
  //   vector [1, C]
  std::vector<Found> search(const std::string& question, const Tensor& vector, long k,
                            double by_vector = kByVector) const;

  const std::vector<Article>& articles() const { return articles_; }
  const Tensor& vectors() const { return vectors_; }
  score::Neighbours nearest(const Tensor& vector, long k) const { return nearest_(vector, k); }

 private:
  Index(std::vector<Article> articles, Tensor vectors, std::string model_hash);

  std::vector<Article> articles_;
  Tensor vectors_;               // [n, C]
  score::NearestIndex nearest_;  // of them
  std::string hash_;
  score::Bm25 titles_, texts_;
};

// What the ranking by words counts: words in lower case and without accents, their ends cut to a stem ("returns",
// "returned" and "return" are one), without the commonest function words; and every three letters of a stem, so that
// misspelled and compound words are found, too. An article's score is BM25 of its title + kText times that of its text.
constexpr double kText = 0.3;
std::vector<std::string> index_terms(const std::string& text);

// What names a model: the SHA-256 of its weights.
std::string hash_of(const std::string& model_directory);

}  // namespace answer
