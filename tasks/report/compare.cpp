// Paired comparisons of runs. Read tasks/score/proportions.h first: the bootstrap and McNemar's test.
#include "tasks/report/compare.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "tasks/score/metrics.h"

namespace report {
namespace {

using Classes = std::vector<int>;

// Classes by their places in `labels`, where these are the same labels in another order.
Predictions in_order_of(const std::vector<std::string>& labels, Predictions p) {
  if (p.labels == labels || !std::ranges::is_permutation(p.labels, labels)) return p;
  const auto place = [&](int k) { return int(std::ranges::find(labels, p.labels[size_t(k)]) - labels.begin()); };
  for (Prediction& row : p.rows) row.label = place(row.label), row.predicted = place(row.predicted);
  p.labels = labels;
  return p;
}

std::string why_not(const RunFiles& a, const RunFiles& b) {
  for (const RunFiles* run : {&a, &b})
    if (!run->predictions)
      return run->tasks.empty()
                 ? run->name + " has no predictions.jsonl"
                 : fmt::format("{} has several tasks; --task names one of {}", run->name, fmt::join(run->tasks, ", "));
  return "";
}

std::string why_not(const Predictions& a, const Predictions& b) {
  if (a.labels != b.labels) return "they have different labels";
  if (a.rows.size() != b.rows.size()) return "they were measured on different texts";
  if (a.rows.empty()) return "they were measured on no text";
  for (size_t i = 0; i < a.rows.size(); ++i) {
    const Prediction &p = a.rows[i], &q = b.rows[i];
    if (p.text != q.text || p.pair != q.pair) return "they were measured on different texts";
    if (p.label != q.label || p.number != q.number) return "their texts have different labels";
  }
  return "";
}

double macro_f1(const Classes& truth, const Classes& said, const std::vector<int>& rows, int K) {
  Classes t, p;
  for (const int row : rows) t.push_back(truth[size_t(row)]), p.push_back(said[size_t(row)]);
  return score::macro_f1(score::confusion_matrix(t, p, K));
}

double mean(const std::vector<double>& x) {
  double sum = 0;
  for (const double value : x) sum += value;
  return sum / double(x.size());
}

}  // namespace

Comparison compare(const RunFiles& first, const RunFiles& second, long resamples, uint64_t seed) {
  engine::check(resamples > 0, "compare: one resample at least");
  Comparison c;
  c.impossible = why_not(first, second);
  if (!c.impossible.empty()) return c;
  const Predictions &a = *first.predictions, b = in_order_of(a.labels, *second.predictions);
  c.impossible = why_not(a, b);
  if (!c.impossible.empty()) return c;
  const long n = long(a.rows.size());
  std::vector<std::vector<int>> rows;
  for (long r = 0; r < resamples; ++r) rows.push_back(score::resample(n, seed, uint32_t(r)));
  std::vector<double> of_a, of_b;  // [n]: whether a text is right, or how far off a number is
  if (a.labels.empty()) {
    for (const Prediction& p : a.rows) of_a.push_back(std::abs(p.number - p.predicted_number));
    for (const Prediction& p : b.rows) of_b.push_back(std::abs(p.number - p.predicted_number));
    c.gains.push_back({"mae", mean(of_a), mean(of_b), score::paired_bootstrap(of_a, of_b, rows)});
    return c;
  }
  for (const bool right : a.right()) of_a.push_back(right);
  for (const bool right : b.right()) of_b.push_back(right);
  for (size_t i = 0; i < of_a.size(); ++i) {
    c.only_first += of_a[i] > of_b[i];
    c.only_second += of_b[i] > of_a[i];
  }
  c.mcnemar = score::mcnemar(c.only_first, c.only_second);
  c.gains.push_back({"accuracy", mean(of_a), mean(of_b), score::paired_bootstrap(of_a, of_b, rows)});
  const Classes truth = a.truth(), by_a = a.predicted(), by_b = b.predicted();
  const int K = int(a.labels.size());
  std::vector<double> differences(static_cast<size_t>(resamples));
#pragma omp parallel for
  for (long r = 0; r < resamples; ++r)
    differences[size_t(r)] = macro_f1(truth, by_b, rows[size_t(r)], K) - macro_f1(truth, by_a, rows[size_t(r)], K);
  const double f_a = score::macro_f1(score::confusion_matrix(truth, by_a, K)),
               f_b = score::macro_f1(score::confusion_matrix(truth, by_b, K));
  c.gains.push_back({"macro_f1", f_a, f_b, score::bootstrap_of(f_b - f_a, differences)});
  return c;
}

}  // namespace report
