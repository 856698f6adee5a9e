// A filter before a ranking. Read tasks/score/negatives.h first.
#include "tasks/score/negatives.h"

#include "engine/base.h"
#include "tasks/score/order.h"

namespace score {

std::vector<int> hard_negatives(std::vector<double> scores, const std::vector<bool>& wrong, double own, long n,
                                double margin) {
  engine::check(scores.size() == wrong.size(), "hard_negatives: whether each candidate is wrong; got {} for {}",
                wrong.size(), scores.size());
  engine::check(n > 0 && margin >= 0 && margin <= 1, "hard_negatives: n above 0, margin in [0, 1]; got {} and {}", n,
                margin);
  for (size_t i = 0; i < scores.size(); ++i)
    if (!wrong[i] || scores[i] > (1 - margin) * own) scores[i] = 0;
  std::vector<int> best = top(scores, n);
  std::erase_if(best, [&](int i) { return scores[size_t(i)] <= 0; });
  return best;
}

}  // namespace score
