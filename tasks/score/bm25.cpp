// An inverted index with BM25's weights, and rank fusion. Read tasks/score/bm25.h first: the formulas.
#include "tasks/score/bm25.h"

#include <cmath>
#include <map>

#include "engine/base.h"

namespace score {

Bm25::Bm25(const std::vector<std::vector<std::string>>& documents, double k1, double b) {
  engine::check(k1 >= 0 && b >= 0 && b <= 1, "bm25: k1 from 0 and b in [0, 1]; got {} and {}", k1, b);
  double words = 0;
  for (const std::vector<std::string>& document : documents) words += double(document.size());
  const double average = words > 0 ? words / double(documents.size()) : 1;
  for (size_t d = 0; d < documents.size(); ++d) {
    norm_.push_back(k1 * (1 - b + b * double(documents[d].size()) / average));
    std::map<std::string, double> count;
    for (const std::string& word : documents[d]) ++count[word];
    for (const auto& [word, f] : count) postings_[word].push_back({int(d), f * (k1 + 1) / (f + norm_[d])});
  }
}

std::vector<double> Bm25::scores(const std::vector<std::string>& question) const {
  std::vector<double> scores(norm_.size(), 0);
  for (const std::string& word : question) {
    const auto found = postings_.find(word);
    if (found == postings_.end()) continue;
    const double n = double(found->second.size());
    const double idf = std::log1p((double(norm_.size()) - n + 0.5) / (n + 0.5));
    for (const Posting& posting : found->second) scores[size_t(posting.document)] += idf * posting.weight;
  }
  return scores;
}

std::vector<double> fused(const std::vector<std::vector<int>>& rankings, const std::vector<double>& weights, long n) {
  engine::check(rankings.size() == weights.size(), "fused: a weight for each ranking; got {} and {}", rankings.size(),
                weights.size());
  std::vector<double> scores(size_t(n), 0);
  for (size_t r = 0; r < rankings.size(); ++r)
    for (size_t rank = 0; rank < rankings[r].size(); ++rank) {
      const int item = rankings[r][rank];
      engine::check(item >= 0 && item < n, "fused: an item must be 0 ... {}; got {}", n - 1, item);
      scores[size_t(item)] += weights[r] / (kFusion + double(rank + 1));
    }
  return scores;
}

}  // namespace score
