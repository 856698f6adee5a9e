// The metrics of classification out of a confusion matrix, and scikit-learn's report of them.
// Read tasks/score/counts.h first.
#include "tasks/score/metrics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <span>

#include "nn/format/json_value.h"
#include "tasks/score/counts.h"
#include "tasks/score/numbers.h"
#include "tasks/text/utf8.h"

namespace score {

using engine::check;

namespace {

// 2 p r / (p + r), in scikit-learn's order of operations: the last bit decides how a tie is printed.
double f1_of(double precision, double recall) { return ratio(2 * precision * recall, precision + recall); }

Scores scores_of(const Confusion& confusion, int c) {
  const auto hits = double(confusion.at(c, c));
  Scores scores;
  scores.support = confusion.support(c);
  scores.precision = ratio(hits, double(confusion.predicted(c)));
  scores.recall = ratio(hits, double(scores.support));
  scores.f1 = f1_of(scores.precision, scores.recall);
  return scores;
}

// In NumPy's order, for the same reason: eight partial sums, then what is left over; more than 128 numbers in halves.
double sum(std::span<const double> x) {
  if (x.size() > 128) {
    const size_t half = x.size() / 16 * 8;
    return sum(x.first(half)) + sum(x.subspan(half));
  }
  std::array<double, 8> part{};
  size_t at = 0;
  for (; at + 8 <= x.size(); at += 8)
    for (size_t j = 0; j < 8; ++j) part[j] += x[at + j];
  double total = ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
  for (; at < x.size(); ++at) total += x[at];
  return total;
}

// The mean of one of the scores over the classes.
double mean(const std::vector<Scores>& classes, double Scores::*score, const std::vector<double>& weights) {
  std::vector<double> weighted(classes.size());
  for (size_t c = 0; c < classes.size(); ++c) weighted[c] = weights[c] * (classes[c].*score);
  return ratio(sum(weighted), sum(weights));
}

Scores average(const std::vector<Scores>& classes, const std::vector<double>& weights) {
  Scores of{mean(classes, &Scores::precision, weights), mean(classes, &Scores::recall, weights),
            mean(classes, &Scores::f1, weights), 0};
  for (const Scores& scores : classes) of.support += scores.support;
  return of;
}

std::vector<Scores> all_scores(const Confusion& confusion) {
  std::vector<Scores> classes;
  for (int c = 0; c < confusion.classes; ++c) classes.push_back(scores_of(confusion, c));
  return classes;
}

Scores macro_average(const std::vector<Scores>& classes) {
  return average(classes, std::vector<double>(classes.size(), 1.0));
}

size_t width_of(const std::string& name) { return text::decode_utf8(name).size(); }

// As Python pads: by code points. fmt would count an ideograph as two columns.
std::string right_aligned(const std::string& name, size_t width) {
  const size_t length = width_of(name);
  return std::string(width - std::min(width, length), ' ') + name;
}

size_t widest(const std::vector<std::string>& names, size_t at_least) {
  for (const std::string& name : names) at_least = std::max(at_least, width_of(name));
  return at_least;
}

std::string report_head(size_t width) {
  return std::string(width, ' ') + "  precision    recall  f1-score   support\n\n";
}

std::string report_row(const std::string& name, size_t width, const Scores& scores, int digits) {
  return fmt::format("{}  {:>9.{}f} {:>9.{}f} {:>9.{}f} {:>9}\n", right_aligned(name, width), scores.precision, digits,
                     scores.recall, digits, scores.f1, digits, scores.support);
}

// Precision, recall and F1 of all classes together: each the accuracy, but for the last bit of F1.
Scores micro_average(const Report& report) {
  return {report.accuracy, report.accuracy, f1_of(report.accuracy, report.accuracy), report.macro.support};
}

// The last three lines of a report.
std::string totals(const Report& report, size_t width, int digits) {
  const Scores micro = micro_average(report);
  const std::string first = report.all_occur
                                ? fmt::format("{}  {:>9} {:>9} {:>9.{}f} {:>9}\n", right_aligned("accuracy", width), "",
                                              "", micro.f1, digits, micro.support)
                                : report_row("micro avg", width, micro, digits);
  return first + report_row("macro avg", width, report.macro, digits) +
         report_row("weighted avg", width, report.weighted, digits);
}

std::vector<std::string> shortened(std::vector<std::string> names, size_t columns) {
  for (std::string& name : names) name = text::fitted(name, columns);
  return names;
}

nn::ordered_json to_json(const Scores& scores) {
  return {
      {"precision", scores.precision}, {"recall", scores.recall}, {"f1-score", scores.f1}, {"support", scores.support}};
}

// The sub-matrix of the classes that occur in the truth or in the predictions, and their numbers as names.
Confusion occurring(const Confusion& all, std::vector<std::string>& names) {
  std::vector<int> kept;
  for (int c = 0; c < all.classes; ++c)
    if (all.support(c) + all.predicted(c) > 0) kept.push_back(c);
  Confusion part{int(kept.size()), {}};
  for (int truth : kept) {
    names.push_back(std::to_string(truth));
    for (int predicted : kept) part.counts.push_back(all.at(truth, predicted));
  }
  return part;
}

}  // namespace

long Confusion::support(int c) const {
  long sum = 0;
  for (int p = 0; p < classes; ++p) sum += at(c, p);
  return sum;
}

long Confusion::predicted(int c) const {
  long sum = 0;
  for (int t = 0; t < classes; ++t) sum += at(t, c);
  return sum;
}

long Confusion::correct() const {
  long sum = 0;
  for (int c = 0; c < classes; ++c) sum += at(c, c);
  return sum;
}

long Confusion::total() const { return std::accumulate(counts.begin(), counts.end(), 0L); }

Confusion confusion_matrix(const std::vector<int>& y_true, const std::vector<int>& y_pred, int classes) {
  check(y_true.size() == y_pred.size(), "confusion_matrix: a prediction for every label; got {} for {}", y_pred.size(),
        y_true.size());
  check(!y_true.empty(), "confusion_matrix: no examples to score");
  Confusion confusion{classes, std::vector<long>(size_t(classes) * size_t(classes))};
  for (size_t i = 0; i < y_true.size(); ++i) {
    for (int c : {y_true[i], y_pred[i]})
      check(c >= 0 && c < classes, "confusion_matrix: classes are 0 to {}; got {} at example {}", classes - 1, c, i);
    ++confusion.at(y_true[i], y_pred[i]);
  }
  return confusion;
}

std::string to_text(const Confusion& confusion, const std::vector<std::string>& names) {
  check(names.size() == size_t(confusion.classes), "confusion matrix: {} names for {} classes", names.size(),
        confusion.classes);
  const std::string corner = "true \\ predicted";
  const size_t side = widest(names, corner.size());
  const size_t width = widest(names, fmt::formatted_size("{}", confusion.total()));
  std::string table = right_aligned(corner, side);
  for (const std::string& name : names) table.append("  ").append(right_aligned(name, width));
  for (int t = 0; t < confusion.classes; ++t) {
    table.append("\n").append(right_aligned(names[t], side));
    for (int p = 0; p < confusion.classes; ++p) table += fmt::format("  {:>{}}", confusion.at(t, p), width);
  }
  return table + "\n";
}

double accuracy(const Confusion& confusion) { return ratio(double(confusion.correct()), double(confusion.total())); }

double macro_f1(const Confusion& confusion) { return macro_average(all_scores(confusion)).f1; }

double macro_recall(const Confusion& confusion) { return macro_average(all_scores(confusion)).recall; }

// With t, p the sums of the rows and columns, n the total, c the correct ones:
// (c n - t.p) / sqrt((n^2 - t.t) (n^2 - p.p)).
double mcc(const Confusion& confusion) {
  const auto n = double(confusion.total());
  double tp = 0, tt = 0, pp = 0;
  for (int c = 0; c < confusion.classes; ++c) {
    const auto t = double(confusion.support(c)), p = double(confusion.predicted(c));
    tp += t * p;
    tt += t * t;
    pp += p * p;
  }
  return ratio(double(confusion.correct()) * n - tp, std::sqrt((n * n - tt) * (n * n - pp)));
}

// (observed agreement - agreement by chance) / (1 - agreement by chance), both times n^2.
double cohen_kappa(const Confusion& confusion) {
  const auto n = double(confusion.total());
  double chance = 0;
  for (int c = 0; c < confusion.classes; ++c) chance += double(confusion.support(c)) * double(confusion.predicted(c));
  return ratio(double(confusion.correct()) * n - chance, n * n - chance);
}

// 1 - sum_tp w_tp c_tp / sum_tp w_tp e_tp with w_tp = (t - p)^2, c the matrix, e_tp = row t * column p / n what chance
// would do; scikit-learn's cohen_kappa_score(weights="quadratic").
double quadratic_kappa(const Confusion& confusion) {
  double observed = 0, chance = 0;
  for (int t = 0; t < confusion.classes; ++t)
    for (int p = 0; p < confusion.classes; ++p) {
      const double w = double(t - p) * double(t - p);
      observed += w * double(confusion.at(t, p));
      chance += w * double(confusion.support(t)) * double(confusion.predicted(p));
    }
  return chance == 0 ? 0 : 1 - observed * double(confusion.total()) / chance;
}

Report make_report(const Confusion& confusion, const std::vector<std::string>& names) {
  check(names.size() == size_t(confusion.classes), "report: {} names for {} classes", names.size(), confusion.classes);
  Report report{names, all_scores(confusion), accuracy(confusion), {}, {}, true};
  std::vector<double> supports;
  for (const Scores& scores : report.classes) supports.push_back(double(scores.support));
  for (int c = 0; c < confusion.classes; ++c)
    report.all_occur &= confusion.support(c) > 0 || confusion.predicted(c) > 0;
  report.macro = macro_average(report.classes);
  report.weighted = average(report.classes, supports);
  return report;
}

std::string to_text(const Report& report, int digits) {
  const size_t width = widest(report.names, std::max<size_t>(12, size_t(digits)));
  std::string out = report_head(width);
  for (size_t c = 0; c < report.names.size(); ++c) out += report_row(report.names[c], width, report.classes[c], digits);
  return out + "\n" + totals(report, width, digits);
}

std::string summary_of(const Report& report, size_t worst, size_t columns, int digits) {
  constexpr size_t kNumbers = 41;  // columns behind a name
  std::vector<size_t> order(report.names.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return report.classes[a].f1 < report.classes[b].f1; });
  order.resize(std::min(order.size(), worst));
  std::vector<std::string> names;
  for (const size_t c : order) names.push_back(report.names[c]);
  names = shortened(names, columns - std::min(columns, kNumbers));
  const size_t width = widest(names, std::max<size_t>(12, size_t(digits)));
  std::string out = report_head(width) + totals(report, width, digits);
  if (worst == 0) return out;
  out += fmt::format("\nof {} classes the {} with the lowest f1-score\n\n", report.names.size(), order.size());
  for (size_t i = 0; i < order.size(); ++i) out += report_row(names[i], width, report.classes[order[i]], digits);
  return out;
}

