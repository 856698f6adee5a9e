// Calibration: whether what a model says with 80 % is right in 80 %.
#pragma once

#include <string>
#include <vector>

namespace score {

// The texts whose confidence lies in a bin: how many, their mean confidence and the share that is right. Empty bins are
// left out of every list.
struct Bin {
  int bin = 0;
  long count = 0;
  double confidence = 0, accuracy = 0;
  double gap() const { return accuracy < confidence ? confidence - accuracy : accuracy - confidence; }
};
// B bins of one width: bin b holds b / B < c <= (b + 1) / B, and bin 0 also 0. Or of one size: in rising order, equal
// ones as they come, the first n mod B bins have a text more.
//   confidence [n] in [0, 1], right [n], B > 0
int bin_of(double confidence, int B);
std::vector<Bin> bins_of_width(const std::vector<double>& confidence, const std::vector<bool>& right, int B);
std::vector<Bin> bins_of_size(const std::vector<double>& confidence, const std::vector<bool>& right, int B);

// Of bins with n_b texts and gaps d_b = |accuracy - confidence|, n texts in all (Naeini, Cooper, Hauskrecht 2015; Guo
// et al. 2017; Nixon et al. 2019):
//   ece   sum_b n_b / n d_b      mce   max_b d_b      rmsce   sqrt(sum_b n_b / n d_b^2)      ace   mean_b d_b
double ece(const std::vector<Bin>& bins);
double mce(const std::vector<Bin>& bins);
double rmsce(const std::vector<Bin>& bins);
double ace(const std::vector<Bin>& bins);

// Each class's probability against whether the text is of that class.    p [n][K], labels [n] -> a column of it
struct Outcomes {
  std::vector<double> confidence;
  std::vector<bool> right;
};
Outcomes outcomes_of_class(const std::vector<std::vector<double>>& p, const std::vector<int>& labels, int k);
Outcomes outcomes_of_largest(const std::vector<std::vector<double>>& p, const std::vector<int>& labels);

// The ECE, in B bins of one width, that a model shows on the average whose confidences are exactly right: each text is
// right with its confidence. A bin's E |sum (right_i - c_i)| is exact up to 2,048 texts, by the distribution of the
// sum, and sqrt(2 / pi sum c_i (1 - c_i)) above. An ECE below it says nothing.
double ece_of_a_perfect_model(const std::vector<double>& confidence, int B);

// The temperature T that divides the logits at the least mean -log softmax(x / T)_y (Guo et al. 2017). It is
// convex in u = 1 / T, with the slope  mean (sum_k p_k x_k - x_y),  p = softmax(u x),  of which T is the root: Newton's
// steps, halving where they leave what is known. T stays within 1/1000 ... 1000, where a model that is always right, or
// a useless one, would send it.    logits [n][K], labels [n]
double best_temperature(const std::vector<std::vector<double>>& logits, const std::vector<int>& labels);

// Why that temperature is no measurement, in a sentence: it ended at a bound, or no text is wrong (one at least has to
// be, or the sharpest is the best); empty: it is one.
bool none_wrong(const std::vector<std::vector<double>>& logits, const std::vector<int>& labels);
std::string no_measurement(double temperature, bool none_wrong);

}  // namespace score
