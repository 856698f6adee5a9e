// The detectors by their names. Read tasks/score/confidence.h and tasks/score/scope.h first: the formulas.
#include "tasks/answer/scope.h"

#include <algorithm>

#include "tasks/score/confidence.h"
#include "tasks/score/nearest.h"
#include "tasks/spec/task_file.h"

namespace answer {

Scope::Scope(Tensor vectors, Indices classes) : vectors_(std::move(vectors)), classes_(std::move(classes)) {}

std::vector<double> Scope::scores(const std::string& detector, const Read& texts, double T) const {
  spec::check_name("detector", detector, kDetectors);
  if (detector == "mahalanobis") {
    if (!gaussians_) gaussians_.emplace(vectors_, classes_);
    return gaussians_->scores(texts.vectors);
  }
  if (detector == "sphere") {
    if (!spheres_) spheres_.emplace(vectors_, classes_);
    return spheres_->scores(texts.vectors);
  }
  if (detector == "both") {
    std::vector<double> sum = scores("product", texts, T);
    const std::vector<double> more = scores("sphere", texts, T);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += more[i];
    return sum;
  }
  if (detector == "neighbour") return score::neighbour_scores(texts.vectors, vectors_, 1);
  const score::Neighbours near =
      detector == "product" ? score::nearest(texts.vectors, vectors_, 1) : score::Neighbours{};
  std::vector<double> scores;
  for (size_t i = 0; i < texts.logits.size(); ++i) {
    const std::vector<double>& x = texts.logits[i];
    if (detector == "logit") scores.push_back(score::max_logit(x));
    if (detector == "energy") scores.push_back(score::negative_energy(x));
    if (detector == "logit" || detector == "energy") continue;
    const std::vector<double> p = score::probabilities(x, T);
    scores.push_back(detector == "margin"    ? score::margin(p)
                     : detector == "entropy" ? score::negative_entropy(p)
                                             : score::max_probability(p));
    if (detector == "product") scores.back() *= std::max(0.0, double(near.score[i]));
  }
  return scores;
}

}  // namespace answer
