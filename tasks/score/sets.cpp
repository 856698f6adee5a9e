// F1 of label sets, label by label. Read tasks/score/counts.h first.
#include "tasks/score/sets.h"

#include "tasks/score/counts.h"

namespace score {
namespace {

std::vector<Hits> hits_of_labels(const LabelSets& y_true, const LabelSets& y_pred) {
  check_pairs("f1 of label sets", y_true, y_pred);
  std::vector<Hits> hits(y_true[0].size());
  for (size_t i = 0; i < y_true.size(); ++i) {
    engine::check(y_true[i].size() == hits.size() && y_pred[i].size() == hits.size(),
                  "f1 of label sets: {} labels in every row; row {} has {} and {}", hits.size(), i, y_true[i].size(),
                  y_pred[i].size());
    for (size_t k = 0; k < hits.size(); ++k) {
      const bool truth = y_true[i][k], predicted = y_pred[i][k];
      hits[k].add({truth && predicted, !truth && predicted, truth && !predicted});
    }
  }
  return hits;
}

}  // namespace

double micro_f1(const LabelSets& y_true, const LabelSets& y_pred) {
  Hits all;
  for (const Hits& h : hits_of_labels(y_true, y_pred)) all.add(h);
  return all.f1();
}

double macro_f1(const LabelSets& y_true, const LabelSets& y_pred) {
  const std::vector<Hits> hits = hits_of_labels(y_true, y_pred);
  double sum = 0;
  for (const Hits& h : hits) sum += h.f1();
  return ratio(sum, double(hits.size()));
}

}  // namespace score
