// Scope: whether a question is the assistant's business at all, by several scores; larger is more in scope.
#pragma once

#include <optional>

#include "tasks/answer/reader.h"
#include "tasks/score/scope.h"

namespace answer {

// Of the logits of the intents (tasks/score/confidence.h): probability, margin, entropy, logit, energy. Of the unit
// vector (tasks/score/scope.h): mahalanobis, neighbour (the nearest one), sphere. product: the largest probability
// times the cosine to the nearest question that was learned, 0 where that is negative. both: product + sphere, which
// err on different texts.
inline const std::vector<std::string> kDetectors{"probability", "margin",    "entropy", "logit",   "energy",
                                                 "mahalanobis", "neighbour", "sphere",  "product", "both"};

class Scope {
 public:
  // The questions that were learned.    vectors [n, C], classes [n]
  Scope(Tensor vectors, Indices classes);
  // [n] of the texts that were read. T: the temperature of the probabilities.    Error: no such detector.
  std::vector<double> scores(const std::string& detector, const Read& texts, double T) const;
  const Tensor& vectors() const { return vectors_; }
  const Indices& classes() const { return classes_; }

 private:
  Tensor vectors_;
  Indices classes_;
  mutable std::optional<score::Mahalanobis> gaussians_;  // made when they are asked for
  mutable std::optional<score::Spheres> spheres_;
};

}  // namespace answer