std::string confusions_of(const Confusion& confusion, const std::vector<std::string>& all_names, size_t most,
                          size_t columns) {
  struct Pair {
    long count;
    int truth, predicted;
  };
  std::vector<Pair> pairs;
  for (int t = 0; t < confusion.classes; ++t)
    for (int p = 0; p < confusion.classes; ++p)
      if (t != p && confusion.at(t, p) > 0) pairs.push_back({confusion.at(t, p), t, p});
  std::stable_sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.count > b.count; });
  if (pairs.empty()) return "";
  const size_t kinds = pairs.size();
  pairs.resize(std::min(pairs.size(), most));
  constexpr size_t kCount = 7;  // columns before the names, with the blanks between them 11
  const std::vector<std::string> names = shortened(all_names, (columns - std::min<size_t>(columns, kCount + 4)) / 2);
  size_t width = 4;
  for (const Pair& pair : pairs) width = std::max(width, text::columns_of(names[pair.truth]));
  const auto left = [&](const std::string& name) { return name + std::string(width - text::columns_of(name), ' '); };
  std::string out = fmt::format(
      "{} of {} wrong{}\n\n{:>7}  {}  predicted\n", confusion.total() - confusion.correct(), confusion.total(),
      kinds > most ? fmt::format("; the {} commonest of {} mistakes", most, kinds) : "", "count", left("true"));
  for (const Pair& pair : pairs)
    out += fmt::format("{:>7}  {}  {}\n", pair.count, left(names[pair.truth]), names[pair.predicted]);
  return out;
}

