// Softmax and its readings, a row at a time. The formulas stand in confidence.h.
#include "tasks/score/confidence.h"

#include <algorithm>
#include <cmath>

#include "engine/base.h"

namespace score {

using engine::check;

int largest(const std::vector<double>& x) {
  check(!x.empty(), "largest: of one number at least");
  return int(std::max_element(x.begin(), x.end()) - x.begin());
}

double log_sum_exp(std::span<const double> x) {
  check(!x.empty(), "log_sum_exp: of one number at least");
  const double top = *std::max_element(x.begin(), x.end());
  double sum = 0;
  for (const double v : x) sum += std::exp(v - top);
  return top + std::log(sum);
}

std::vector<double> probabilities(const std::vector<double>& logits, double T) {
  check(T > 0, "probabilities: the temperature is above 0; got {}", T);
  const double top = logits[size_t(largest(logits))];
  std::vector<double> p;
  double sum = 0;
  for (const double x : logits) {
    p.push_back(std::exp((x - top) / T));
    sum += p.back();
  }
  for (double& v : p) v /= sum;
  return p;
}

double max_probability(const std::vector<double>& p) { return p[size_t(largest(p))]; }

double margin(const std::vector<double>& p) {
  check(p.size() > 1, "margin: more than one class; got {}", p.size());
  double first = p[0], second = p[1];
  if (second > first) std::swap(first, second);
  for (size_t k = 2; k < p.size(); ++k) {
    second = std::max(second, std::min(first, p[k]));
    first = std::max(first, p[k]);
  }
  return first - second;
}

double negative_entropy(const std::vector<double>& p) {
  double sum = 0;
  for (const double v : p) sum += v > 0 ? v * std::log(v) : 0;
  return sum;
}

double negative_energy(const std::vector<double>& logits, double T) {
  check(T > 0, "negative_energy: the temperature is above 0; got {}", T);
  std::vector<double> scaled = logits;
  for (double& x : scaled) x /= T;
  return T * log_sum_exp(scaled);
}

double max_logit(const std::vector<double>& logits) { return logits[size_t(largest(logits))]; }

namespace {

// The mean of f(row, its label).
template <class F>
double mean_over_rows(const char* who, const std::vector<std::vector<double>>& rows, const std::vector<int>& labels,
                      F f) {
  check(rows.size() == labels.size() && !rows.empty(), "{}: a label for every row; got {} for {}", who, labels.size(),
        rows.size());
  double sum = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    check(labels[i] >= 0 && size_t(labels[i]) < rows[i].size(), "{}: labels are 0 ... {}; got {} in row {}", who,
          long(rows[i].size()) - 1, labels[i], i);
    sum += f(rows[i], size_t(labels[i]));
  }
  return sum / double(rows.size());
}

}  // namespace

double negative_log_likelihood(const std::vector<std::vector<double>>& logits, const std::vector<int>& labels,
                               double T) {
  return mean_over_rows("negative_log_likelihood", logits, labels,
                        [T](const std::vector<double>& x, size_t y) { return (negative_energy(x, T) - x[y]) / T; });
}

double brier(const std::vector<std::vector<double>>& p, const std::vector<int>& labels) {
  return mean_over_rows("brier", p, labels, [](const std::vector<double>& row, size_t y) {
    double sum = 0;
    for (size_t k = 0; k < row.size(); ++k) sum += (row[k] - double(k == y)) * (row[k] - double(k == y));
    return sum;
  });
}

}  // namespace score
