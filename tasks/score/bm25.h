// BM25: which documents share rare words with a question; and several rankings made one.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

namespace score {

// Okapi BM25 (Robertson, Zaragoza 2009) in Lucene's form, whose idf is never negative. Of a question's words w, each as
// often as it occurs, in a document of len words, f of them w, when n of the N documents hold w:
//   sum_w idf(w) f (k1 + 1) / (f + k1 (1 - b + b len / avg)),   idf(w) = ln(1 + (N - n + 1/2) / (n + 1/2))
class Bm25 {
 public:
  explicit Bm25(const std::vector<std::vector<std::string>>& documents, double k1 = 1.2, double b = 0.75);
  std::vector<double> scores(const std::vector<std::string>& question) const;  // [N], 0 where no word is shared
  long size() const { return long(norm_.size()); }

 private:
  struct Posting {
    int document;
    double weight;  // f (k1 + 1) / (f + norm)
  };
  std::vector<double> norm_;  // k1 (1 - b + b len / avg)
  std::unordered_map<std::string, std::vector<Posting>> postings_;
};

// Reciprocal rank fusion (Cormack, Clarke, Buettcher 2009): sum over the rankings of weight / (60 + rank), ranks from
// 1; what a ranking does not name gets nothing from it.    rankings: indices, best first -> [n]
constexpr double kFusion = 60;
std::vector<double> fused(const std::vector<std::vector<int>>& rankings, const std::vector<double>& weights, long n);

}  // namespace score
