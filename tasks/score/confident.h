// Confident learning: which labels are probably wrong, from what models say that have not seen them.
#pragma once

#include <cstddef>
#include <vector>

namespace score {

// The confident joint of given and true labels (Northcutt, Jiang, Chuang 2021, "Confident Learning").
//   p [n][K]   probabilities out of fold: of a model not trained on text i       given [n]   its label, 0 ... K - 1
//   t_k        = mean of p_ik over the texts with label k               how sure the models are of a class, as a rule
//   C_sy       = how many texts with label s have y = argmax over {k: p_ik >= t_k} of p_ik; none: not counted,
//                C_kk >= 1 where label k occurs
//   Q_sy       = C_sy / (sum_y' C_sy') n_s / n    n_s texts with label s: the rows have the shares that the labels have
//   estimated share of wrong labels = 1 - sum_k Q_kk
struct ConfidentJoint {
  std::vector<double> thresholds;          // [K]; infinity: nothing has the label
  std::vector<std::vector<long>> counts;   // C [K][K]
  std::vector<std::vector<double>> joint;  // Q [K][K]
  std::vector<int> believed;               // [n] the y of text i; -1: none
  double wrong_share() const;
  // Whether text i, whose label is given[i], is counted off the diagonal.
  bool suspects(long i, int label) const { return believed[std::size_t(i)] >= 0 && believed[std::size_t(i)] != label; }
};
// Error: rows of another length, a label that is none of the K.
ConfidentJoint confident_joint(const std::vector<std::vector<double>>& p, const std::vector<int>& given, int classes);

// How sure the model is of a label, low where it is suspicious.
//   normalised margin   (p_s - max over k other than s of p_k + 1) / 2, 0 ... 1          self-confidence   p_s
double normalised_margin(const std::vector<double>& p, int label);

}  // namespace score