nn::ordered_json to_json(const Report& report) {
  nn::ordered_json json;
  for (size_t c = 0; c < report.names.size(); ++c) json[report.names[c]] = to_json(report.classes[c]);
  if (report.all_occur)
    json["accuracy"] = report.accuracy;
  else
    json["micro avg"] = to_json(micro_average(report));
  json["macro avg"] = to_json(report.macro);
  json["weighted avg"] = to_json(report.weighted);
  return json;
}

std::string classification_report(const std::vector<int>& y_true, const std::vector<int>& y_pred,
                                  const std::vector<std::string>& names, int digits) {
  if (!names.empty()) return to_text(make_report(confusion_matrix(y_true, y_pred, int(names.size())), names), digits);
  check(!y_true.empty() && !y_pred.empty(), "classification_report: no examples to score");
  const int highest =
      std::max(*std::max_element(y_true.begin(), y_true.end()), *std::max_element(y_pred.begin(), y_pred.end()));
  std::vector<std::string> numbers;
  const Confusion confusion = occurring(confusion_matrix(y_true, y_pred, highest + 1), numbers);
  return to_text(make_report(confusion, numbers), digits);
}

// The Mann-Whitney statistic: (sum of the ranks of class 1 - n1 (n1 + 1) / 2) / (n0 n1), ties sharing their mean rank.
double roc_auc(const std::vector<int>& y_true, const std::vector<double>& score) {
  check(y_true.size() == score.size(), "roc_auc: a score for every label; got {} for {}", score.size(), y_true.size());
  check(std::all_of(score.begin(), score.end(), [](double s) { return std::isfinite(s); }),
        "roc_auc: every score must be a finite number");
  const std::vector<double> rank = ranks_of(score);
  double positives = 0, ranks = 0;
  for (size_t i = 0; i < rank.size(); ++i) {
    check(y_true[i] == 0 || y_true[i] == 1, "roc_auc: two classes, 0 and 1; got {} at example {}", y_true[i], i);
    positives += y_true[i];
    ranks += y_true[i] * rank[i];
  }
  const double negatives = double(score.size()) - positives;
  check(positives > 0 && negatives > 0, "roc_auc: both classes must occur; got {} of class 0 and {} of class 1",
        negatives, positives);
  return (ranks - positives * (positives + 1) / 2) / (positives * negatives);
}

}  // namespace score
